/** Values of expressions, by Nix itself and by static evaluation. */
import { spawnSync } from "node:child_process";
import { evaluateAt } from "../../src/nix/evaluate.ts";
import { createParser } from "../../src/nix/parser.ts";
import { createSession, type Session } from "../../src/nix/session.ts";
import type { SourceFiles } from "../../src/nix/source-file.ts";
import { knownText, type Value } from "../../src/nix/value.ts";

/** What static evaluation does not know. */
export const UNKNOWN = Symbol("unknown");
export type Plain =
  | string
  | number
  | boolean
  | null
  | typeof UNKNOWN
  | readonly Plain[]
  | { readonly [name: string]: Plain };

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

const NO_FILES: SourceFiles = { get: () => null, siblings: () => [] };
const parser = await createParser("nix");

/** The value of an expression by static evaluation. */
export function staticValue(text: string): Plain {
  const parsed = parser.parse(text);
  if (parsed.kind !== "document") throw new Error(parsed.reason);
  const { document } = parsed;
  const session = createSession(NO_FILES);
  const value = evaluateAt(session, { kind: "nix", path: "p/x.nix", text, document }, document.root);
  const plain = toPlain(session, value);
  document.dispose();
  return plain;
}

function toPlain(session: Session, value: Value): Plain {
  switch (value.kind) {
    case "text":
      return knownText(value) ?? UNKNOWN;
    case "number":
    case "bool":
      return value.value;
    case "null":
      return null;
    case "list":
      return value.open ? UNKNOWN : value.items.map((item) => toPlain(session, item()));
    case "set":
      return value.open
        ? UNKNOWN
        : Object.fromEntries([...value.entries].map(([name, entry]) => [name, toPlain(session, entry())]));
    default:
      return UNKNOWN;
  }
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
