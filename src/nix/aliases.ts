/**
 * Names that are pointed elsewhere: `frob = frob_1;` that becomes `frob = frob_2;`, in a package list or in the file of
 * the packages. Whoever asks for `frob` then gets other sources, though no pin changed.
 */
import { asSet, evaluateAt } from "./evaluate.ts";
import { type Made, madeOf } from "./made.ts";
import type { ChangedSide } from "./meta-only.ts";
import { DEFAULT_SYSTEM } from "./platform.ts";
import { createSession, type Session } from "./session.ts";
import type { NixFile, SourceFiles } from "./source-file.ts";
import { attrNames, bindingsOf, isAttrset, parts, type Region, type SyntaxNode } from "./syntax.ts";
import { hashedCalls, resultOf } from "./trace.ts";
import type { Origin, Value } from "./value.ts";

/** A side of a file: its text and which stretches of it changed. */
export interface ChangedText {
  readonly text: string;
  readonly regions: readonly Region[];
}

/**
 * The names that both sides bind, but not alike in changed lines, where one side at least binds them to another name.
 * repointed.ts limits how many are looked up.
 */
export function repointedNames(base: ChangedText, head: ChangedText): readonly string[] {
  const old = bindingsIn(base);
  const now = bindingsIn(head);
  const names = [...new Set([...old.keys(), ...now.keys()])].filter((name) => {
    const [before, after] = [old.get(name), now.get(name)];
    return before !== after && (before || after);
  });
  if (names.length === 0) return [];
  // Once for all names: looking for each in the whole text would take the square of a hostile file's size.
  const [boundBefore, boundAfter] = [namesBoundIn(base.text), namesBoundIn(head.text)];
  return names.filter((name) => boundBefore.has(name) && boundAfter.has(name));
}

/** All names that a text binds, at whatever depth. */
export function namesBoundIn(text: string): ReadonlySet<string> {
  return new Set([...text.matchAll(BOUND)].map(([, name = ""]) => name));
}

/** A name before an equals sign, and not at the end of a path. */
const BOUND = /(?<![\w'.-])([A-Za-z_][\w'-]*)\s{0,9}=/g;

const BINDING =
  /^[ \t]*([A-Za-z_][\w'-]*)[ \t]*=[ \t]*(?:(?:(?:hi|low)Prio|dontDistribute)[ \t]+)?(?!(?:true|false|null)\b)([A-Za-z_][\w'-]*[ \t]*;)?/gm;

/** What the changed lines bind: a name to the name that it stands for, or to "" for any other expression. */
function bindingsIn({ text, regions }: ChangedText): ReadonlyMap<string, string> {
  const bound = new Map<string, string>();
  for (const { start, end } of regions) {
    const lines = text.slice(text.lastIndexOf("\n", start - 1) + 1, end);
    for (const [, name = "", target = ""] of lines.matchAll(BINDING))
      if (!bound.get(name)) bound.set(name, target.slice(0, -1).trimEnd());
  }
  return bound;
}

/**
 * The names of a list whose calls differ between the sides, in the path or in the arguments, in changed stretches:
 * `frob = callPackage ../tools/frob { };` that becomes `frob = callPackage ../tools/grob { };`.
 */
export function recalledNames(base: ChangedSide, head: ChangedSide): readonly string[] {
  const now = callsIn(head);
  return [...callsIn(base)].flatMap(([name, text]) => {
    const other = now.get(name);
    return other !== undefined && other !== text ? [name] : [];
  });
}

/** What calls another file, changes another entry, or takes a source by its name. */
const CALLS = /\b(?:callPackages?|import)\b|\.override|\bsrcs?\s{0,9}=\s{0,9}[A-Za-z_][\w'.-]*;/;

/** The bindings of a file's outermost set that changed stretches touch and that call something: text by name. */
function callsIn({ file, regions }: ChangedSide): ReadonlyMap<string, string> {
  const { text, root } = file.document;
  const calls = new Map<string, string>();
  const list = regions.length > 0 && CALLS.test(text) && outermostSet(root);
  if (!list) return calls;
  let next = 0;
  for (const binding of bindingsOf(list)) {
    const { start, end } = binding.node;
    while (next < regions.length && (regions[next] as Region).end < start) next++;
    const region = regions[next];
    if (binding.kind !== "binding" || region === undefined || region.start > end) continue;
    const [name, ...deeper] = attrNames(text, binding.attrpath);
    const written = text.slice(start, end);
    if (typeof name === "string" && deeper.length === 0 && CALLS.test(written))
      calls.set(name, written.replace(/\s+/g, " "));
  }
  return calls;
}

/** The set that a file is, or that its functions give. */
function outermostSet(root: SyntaxNode): SyntaxNode | null {
  let node: SyntaxNode | undefined = root;
  while (node && !isAttrset(node)) {
    const isPassage = /^(?:source_code|function|with|let|parenthesized|assert)/.test(node.type);
    node = isPassage ? parts(node).at(-1) : undefined;
  }
  return node ?? null;
}

/** What a file's attribute is made with. */
export interface Named {
  /** The literals of the hashes. */
  readonly hashes: readonly Origin[];
  readonly made: readonly Made[];
}

/** What the value of a file's attribute is made with. Throws `FileNeeded` for files that it must see first. */
export function named(files: SourceFiles, file: NixFile, name: string): Named {
  const session = createSession(files, new Map([["system", DEFAULT_SYSTEM]]));
  const value = namedValue(session, file, name);
  if (!value) return { hashes: [], made: [] };
  // A package's own source, not those of what it is made with.
  const own = asSet(session, value)?.entries.get("src")?.() ?? value;
  return { hashes: hashedCalls(session, own).map((hit) => hit.origin), made: madeOf(session, file, own) };
}

const MOST_ALIASES = 8;
/** Functions that give back the package that they are given. */
const WRAPPERS = new Set(["hiPrio", "lowPrio", "dontDistribute"]);

function namedValue(session: Session, file: NixFile, name: string): Value | null {
  const root = evaluateAt(session, file, file.document.root);
  const entries = asSet(session, resultOf(session, root))?.entries;
  let value = entries?.get(name)?.() ?? null;
  // In a list the names of other packages come from its own fixed point, which `with pkgs;` brings in.
  for (let count = 0; value && count < MOST_ALIASES; count++) {
    if (value.kind === "call" && value.name !== null && WRAPPERS.has(value.name)) value = value.argument();
    const target = value.kind === "unknown" && value.path.length === 1 ? value.path[0] : undefined;
    const next = target === undefined ? undefined : entries?.get(target);
    if (!next) break;
    value = next();
  }
  return value;
}
