/** Values of expressions by Nix itself, and how those of static evaluation compare. */
import { spawnSync } from "node:child_process";
import { type Plain, UNKNOWN } from "./static-values.ts";

/** The values of expressions by Nix, of one process; each must have one. */
export function nixValues(expressions: readonly string[]): readonly Plain[] {
  const run = spawnSync("nix-instantiate", ["--store", "dummy://", "--eval", "--strict", "--json", "-"], {
    // A line of its own for each: an error names it.
    input: `[\n${expressions.map((expression) => `(${expression}\n)`).join("\n")}\n]`,
    encoding: "utf8",
    timeout: 60_000,
    maxBuffer: 64 * 1024 * 1024,
  });
  if (run.status !== 0) throw new Error(`nix-instantiate failed: ${run.error?.message ?? run.stderr}`);
  return JSON.parse(run.stdout);
}

/** Whether a value agrees with the true one in all that it claims. */
export function agrees(claimed: Plain, truth: Plain): boolean {
  if (claimed === UNKNOWN) return true;
  if (Array.isArray(claimed)) {
    return (
      Array.isArray(truth) &&
      truth.length === claimed.length &&
      claimed.every((item, index) => agrees(item, truth[index] ?? null))
    );
  }
  if (typeof claimed === "object" && claimed !== null) {
    if (typeof truth !== "object" || truth === null || Array.isArray(truth)) return false;
    const [names, others] = [Object.keys(claimed), Object.keys(truth)].map((keys) => keys.sort().join("\0"));
    const of = truth as { readonly [name: string]: Plain };
    return (
      names === others && Object.entries(claimed).every(([name, item]) => agrees(item, of[name] ?? null))
    );
  }
  return Object.is(claimed, truth);
}

/** Whether nothing of a value is unknown. */
export function isKnown(value: Plain): boolean {
  if (value === UNKNOWN) return false;
  if (typeof value !== "object" || value === null) return true;
  return Object.values(value).every((item: Plain) => isKnown(item));
}
