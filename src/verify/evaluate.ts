/**
 * Evaluates one attribute of a written tree, restricted: no files outside the trees, no network, no builds, no environment, and
 * limits on time and memory.
 */
import type { Nix } from "./nix.ts";
import type { RunResult } from "./process.ts";

export interface EvaluationLimits {
  readonly seconds: number;
  /** Address space in bytes. */
  readonly memory: number;
}

/** The largest packages of nixpkgs take about 5 s and 1.5 GB. */
export const EVALUATION_LIMITS: EvaluationLimits = { seconds: 120, memory: 4_000_000_000 };

export interface EvaluationRequest {
  /** The folder with both trees, the only files that evaluation may read. */
  readonly roots: string;
  /** The tree of the side. */
  readonly tree: string;
  /** The file of the tree that has the packages, as `default.nix`. */
  readonly entry: string;
  readonly attr: string;
  /** Null: the system of this machine. */
  readonly system: string | null;
}

export type Evaluation =
  | {
      readonly kind: "derivations";
      /** The attribute's derivations: one, or more for a set of them. */
      readonly paths: readonly string[];
      /** The tree's files that evaluation read as Nix code. Data (`readFile`) is not among them. */
      readonly files: ReadonlySet<string>;
    }
  | { readonly kind: "absent" }
  | { readonly kind: "failed"; readonly reason: string };

/** A set with more derivations is no package. */
const MAX_DERIVATIONS = 64;
/** Evaluation of a large package prints about 300 kB of file names. */
const KEEP_BYTES = 16 * 1024 * 1024;

/**
 * Packages marked as unfree, broken or unsupported have pins too. Only package sets that take `config` see this.
 * https://nixos.org/manual/nixpkgs/stable/#chap-packageconfig
 */
const CONFIG = "allowUnfree = true; allowBroken = true; allowUnsupportedSystem = true;";
/** A package is not evaluated when it, or one that it needs, is marked as insecure; the error names it. */
const INSECURE = /^Package [‘'](?<name>[^’'\s]{1,200})[’'].* is marked as insecure/;
const MAX_INSECURE = 8;

/** Evaluates an attribute to the paths of its derivations, which then are in the store. */
export async function evaluate(
  nix: Nix,
  request: EvaluationRequest,
  limits: EvaluationLimits,
  signal?: AbortSignal,
): Promise<Evaluation> {
  const insecure: string[] = [];
  let first: Evaluation | null = null;
  for (;;) {
    const permitted = insecure.map((name) => JSON.stringify(name)).join(" ");
    const config = insecure.length > 0 ? `${CONFIG} permittedInsecurePackages = [ ${permitted} ];` : CONFIG;
    const result = await instantiate(nix, request, config, limits, signal);
    // The tree's configuration does not know the option: the first error tells more.
    if (first && result.kind === "failed" && result.reason.includes("does not exist")) return first;
    first ??= result;
    const name = result.kind === "failed" ? INSECURE.exec(result.reason)?.groups?.name : undefined;
    // The name is text of the tree: only what can be a package's name goes into the configuration.
    if (name === undefined || !/^[\w.+?-]+$/.test(name) || insecure.includes(name)) return result;
    if (insecure.length === MAX_INSECURE) return result;
    insecure.push(name);
  }
}

async function instantiate(
  nix: Nix,
  { roots, tree, entry, attr, system }: EvaluationRequest,
  config: string,
  limits: EvaluationLimits,
  signal: AbortSignal | undefined,
): Promise<Evaluation> {
  if (signal?.aborted) return endedBy(signal);
  const result = await nix.run(
    "nix-instantiate",
    [
      "-v",
      "-I",
      `trees=${roots}`,
      `${tree}/${entry}`,
      "-A",
      attr,
      "--arg",
      "config",
      `{ ${config} }`,
      ...(system ? ["--argstr", "system", system] : []),
    ],
    { ...limits, keep: KEEP_BYTES, signal },
  );
  if (result.ended === "time") {
    return { kind: "failed", reason: `evaluation took longer than ${limits.seconds} s` };
  }
  if (result.ended === "aborted") return endedBy(signal);
  if (result.status !== 0) return failure(result, roots);
  const paths = result.stdout
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => line.split("!", 1)[0] ?? line);
  if (paths.length === 0) return { kind: "failed", reason: "it is not a derivation" };
  if (paths.length > MAX_DERIVATIONS) {
    return { kind: "failed", reason: `it is a set of ${paths.length} derivations, not a package` };
  }
  return { kind: "derivations", paths: [...new Set(paths)], files: filesRead(result.stderr, tree) };
}

/** The result of an evaluation that a budget (with its reason) or the user ended. */
function endedBy(signal: AbortSignal | undefined): Evaluation {
  return { kind: "failed", reason: typeof signal?.reason === "string" ? signal.reason : "interrupted" };
}

function filesRead(trace: string, tree: string): ReadonlySet<string> {
  const files = new Set<string>();
  for (const [, file] of trace.matchAll(/^evaluating file '(.*)'$/gm)) {
    if (file?.startsWith(`${tree}/`)) files.add(file.slice(tree.length + 1));
  }
  return files;
}

const ABSENT = /^error: attribute '.*?' in selection path '/;

function saysAbsent(error: string): boolean {
  const begin = ABSENT.exec(error)?.[0];
  return begin !== undefined && error.includes("' not found", begin.length);
}

function failure({ status, stderr, isCut }: RunResult, roots: string): Evaluation {
  // The tree can print such a text: then there is another error, or not all of the output was kept.
  const errors = stderr.match(/^error:.*/gm) ?? [];
  const [only = "", ...others] = errors;
  if (status === 1 && !isCut && others.length === 0 && saysAbsent(only)) return { kind: "absent" };
  if (status === null || status > 128) {
    return { kind: "failed", reason: "the evaluator crashed (out of memory or stack)" };
  }
  return { kind: "failed", reason: errorIn(stderr, roots) };
}

/** Nix's last error, on one line. The evaluated tree can write such text: it is shown, never trusted. */
function errorIn(stderr: string, roots: string): string {
  const lines = stderr
    .split("\n")
    .filter((line) => !/^(evaluating file|copied source|instantiated|\s*at |\s*\d*\||\s*$)/.test(line));
  const errors = lines.filter((line) => /^\s*error: /.test(line));
  const message = (errors.at(-1) ?? lines.at(-1) ?? "it fails")
    .replace(/^\s*error: /, "")
    .replaceAll(`${roots}/`, "");
  return message.trim().slice(0, 300);
}
