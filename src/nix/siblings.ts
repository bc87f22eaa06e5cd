/** Hashes that another file takes: a `default.nix` beside that imports this one, or a function beside that it is meant for. */
import { apply, asSet, evaluateAt } from "./evaluate.ts";
import { type Assumed, NOTHING } from "./follow.ts";
import { isHashName } from "./hash-names.ts";
import { callersOf, NEIGHBOUR_LIMIT } from "./neighbours.ts";
import { DEFAULT_SYSTEM } from "./platform.ts";
import { addPin, isLocated, pinKey, type Reading } from "./reading.ts";
import { type Choice, createSession, type Session } from "./session.ts";
import { update } from "./sets.ts";
import type { HashLiteral } from "./sites.ts";
import { type Attempt, directoryOf, fileName, type NixFile, type SourceFile } from "./source-file.ts";
import { attrNames, bindingsOf, isAttrset, parts, type SyntaxNode } from "./syntax.ts";
import { carrierOf } from "./traced-pin.ts";
import { addTraced, follow, traceOnce } from "./uncovered.ts";
import { set as setOf, type Thunk, unknown, type Value } from "./value.ts";
import { nearFiles, type OfFile, traceWhole } from "./whole-trace.ts";

/**
 * Looks for literals in what the files beside make of this one: a `default.nix` that imports it, or a function whose
 * arguments are named as its attributes (`variants.nix` and `generic.nix`).
 */
export async function traceSiblings(
  reading: Reading,
  literals: readonly HashLiteral[],
  bare: readonly SyntaxNode[],
  attempt: Attempt,
): Promise<void> {
  const { file, files } = reading;
  const sets = new Set([...literals.map((literal) => carrierOf(file, literal.node)), ...bare]);
  const hashes = new Set([...sets].flatMap((set) => hashNamesIn(file, set)));
  const beside = await attempt(() => files.siblings(file.path).slice(0, NEIGHBOUR_LIMIT));
  // `common (import ./1_32/versions.nix)`: a folder of data has its users above.
  const isNamed = /(?:^|\/)(?:default|package)\.nix$/.test(file.path);
  const siblings = isNamed || beside.length > 0 ? beside : callersOf(directoryOf(file.path));
  // They import one another: a step that met them one by one would be done again for each.
  for (const path of siblings) await attempt(() => files.get(path));
  for (const path of siblings) await attempt(() => traceSibling(reading, path, sets, hashes, literals));
}

function traceSibling(
  reading: Reading,
  path: string,
  sets: ReadonlySet<SyntaxNode>,
  hashes: ReadonlySet<string>,
  literals: readonly HashLiteral[],
): void {
  const sibling = reading.files.get(path);
  if (sibling?.kind !== "nix") return;
  if (sibling.text.includes(fileName(reading.file.path))) traceCaller(reading, sibling, literals);
  const taker = takerOf(sibling, hashes);
  if (taker) traceTaker(reading, sibling, taker, sets, literals);
}

/** Looks for literals in the value of a file that names this one. */
function traceCaller(reading: Reading, caller: NixFile, literals: readonly HashLiteral[]): void {
  const trace = (assumed: Assumed): OfFile => {
    reading.worlds--;
    const found = traceWhole(reading, caller, assumed);
    for (const source of found.sources) addPin(reading.pins, source);
    return found;
  };
  const { sources, choices, isCut } = trace(NOTHING);
  // A set of packages that is too large to be looked through is so on all platforms.
  if (choices.length === 0 || (isCut && sources.length === 0)) return;
  const isOpen = ({ node }: HashLiteral) => {
    const pin = reading.pins.get(pinKey(reading.file, node));
    return pin === undefined || !isLocated(pin);
  };
  for (const system of SYSTEMS) if (literals.some(isOpen)) trace(new Map([["system", system]]));
  // `fetch { hashes = { x86_64-linux = …; aarch64-linux = …; }; }`, where the caller says what takes which.
  for (const literal of literals.slice(0, TRACED_LITERALS))
    follow(reading, literal, NOTHING, (assumed) => trace(assumed).choices);
}

/** Looks for literals in what a function makes of the sets that carry them. */
function traceTaker(
  reading: Reading,
  sibling: NixFile,
  taker: Taker,
  sets: ReadonlySet<SyntaxNode>,
  literals: readonly HashLiteral[],
): void {
  const { file, files } = reading;
  const { path } = sibling;
  const trace = (set: SyntaxNode, assumed: Assumed): readonly Choice[] => {
    const world = createSession(nearFiles(file.path, files, "and below"), assumed);
    return traceOnce(reading, [path, set.start, set.end, ...assumed], world, (session) => {
      const given = asVariant(session, evaluateAt(session, file, set));
      if (!taker.needs.every((name) => asSet(session, given)?.entries.has(name))) return;
      const outer = evaluateAt(session, sibling, sibling.document.root);
      const builder = taker.isInner ? apply(session, outer, () => unknown("argument"), path) : outer;
      const made = apply(session, builder, () => given, path);
      addTraced(reading, session, made, null);
    });
  };
  for (const set of sets) trace(set, NOTHING);
  for (const literal of literals) {
    const set = carrierOf(file, literal.node);
    // `hash = src-hash.${system};`: the map of a variant is asked for one of its hashes.
    if (set !== literal.node) follow(reading, literal, NOTHING, (assumed) => trace(set, assumed));
  }
}

/** Literals that are looked for one by one in the whole value of a sibling: the platforms of a package are some few. */
const TRACED_LITERALS = 12;

/** What nixpkgs builds for: a table by a name that is put together of the platform's has an entry for each. */
const SYSTEMS = [DEFAULT_SYSTEM, "aarch64-linux", "x86_64-darwin", "aarch64-darwin"];

/** What a variant is called with beside its own attributes: questions about its version. */
function asVariant(session: Session, value: Value): Value {
  const own = asSet(session, value);
  const version = own?.entries.get("version");
  if (!own || !version) return value;
  const asks =
    (name: string): Thunk =>
    () => ({ kind: "builtin", name, arguments: [version] });
  const given: [string, Thunk][] = [
    ["packageOlder", asks("versionOlder")],
    ["packageAtLeast", asks("versionAtLeast")],
    ["packageBetween", asks("packageBetween")],
  ];
  return update(setOf(given, true), own);
}

function hashNamesIn(file: NixFile, set: SyntaxNode): readonly string[] {
  if (!isAttrset(set)) return [];
  return bindingsOf(set)
    .flatMap((binding) =>
      binding.kind === "binding" ? attrNames(file.text, binding.attrpath).slice(0, 1) : [],
    )
    .filter((name) => name !== null && isHashName(name)) as string[];
}

/** The function of a file that hashes are handed to. */
interface Taker {
  /** It is what the file's function gives: `{ stdenv, fetchurl }: { version, hash }: …`. */
  readonly isInner: boolean;
  /** Arguments without which it cannot be meant. */
  readonly needs: readonly string[];
}

/** The function in a file with an argument of one of the names, or that hands on all that it is given; null: there is none. */
function takerOf(file: NixFile, names: ReadonlySet<string>): Taker | null {
  // Most files do not even hold the word, and need not be parsed.
  const mayHandOn = names.size > 0 && HANDS_ON.test(file.text);
  if (!mayHandOn && ![...names].some((name) => file.text.includes(name))) return null;
  const takes = (formals: readonly SyntaxNode[]) =>
    formals.some((formal) => names.has(nameOf(file, formal) ?? ""));
  const [outer] = parts(file.document.root);
  if (outer?.type !== "function_expression") return null;
  const handsOn = mayHandOn && outer.children.some(({ type }) => type === "identifier");
  if (handsOn || takes(formalsOf(outer))) return { isInner: false, needs: [] };
  const inner = parts(outer).at(-1);
  const formals = inner?.type === "function_expression" ? formalsOf(inner) : [];
  if (!takes(formals)) return null;
  // What calls it is not seen, as its name is not: only a set with all that it asks for is meant for it.
  const needed = formals.filter((formal) => parts(formal).length === 1);
  return { isInner: true, needs: needed.flatMap((formal) => nameOf(file, formal) ?? []) };
}

function formalsOf(node: SyntaxNode): readonly SyntaxNode[] {
  const formals = node.children.find((part) => part.type === "formals");
  return formals ? parts(formals).filter(({ type }) => type === "formal") : [];
}

/** `{ packageOlder, ... }@args: if packageOlder "7" then import ./v6/package.nix args else …` */
const HANDS_ON = /\bimport\s+\.\//;

function nameOf(file: SourceFile, formal: SyntaxNode): string | null {
  const [identifier] = parts(formal);
  return identifier ? file.text.slice(identifier.start, identifier.end) : null;
}
