/**
 * Fetches on another machine: one of Nix's remote builders, used as a store, so that each refetch is its own request and ends
 * with Nix's own record. Through the build hook (`builders =`) that record would arrive as text, which a derivation can print
 * as well. What guards a fetch here (our proxy, the size limits, our sandbox) does not exist there.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { VerifodError } from "../errors.ts";
import type { Nix } from "./nix.ts";
import { PROXY_ENVIRONMENT, proxyEnvironment, type Way } from "./plan.ts";

export interface Builder {
  /** As Nix reads it. https://nix.dev/manual/nix/2.28/store/types/ */
  readonly uri: string;
  /** For people: without parameters, which can name key files. */
  readonly label: string;
}

/**
 * Reads the address of a builder. `ssh://` is refused, since its protocol gives errors as plain text.
 * @throws VerifodError (usage) for what is no such address
 */
export function builderOf(text: string): Builder {
  if (!/^(?:ssh-ng:\/\/[^\s/-]|unix:\/\/\/)[^\s]*$/.test(text)) {
    throw new VerifodError("usage", "--builder takes ssh-ng://[USER@]HOST or unix:///SOCKET of a Nix daemon");
  }
  return { uri: text, label: text.split(/[?#]/, 1)[0] ?? text };
}

/** The same Nix with the builder's store in place of ours. */
export function nixAt(nix: Nix, builder: Builder | null): Nix {
  return builder === null ? nix : nix.withStore(["--store", builder.uri]);
}

/** Long enough to copy the sources among a derivation's inputs. */
const SECONDS = 600;

/** A daemon or sshd drops a connection when many come at once, and takes the next: sshd_config(5), MaxStartups. */
const PAUSES = [250, 1000];

/** Copies a derivation, and everything that it names, to the builder's store. Null when it is there, else why not. */
export async function send(
  nix: Nix,
  derivation: string,
  builder: Builder,
  signal?: AbortSignal,
): Promise<string | null> {
  let unsent = await sendOnce(nix, derivation, builder, signal);
  for (const pause of PAUSES) {
    if (unsent === null || unsent.final || signal?.aborted) break;
    await sleep(pause, undefined, { signal }).catch(() => undefined);
    unsent = await sendOnce(nix, derivation, builder, signal);
  }
  return unsent?.why ?? null;
}

async function sendOnce(
  nix: Nix,
  derivation: string,
  builder: Builder,
  signal?: AbortSignal,
): Promise<{ why: string; final: boolean } | null> {
  const result = await nix.run(
    "nix",
    [
      ...["--extra-experimental-features", "nix-command", "copy", "--derivation"],
      ...["--no-check-sigs", "--to", builder.uri, derivation],
    ],
    { seconds: SECONDS, signal },
  );
  if (result.status === 0) return null;
  if (result.ended === "time") return { why: "it did not take the derivation in time", final: true };
  const error = result.stderr.split("\n").find((line) => /\berror: /.test(line));
  return { why: error?.replace(/^.*?error: /, "").slice(0, 300) ?? "no message", final: false };
}

/** Nobody listens there: https://www.iana.org/assignments/service-names-port-numbers (discard) */
const NOWHERE = "http://127.0.0.1:9";

/** The same way to fetch with proxies that lead nowhere: content that still comes is made without a download. */
export function withoutWayOut(way: Way): Way {
  const names = new Set(PROXY_ENVIRONMENT);
  const { impureEnvVars, ...attributes } = way.spec.attributes;
  const kept = Array.isArray(impureEnvVars) ? impureEnvVars.filter((name) => !names.has(String(name))) : [];
  const proxies = proxyEnvironment(NOWHERE);
  return { ...way, spec: { ...way.spec, attributes: { ...attributes, ...proxies, impureEnvVars: kept } } };
}
