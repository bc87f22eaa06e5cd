/** The command with which a person can reproduce a verdict. */
import { formatSri } from "../nix/hash.ts";
import type { ChangedFod } from "./changed-fods.ts";
import type { Fetch } from "./verdict.ts";

/** A command for the shell; null when the derivation can only be had through a tool. */
export function reproduce(fod: ChangedFod, fetches: readonly Fetch[]): string | null {
  const { algorithm, bytes } = fod.output.hash;
  const fetch = fetches.at(-1);
  if (fetch?.url && fod.output.mode === "flat") {
    // Without an expected hash it always downloads.
    return `nix-prefetch-url --type ${algorithm} --name ${quoted(fod.derivation.name)} ${quoted(fetch.url)}`;
  }
  if (fetch?.via !== "builder" || fod.place === null) return null;
  const fake = formatSri({ algorithm, bytes: Buffer.alloc(bytes.length) });
  const expression = `((import ./. { }).${fod.place}).overrideAttrs (_: { outputHash = "${fake}"; outputHashAlgo = "${algorithm}"; })`;
  return `nix-build --no-out-link -E ${quoted(expression)}`;
}

function quoted(text: string): string {
  return /^[\w./:@%+=,-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
