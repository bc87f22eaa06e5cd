/** The names of maintainers and teams in a Nix text, as far as the text decides. */
import type { Documents } from "../nix/documents.ts";
import { evaluateAt } from "../nix/evaluate.ts";
import { attributePath } from "../nix/places.ts";
import { createSession, type Session, snippet } from "../nix/session.ts";
import type { NixFile, SourceFiles } from "../nix/source-file.ts";
import { nodeAt, parts, type SyntaxNode } from "../nix/syntax.ts";
import { knownText, type Value } from "../nix/value.ts";

export interface MaintainerNames {
  /** As `lib.maintainers` has them. */
  readonly handles: readonly string[];
  /** As `lib.teams` has them. */
  readonly teams: readonly string[];
  /** Expressions that may name somebody. */
  readonly unknown: readonly string[];
}

/** A file with more is a list of packages, of which a change touches some few. */
const MOST_LISTS = 20;

/** The maintainers of the packages that a file defines. */
export function maintainersIn(documents: Documents, path: string, text: string): MaintainerNames {
  if (!/\b(?:maintainers|teams)\b/.test(text)) return { handles: [], teams: [], unknown: [] };
  const file = fileOf(documents, path, text);
  if (file === null) return { handles: [], teams: [], unknown: [path] };
  const values = bindingsNamed(file, "maintainers|teams", (names) => names.at(-2) === "meta");
  return values.length > MOST_LISTS ? { handles: [], teams: [], unknown: [path] } : namesIn(file, values);
}

/** The members of the set of a team. In team-list.nix all of `lib.maintainers` are in scope. */
export function teamIn(documents: Documents, entry: string): MaintainerNames {
  const text = `with lib.maintainers; ${entry}`;
  const file = fileOf(documents, "team", text);
  if (file === null) return { handles: [], teams: [], unknown: ["members"] };
  return namesIn(
    file,
    bindingsNamed(file, "members", (names) => names.length === 1),
  );
}

/** A string or a number that a set binds; null when it does not, or when that takes more than reading. */
export function textAttribute(documents: Documents, entry: string, name: string): string | null {
  const file = fileOf(documents, "entry", entry);
  const [value, ...others] = file ? bindingsNamed(file, name, (names) => names.length === 1) : [];
  if (!file || !value || others.length > 0) return null;
  const found = evaluateAt(createSession(NO_FILES), file, value);
  return found.kind === "number" ? String(found.value) : knownText(found);
}

/** Nothing else is read: what a package takes from other files stays unknown. */
const NO_FILES: SourceFiles = { get: () => null, siblings: () => [] };

function fileOf(documents: Documents, path: string, text: string): NixFile | null {
  const result = documents.get(`${path}\0${text}`, text);
  return result.kind === "document" ? { kind: "nix", path, text, document: result.document } : null;
}

/** The values of the bindings whose last name is one of `names` (an alternation), and whose names are wanted. */
function bindingsNamed(
  { text, document }: NixFile,
  names: string,
  isWanted: (names: readonly string[]) => boolean,
): readonly SyntaxNode[] {
  const values = new Set<SyntaxNode>();
  for (const { index, 0: name } of text.matchAll(new RegExp(`\\b(?:${names})\\b`, "g"))) {
    const attrpath = nodeAt(document.root, index, index + name.length).parent;
    const binding = attrpath?.type === "attrpath" ? attrpath.parent : null;
    if (binding?.type !== "binding" || !isWanted(attributePath(text, binding))) continue;
    const [path, value] = parts(binding);
    if (path && value && text.slice(path.start, path.end).endsWith(name)) values.add(value);
  }
  return [...values];
}

function namesIn(file: NixFile, values: readonly SyntaxNode[]): MaintainerNames {
  const session = createSession(NO_FILES);
  const found = { handles: new Set<string>(), teams: new Set<string>(), unknown: new Set<string>() };
  for (const value of values) collect(session, file, value, found);
  return { handles: [...found.handles], teams: [...found.teams], unknown: [...found.unknown] };
}

interface Found {
  readonly handles: Set<string>;
  readonly teams: Set<string>;
  readonly unknown: Set<string>;
}

function collect(session: Session, file: NixFile, node: SyntaxNode, found: Found): void {
  const inner = parts(node);
  switch (node.type) {
    case "parenthesized_expression":
    case "with_expression":
    case "let_expression":
    case "assert_expression": {
      const body = inner.at(-1);
      if (body) collect(session, file, body, found);
      return;
    }
    case "list_expression":
      for (const item of inner) collect(session, file, item, found);
      return;
    case "binary_expression":
      if (node.children.some((child) => child.type === "++")) {
        for (const item of inner) collect(session, file, item, found);
        return;
      }
      break;
  }
  name(session, file, evaluateAt(session, file, node), node, found);
}

function name(session: Session, file: NixFile, value: Value, node: SyntaxNode, found: Found): void {
  if (value.kind === "list" && !value.open) {
    for (const item of value.items) name(session, file, item(), node, found);
    return;
  }
  const path = value.kind === "unknown" ? value.path : [];
  const [only] = path;
  // A name that only a `with` can give.
  const whole = path.length === 1 && only !== undefined ? [...withAround(session, file, node), only] : path;
  const [before, last] = whole.at(-1) === "members" ? whole.slice(-3, -1) : whole.slice(-2);
  if (before === "maintainers" && last !== undefined && whole.at(-1) === last) found.handles.add(last);
  else if (before === "teams" && last !== undefined) found.teams.add(last);
  else found.unknown.add(snippet(file, node));
}

/** The path of the innermost `with` around a node, as `["lib", "maintainers"]`. */
function withAround(session: Session, file: NixFile, node: SyntaxNode): readonly string[] {
  for (let up = node.parent; up; up = up.parent) {
    const [environment] = up.type === "with_expression" ? parts(up) : [];
    if (!environment || (environment.start <= node.start && node.end <= environment.end)) continue;
    const value = evaluateAt(session, file, environment);
    return value.kind === "unknown" ? value.path : [];
  }
  return [];
}
