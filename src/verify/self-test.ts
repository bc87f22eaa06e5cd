/** Tests whether the Nix at hand does what verdicts rely on. A Nix that fails is not used. */

import { createHash } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { formatSri, type Hash } from "../nix/hash.ts";
import { attempt, FETCH_LIMITS } from "./attempt.ts";
import { derivationReader } from "./closure.ts";
import { fixedOutput } from "./drv.ts";
import type { Nix } from "./nix.ts";
import { type DerivationSpec, rederive, specOf } from "./rederive.ts";
import { fixedOutputPath } from "./store-path.ts";

export interface SelfTest {
  readonly what: string;
  /** Null when it holds. */
  readonly failure: string | null;
}

const CONTENT = "verifod self-test\n";

/**
 * Makes a fixed-output derivation, makes it again from its parts, and fetches it from a server of our own: once with the right
 * hash, once with a wrong one.
 */
export async function selfTest(nix: Nix, signal?: AbortSignal): Promise<readonly SelfTest[]> {
  const hash: Hash = { algorithm: "sha256", bytes: createHash("sha256").update(CONTENT).digest() };
  const server = createServer((_, response) => response.end(CONTENT));
  await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
  try {
    const port = (server.address() as AddressInfo).port;
    const spec: DerivationSpec = {
      attributes: {
        name: "verifod-self-test",
        system: "builtin",
        url: `http://127.0.0.1:${port}/`,
        outputHashMode: "flat",
        outputHash: formatSri(hash),
        outputHashAlgo: "sha256",
        executable: "",
        unpack: "",
      },
      builder: "builtin:fetchurl",
      args: [],
      derivations: {},
      sources: [],
    };
    const made = await rederive(nix, [spec], signal);
    if (made.kind === "failed") return [{ what: "a derivation can be made", failure: made.reason }];
    const derivation = derivationReader(nix.store.files).read(made.paths[0] ?? "");
    const output = fixedOutput(derivation);
    if (output === null) return [{ what: "a derivation can be made", failure: "it has no fixed output" }];
    const again = await rederive(nix, [specOf(derivation)], signal);
    const same = again.kind === "derivations" && again.paths[0] === derivation.path;
    const path = fixedOutputPath(nix.store.directory, derivation.name, output.mode, output.hash);

    const way = { via: "nix", spec, url: `http://127.0.0.1:${port}/`, secure: false } as const;
    const limits = { ...FETCH_LIMITS, seconds: 30, bytes: 1_000_000 };
    const fetched = await attempt(nix, derivation.name, output, way, {
      limits,
      builder: null,
      allowed: [`127.0.0.1:${port}`],
      signal,
    });
    const { result } = fetched;
    const seen = result.kind === "hash" && formatSri(result.got) === formatSri(hash);
    const counted = fetched.transfers.some(({ bytes }) => bytes >= CONTENT.length);
    return [
      {
        what: "a derivation made anew from its parts is the same",
        failure: same ? null : again.kind === "failed" ? again.reason : "its path is another one",
      },
      {
        what: "store paths are as we compute them",
        failure: path === output.path ? null : `${output.path} is not ${path}`,
      },
      {
        what: "a wrong hash is reported, with the hash of what came",
        failure: seen ? null : "reason" in result ? result.reason : `Nix reported ${result.kind}`,
      },
      { what: "downloads use our way out", failure: counted ? null : "nothing came through it" },
    ];
  } finally {
    server.close();
    server.closeAllConnections();
  }
}
