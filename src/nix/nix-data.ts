/** Nix texts that are nothing but data, as programs write them: sets, lists and texts, of which nothing is evaluated. */
import { flatMemory } from "./flat-tree.ts";
import { readNix } from "./nix-reader.ts";
import { withLines } from "./parser.ts";
import { attrNames, bare, bindingsOf, parts, SyntaxNode, stringPieces } from "./syntax.ts";

/** Null: a number, a boolean or null itself. */
export type NixData = string | null | readonly NixData[] | NixFields;
export type NixFields = ReadonlyMap<string, NixData>;

/** What programs write is some levels deep. */
const DEEPEST = 20;

/** The one value of a text. @throws Error at what is no data */
export function readNixData(text: string): NixData {
  const plain = withLines(text);
  const flat = readNix(plain);
  if (flat === null) throw new Error("it is no Nix text");
  const [value, ...others] = parts(SyntaxNode.rootOf((make) => flatMemory(flat, make)));
  if (!value || others.length > 0) throw new Error("it is not one value");
  return dataOf(plain, value, 0);
}

export function isFields(data: NixData | undefined): data is NixFields {
  return data instanceof Map;
}

function dataOf(text: string, given: SyntaxNode, depth: number): NixData {
  if (depth > DEEPEST) throw new Error("it is nested too deeply");
  const node = bare(given);
  const written = text.slice(node.start, node.end);
  switch (node.type) {
    case "attrset_expression":
      return fieldsOf(text, node, depth);
    case "list_expression":
      return parts(node).map((item) => dataOf(text, item, depth + 1));
    case "string_expression":
    case "indented_string_expression":
      return stringPieces(text, node)
        .map((piece) => (piece.kind === "text" ? piece.text : fail(written)))
        .join("");
    case "path_expression":
    case "uri_expression":
      return written;
    case "integer_expression":
    case "float_expression":
      return null;
    default:
      return /^(?:true|false|null)$/.test(written) ? null : fail(written);
  }
}

function fieldsOf(text: string, set: SyntaxNode, depth: number): NixFields {
  const fields = new Map<string, NixData>();
  for (const binding of bindingsOf(set)) {
    if (binding.kind !== "binding") fail("inherit");
    const names = attrNames(text, binding.attrpath).map((name) => name ?? fail("a computed name"));
    const last = names.pop() ?? fail("a binding without a name");
    // `source.sha256 = …` is a name in a set, too.
    let into = fields;
    for (const name of names) {
      const inner = into.get(name) ?? new Map<string, NixData>();
      if (!isFields(inner)) throw new Error(`${name} is no set`);
      into.set(name, inner);
      into = inner as Map<string, NixData>;
    }
    if (into.has(last)) throw new Error(`${last} stands twice`);
    into.set(last, dataOf(text, binding.value, depth + names.length + 1));
  }
  return fields;
}

function fail(what: string): never {
  throw new Error(`it is no data: ${what.slice(0, 100)}`);
}
