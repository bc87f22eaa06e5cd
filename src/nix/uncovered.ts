/** Hashes that no call in sight takes: where they end up is found by looking through values, here and beside. */
import { argumentKey } from "./binders.ts";
import { apply, asSet, evaluateAt } from "./evaluate.ts";
import { type Assumed, followChoices, NOTHING } from "./follow.ts";
import { isHashName } from "./hash-names.ts";
import { callersOf, NEIGHBOUR_LIMIT } from "./neighbours.ts";
import { type PackageFacts, packageAround, packageFacts } from "./packages.ts";
import { makeSource } from "./pin.ts";
import { DEFAULT_SYSTEM, isSystem } from "./platform.ts";
import { addPin, pinKey, type Reading } from "./reading.ts";
import { type Choice, createSession, isExhausted, type Session, snippet } from "./session.ts";
import { update } from "./sets.ts";
import { conditionsAround, type HashLiteral, type NixFile } from "./sites.ts";
import { type Attempt, directoryOf, fileName, type SourceFile } from "./source-file.ts";
import { attrNames, bindingsOf, isAttrset, nodeMemo, parts, type SyntaxNode } from "./syntax.ts";
import { hashedCalls } from "./trace.ts";
import { carrierOf, tracedPin } from "./traced-pin.ts";
import { set as setOf, type Thunk, type Value } from "./value.ts";
import { nearFiles, traceWhole } from "./whole-trace.ts";

/** Looks through the value of the whole file. */
export function traceFile(reading: Reading): void {
  for (const source of traceWhole(reading, reading.file).sources) addPin(reading.pins, source);
}

/** Looks for one literal in the calls around it, nearest first, assuming what leads to it. */
export function traceLiteral(reading: Reading, literal: HashLiteral): void {
  const root = reading.file.document.root;
  const assumed = reaching(reading.file, literal);
  for (const node of [...callsAround(literal.node), root]) {
    // Without assumptions, the whole file has been looked through already.
    if (node === root && assumed.size === 0) return;
    if (follow(reading, literal, assumed, (these) => traceCall(reading, node, these))) return;
  }
}

/** Assumes step by step what leads to a literal, until it is known where that ends up; returns whether it is. */
function follow(
  reading: Reading,
  literal: HashLiteral,
  first: Assumed,
  trace: (assumed: Assumed) => readonly Choice[],
): boolean {
  const wanted = pinKey(reading.file, literal.node);
  return followChoices(reading, literal.path, first, (assumed) => {
    const choices = trace(assumed);
    const pin = reading.pins.get(wanted);
    return {
      choices,
      isFound: pin !== undefined,
      isLocated: pin?.urls.every((url) => url.resolved) ?? false,
    };
  });
}

/** Looks through what an expression gives under assumptions, once for all literals in it; gives the choices met. */
function traceCall(reading: Reading, node: SyntaxNode, assumed: Assumed): readonly Choice[] {
  const isWhole = node === reading.file.document.root;
  const files = isWhole ? nearFiles(reading.file.path, reading.files) : reading.files;
  return traceOnce(reading, [node.start, node.end, ...assumed], createSession(files, assumed), (session) =>
    addTraced(reading, session, evaluateAt(session, reading.file, node), node),
  );
}

/** Looks through something in a session, the first time that it is asked for; gives the choices met. */
function traceOnce(
  reading: Reading,
  what: readonly unknown[],
  session: Session,
  trace: (session: Session) => void,
): readonly Choice[] {
  const key = JSON.stringify(what);
  const known = reading.traced.get(key);
  if (known) return known;
  reading.worlds--;
  trace(session);
  reading.worlds -= session.steps >> 9;
  reading.isCut ||= session.isCut || isExhausted(session);
  reading.traced.set(key, session.choices);
  return session.choices;
}

/** What must hold for the literal to be used, as far as its place says. */
export function reaching(file: NixFile, literal: HashLiteral): Assumed {
  const assumed = new Map<string, string>();
  for (const { condition: node, holds } of conditionsAround(literal.node)) {
    const condition = snippet(file, node);
    assumed.set(`if ${condition}`, String(holds));
    const argument = /^(!?)\s*([A-Za-z_]\w*)$/.exec(condition);
    if (argument) assumed.set(argumentKey(argument[2] ?? ""), String(holds === (argument[1] === "")));
  }
  // A table of releases, `{ "1.2" = …; }.${version}`: the entry is used when its version is asked for.
  const release = releaseOf(literal);
  const system = literal.path.find(isSystem);
  if (system !== undefined) assumed.set("system", system);
  const { selectors, selections } = selectorsIn(file);
  if (release !== undefined) for (const selector of selectors) assumed.set(argumentKey(selector), release);
  // `binaries.${system}.${edition}`: what is asked for when the literal's entry of `binaries` is used.
  for (const { table, by } of selections) {
    const at = literal.path.indexOf(table);
    if (at < 0) continue;
    for (const [index, selector] of by.entries()) {
      const option = literal.path[at - 1 - index];
      const key = /(?:^|\.)system$/.test(selector) ? "system" : argumentKey(selector);
      if (option !== undefined && !assumed.has(key)) assumed.set(key, option);
    }
  }
  return assumed;
}

/** The computed names that a file's text selects by. */
interface Selectors {
  /** `version` of `x.${version}`. */
  readonly selectors: readonly string[];
  /** `binaries` by `system` and `edition` of `binaries.${system}.${edition}`. */
  readonly selections: readonly { readonly table: string; readonly by: readonly string[] }[];
}

const SELECTIONS = /(?:\."?\$\{[\w.]+\}"?)+/g;
/** `getAttr version releases` */
const GETS = /\bgetAttr\s+([A-Za-z_][\w.]*)\s+([A-Za-z_][\w'-]*)/g;
const SELECTORS = /\$\{([\w.]+)\}/g;
const LONGEST_NAME = 200;

const knownSelectors = nodeMemo<Selectors>();

function selectorsIn(file: NixFile): Selectors {
  const { root } = file.document;
  let known = knownSelectors.get(root);
  if (!known) {
    const selected = [...file.text.matchAll(SELECTIONS)].map(({ index, 0: text }) => ({
      table:
        /(?<![\w'-])[A-Za-z_][\w'-]*$/.exec(file.text.slice(Math.max(0, index - LONGEST_NAME), index))?.[0] ??
        "",
      by: [...text.matchAll(SELECTORS)].map(([, selector = ""]) => selector),
    }));
    const got = [...file.text.matchAll(GETS)].map(([, selector = "", table = ""]) => ({
      table,
      by: [selector],
    }));
    const selections = [...selected, ...got];
    const selectors = selections.flatMap(({ by }) => by).filter((name) => /^[A-Za-z_]\w*$/.test(name));
    known = { selectors, selections };
    knownSelectors.set(root, known);
  }
  return known;
}

function releaseOf(literal: HashLiteral): string | undefined {
  return literal.path.find((name) => /^\d/.test(name));
}

function callsAround(node: SyntaxNode): readonly SyntaxNode[] {
  const calls: SyntaxNode[] = [];
  let child = node;
  for (let up = node.parent; up; up = up.parent) {
    if (up.type === "apply_expression" && parts(up)[1] === child) calls.push(up);
    child = up;
  }
  return calls.slice(0, 6);
}

function addTraced(reading: Reading, session: Session, value: Value, node: SyntaxNode | null): void {
  for (const hit of hashedCalls(session, value)) {
    if (hit.origin.file.path === reading.file.path)
      addPin(reading.pins, tracedPin(session, reading.file, hit, node));
  }
}

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
  const { file, files } = reading;
  const sibling = files.get(path);
  if (sibling?.kind !== "nix") return;
  if (sibling.text.includes(fileName(file.path))) {
    const trace = (assumed: Assumed): readonly Choice[] => {
      const { sources, choices } = traceWhole(reading, sibling, assumed);
      for (const source of sources) addPin(reading.pins, source);
      return choices;
    };
    if (trace(NOTHING).length > 0) {
      trace(USUAL);
      // `fetch { hashes = { x86_64-linux = …; aarch64-linux = …; }; }`, where the sibling says what takes which.
      for (const literal of literals.slice(0, TRACED_LITERALS)) follow(reading, literal, NOTHING, trace);
    }
  }
  if (!takesAny(sibling, hashes)) return;
  const trace = (set: SyntaxNode, assumed: Assumed) =>
    traceOnce(
      reading,
      [path, set.start, set.end, ...assumed],
      createSession(nearFiles(file.path, files, "and below"), assumed),
      (session) => {
        const builder = evaluateAt(session, sibling, sibling.document.root);
        const argument: Thunk = () => asVariant(session, evaluateAt(session, file, set));
        addTraced(reading, session, apply(session, builder, argument, path), null);
      },
    );
  for (const set of sets) trace(set, NOTHING);
  for (const literal of literals) {
    const set = carrierOf(file, literal.node);
    // `hash = src-hash.${system};`: the map of a variant is asked for one of its hashes.
    if (set !== literal.node) follow(reading, literal, NOTHING, (assumed) => trace(set, assumed));
  }
}

/** Literals that are looked for one by one in the whole value of a sibling: the platforms of a package are some few. */
const TRACED_LITERALS = 12;

const USUAL: Assumed = new Map([["system", DEFAULT_SYSTEM]]);

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

/** Whether a file is a function with an argument of one of the names, or one that hands on all that it is given. */
function takesAny(file: Extract<SourceFile, { kind: "nix" }>, names: ReadonlySet<string>): boolean {
  // Most files do not even hold the word, and need not be parsed.
  const mayHandOn = names.size > 0 && HANDS_ON.test(file.text);
  if (!mayHandOn && ![...names].some((name) => file.text.includes(name))) return false;
  const [root] = parts(file.document.root);
  if (root?.type !== "function_expression") return false;
  const formals = root.children.find((part) => part.type === "formals");
  const takes = formals && parts(formals).some((formal) => names.has(nameOf(file, formal) ?? ""));
  return takes || (mayHandOn && root.children.some(({ type }) => type === "identifier"));
}

/** `{ packageOlder, ... }@args: if packageOlder "7" then import ./v6/package.nix args else …` */
const HANDS_ON = /\bimport\s+\.\//;

function nameOf(file: SourceFile, formal: SyntaxNode): string | null {
  const [identifier] = parts(formal);
  return identifier ? file.text.slice(identifier.start, identifier.end) : null;
}

/** A hash that nothing known takes: the set around it is all that there is to say. */
export function addBare(reading: Reading, literal: HashLiteral): void {
  // A lone argument may be anything; only where it ends up says that it is a hash.
  if (literal.argument) return;
  const { file, plain } = reading;
  const carrier = carrierOf(file, literal.node);
  const attributes = asSet(plain, evaluateAt(plain, file, carrier));
  const around = packageAround(plain, file, carrier);
  const own = attributes && packageFacts(plain, attributes);
  // An entry of a table of releases has a version of its own, which the package's default is not.
  const facts: PackageFacts =
    own && own.version !== null
      ? { ...own, node: carrier }
      : releaseOf(literal) === undefined
        ? around
        : { ...around, version: null, versionOrigin: null };
  addPin(
    reading.pins,
    makeSource({
      session: plain,
      file,
      node: literal.node,
      carrier,
      fetcher: null,
      attributes: attributes ?? setOf([], true),
      hashName: literal.name ?? "",
      hash: evaluateAt(plain, file, literal.node),
      origin: { file, start: literal.node.start, end: literal.node.end },
      package: facts,
    }),
  );
}
