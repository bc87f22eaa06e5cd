/** Values of expressions by static evaluation. */
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
