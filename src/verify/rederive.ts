/** Makes a fixed-output derivation again from its parts, with another hash. */
import { randomBytes } from "node:crypto";
import { copyFile, rm, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import type { Hash } from "../nix/hash.ts";
import { attributesOf, type Derivation } from "./drv.ts";
import type { Nix } from "./nix.ts";

/** The parts of a derivation, for `rederive.nix`. */
export interface DerivationSpec {
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly builder: string;
  readonly args: readonly string[];
  readonly derivations: Readonly<Record<string, readonly string[]>>;
  readonly sources: readonly string[];
}

/** Attributes that Nix reads as booleans and stores as "1" or "". */
const BOOLEANS = ["__structuredAttrs", "__ignoreNulls"];

/** The parts of a derivation as it is. */
export function specOf(derivation: Derivation): DerivationSpec {
  const { out: _, builder: __, args: ___, ...stored } = attributesOf(derivation);
  const booleans = BOOLEANS.filter((name) => typeof stored[name] === "string").map((name) => [
    name,
    stored[name] === "1",
  ]);
  const attributes: Record<string, unknown> = { ...stored, ...Object.fromEntries(booleans) };
  const structured = derivation.env.has("__json") ? { __structuredAttrs: true } : {};
  // Nix wants the names of outputs as a list and stores them as one text.
  const outputs = typeof attributes.outputs === "string" ? { outputs: attributes.outputs.split(" ") } : {};
  return {
    attributes: {
      ...attributes,
      ...outputs,
      ...structured,
      name: derivation.name,
      system: derivation.system,
    },
    builder: derivation.builder,
    args: derivation.args,
    derivations: Object.fromEntries(derivation.inputDerivations),
    sources: derivation.inputSources,
  };
}

/** The same derivation with another declared hash. */
export function withHash(spec: DerivationSpec, hash: Hash): DerivationSpec {
  const outputHash = hash.bytes.toString("hex");
  return { ...spec, attributes: { ...spec.attributes, outputHashAlgo: hash.algorithm, outputHash } };
}

/** A random hash, which nobody can have known beforehand, of the algorithm of `like`. */
export function randomHash(like: Hash): Hash {
  return { algorithm: like.algorithm, bytes: randomBytes(like.bytes.length) };
}

export type Rederivation =
  | { readonly kind: "derivations"; readonly paths: readonly string[] }
  | { readonly kind: "failed"; readonly reason: string };

let count = 0;

/** Puts derivations into the store; gives their paths in the order of `specs`. */
export async function rederive(
  nix: Nix,
  specs: readonly DerivationSpec[],
  signal?: AbortSignal,
): Promise<Rederivation> {
  const id = count++;
  const file = `${nix.work}/tmp/rederive-${id}`;
  await Promise.all([
    writeFile(`${file}.json`, JSON.stringify(specs)),
    copyFile(fileURLToPath(new URL("./rederive.nix", import.meta.url)), `${file}.nix`),
  ]);
  try {
    const result = await nix.run(
      "nix-instantiate",
      ["--option", "restrict-eval", "false", `${file}.nix`, "--argstr", "specs", `${file}.json`],
      { seconds: 60 + specs.length / 20, memory: 4_000_000_000, signal },
    );
    const paths = result.stdout.split("\n").filter((line) => line !== "");
    if (result.status === 0 && paths.length === specs.length) return { kind: "derivations", paths };
    const last = result.stderr
      .trim()
      .split("\n")
      .findLast((line) => /error: /.test(line));
    return {
      kind: "failed",
      reason: `cannot be re-derived: ${last?.slice(0, 300) ?? `status ${result.status}`}`,
    };
  } finally {
    await Promise.all([rm(`${file}.json`, { force: true }), rm(`${file}.nix`, { force: true })]);
  }
}
