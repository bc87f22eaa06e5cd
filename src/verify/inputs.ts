/** Puts what builders need into the store beforehand, so that a missing tool is not blamed on the download. */
import { anySignal } from "../signals.ts";
import type { AttemptOptions } from "./attempt.ts";
import { nixAt, send } from "./builder.ts";
import type { Derivation } from "./drv.ts";
import { openEgress } from "./egress.ts";
import type { Nix } from "./nix.ts";
import { proxyEnvironment } from "./plan.ts";

/** Inputs come from substituters, or are built: that may take longer than a download. */
const SECONDS = 1_800;

/**
 * Realises the inputs of a derivation in the ordinary way. Null when they are there, else why not. Inputs can be downloads that
 * the pull request wrote, so they use the same proxy.
 */
export async function realiseInputs(
  nix: Nix,
  derivation: Derivation,
  options: AttemptOptions,
): Promise<string | null> {
  const wanted = [...derivation.inputDerivations].map(([path, outputs]) => `${path}!${outputs.join(",")}`);
  if (wanted.length === 0) return null;
  const { builder, signal } = options;
  const unsent = builder && (await send(nix, derivation.path, builder, signal));
  if (unsent !== null) return `what it needs cannot be sent: ${unsent}`;
  const egress = await openEgress({ allowed: options.allowed, bytes: options.limits.bytes });
  try {
    const result = await nixAt(nix, builder).run("nix-store", ["--realise", ...wanted], {
      seconds: SECONDS,
      fileSize: options.limits.bytes * 2,
      signal: anySignal(signal, egress.tooMuch),
      env: proxyEnvironment(egress.url),
    });
    if (result.status === 0) return null;
    if (egress.tooMuch.aborted) return `what it needs is more than ${options.limits.bytes} bytes`;
    const refused = egress.transfers().find((transfer) => transfer.refused);
    if (refused) return `something that it needs was refused: ${refused.failure ?? refused.host}`;
    if (result.ended !== null) return "what it needs was not there in time";
    const errors = result.stderr.split("\n").filter((line) => /^\s*error: /.test(line));
    return `what it needs cannot be had: ${errors[0]?.replace(/^\s*error: /, "").slice(0, 300) ?? "no message"}`;
  } finally {
    await egress.close();
  }
}
