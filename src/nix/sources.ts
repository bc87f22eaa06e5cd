/** The source pins of a file: every place that carries a hash, with what the evaluator would say of it. */
import { affectedBy } from "./affected.ts";
import { asSet, evaluateAt } from "./evaluate.ts";
import { isHashName } from "./fetchers.ts";
import type { Source } from "./model.ts";
import { type PackageFacts, packageAround, packageFacts } from "./packages.ts";
import { makeSource } from "./pin.ts";
import type { Region } from "./scripts.ts";
import { type Choice, createSession, type Session } from "./session.ts";
import { type HashLiteral, hashLiteralsOf, type NixFile, type Site, sitesOf } from "./sites.ts";
import type { SourceFiles } from "./source-file.ts";
import { ancestors, isAttrset, parts, type SyntaxNode } from "./syntax.ts";
import { hashedCalls } from "./trace.ts";
import { knownText, type Origin, type SetValue, type Value } from "./value.ts";

/** Assumptions tried per site: platforms, flags and their combinations. */
const WORLD_LIMIT = 48;
/** All worlds of a file together. */
const FILE_WORLD_LIMIT = 2_000;
/** Literals that are looked for one by one, after the whole file was looked through once. */
const TRACE_LIMIT = 60;

interface Reading {
  readonly files: SourceFiles;
  readonly file: NixFile;
  /** The session without assumptions: most pins need no other. */
  readonly plain: Session;
  /** Pins by the place of their hash. */
  readonly pins: Map<string, Source>;
  worlds: number;
}

/**
 * The pins of a Nix file that `changed` stretches can reach, in the order of their hashes; all pins of a file that is
 * not big. Throws `FileNeeded` for files that it must see first.
 */
export function sourcesOfNix(
  files: SourceFiles,
  file: NixFile,
  changed: readonly Region[],
): readonly Source[] {
  const within = affectedBy(file, changed);
  const reading: Reading = {
    files,
    file,
    plain: createSession(files),
    pins: new Map(),
    worlds: FILE_WORLD_LIMIT,
  };
  for (const site of sitesOf(file, within)) readSite(reading, site);
  const literals = hashLiteralsOf(file, within);
  const open = () => literals.filter((literal) => !reading.pins.has(keyOf(file, literal.node)));
  if (open().length > 0) {
    traceFile(reading);
    for (const literal of open().slice(0, TRACE_LIMIT)) traceLiteral(reading, literal);
    for (const literal of open()) addBare(reading, literal);
  }
  return [...reading.pins.values()].sort(
    (a, b) => compare(a.path, b.path) || a.hashSpan.start - b.hashSpan.start,
  );
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function keyOf(file: { readonly path: string }, place: { readonly start: number }): string {
  return `${file.path}\0${place.start}`;
}

function add(reading: Reading, source: Source): void {
  const key = keyOf(source.hashSpan, source.hashSpan);
  const known = reading.pins.get(key);
  if (!known || score(source) > score(known)) reading.pins.set(key, source);
}

/** The reading of a pin that says more wins. */
function score(source: Source): number {
  const located = source.urls.length > 0 && source.urls.every((url) => url.resolved);
  return (located ? 4 : 0) + (source.version === null ? 0 : 2) + (source.fetcher === null ? 0 : 1);
}

function readSite(reading: Reading, site: Site): void {
  const attributes = carriedBy(reading.plain, reading.file, site);
  if (!attributes) return;
  for (const [name, entry] of attributes.entries) {
    if (!isHashName(name)) continue;
    const hash = entry();
    if (knownText(hash) !== null) addAt(reading, reading.plain, site, attributes, name, hash);
    else if (hash.kind === "unknown") exploreSite(reading, site, name);
  }
}

/** What a site's set holds, as its caller would see it. */
function carriedBy(session: Session, file: NixFile, site: Site): SetValue | null {
  const argument = site.application ? parts(site.application)[1] : site.carrier;
  if (!argument) return null;
  const value = evaluateAt(session, file, argument);
  if (value.kind !== "function" || !site.application) return asSet(session, value);
  return asSet(session, evaluateAt(session, file, site.application));
}

/** The function that a site calls: its name, or null when it has none or is one of the file's own. */
function calleeName(session: Session, file: NixFile, site: Site): string | null | "own function" {
  const callee = site.application && parts(site.application)[0];
  if (!callee) return null;
  const value = evaluateAt(session, file, callee);
  switch (value.kind) {
    case "unknown":
      return value.path.at(-1) ?? null;
    case "call":
    case "builtin":
      return value.name;
    case "function":
      return "own function";
    default:
      return null;
  }
}

function addAt(
  reading: Reading,
  session: Session,
  site: Site,
  attributes: SetValue,
  hashName: string,
  hash: Value,
): void {
  const { file } = reading;
  const fetcher = calleeName(session, file, site);
  // The function's own body says where the hash goes: it is traced.
  if (fetcher === "own function") return;
  const origin = hash.kind === "text" ? hash.origin : null;
  const around = packageAround(session, file, site.application ?? site.carrier);
  const own = ownPackage(session, site, attributes);
  const node = site.application ?? site.carrier;
  add(
    reading,
    makeSource({
      session,
      file,
      node,
      carrier: site.carrier,
      fetcher,
      attributes,
      hashName,
      hash,
      origin: origin ?? { file, start: site.carrier.start, end: site.carrier.end },
      package: own ?? around,
    }),
  );
}

/** `mkDerivation { version = …; vendorHash = …; }` is its own package; `fetchPypi { version = …; }` is not. */
function ownPackage(session: Session, site: Site, attributes: SetValue): PackageFacts | null {
  const isPackage =
    attributes.entries.has("src") || attributes.entries.has("outputHash") || !site.application;
  const facts = isPackage && packageFacts(session, attributes);
  return facts && (facts.version !== null || site.application) ? { ...facts, node: site.carrier } : null;
}

/** Tries what the text leaves open, platforms and conditions, until each hash that can stand here is found. */
function exploreSite(reading: Reading, site: Site, hashName: string): void {
  const queue: ReadonlyMap<string, string>[] = [new Map()];
  for (let count = 0; queue.length > 0 && count < WORLD_LIMIT && reading.worlds > 0; count++) {
    reading.worlds--;
    const assumed = queue.shift() as ReadonlyMap<string, string>;
    const session = createSession(reading.files, assumed);
    const attributes = carriedBy(session, reading.file, site);
    const hash = attributes?.entries.get(hashName)?.();
    if (!attributes || !hash) continue;
    if (knownText(hash) !== null) addAt(reading, session, site, attributes, hashName, hash);
    else queue.push(...worldsAfter(assumed, session.choices));
  }
}

function worldsAfter(
  assumed: ReadonlyMap<string, string>,
  choices: readonly Choice[],
): readonly ReadonlyMap<string, string>[] {
  const [choice] = choices;
  return choice ? choice.options.map((option) => new Map([...assumed, [choice.key, option]])) : [];
}

/** Looks through the value of the whole file. */
function traceFile(reading: Reading): void {
  const session = createSession(reading.files);
  addTraced(reading, session, evaluateAt(session, reading.file, reading.file.document.root), null);
}

/** Looks for one literal in the calls around it, nearest first, assuming what leads to it. */
function traceLiteral(reading: Reading, literal: HashLiteral): void {
  const wanted = keyOf(reading.file, literal.node);
  const root = reading.file.document.root;
  for (const node of [...callsAround(literal.node), root]) {
    let assumed: ReadonlyMap<string, string> = new Map();
    for (let count = 0; count < 6 && reading.worlds > 0; count++) {
      reading.worlds--;
      const session = createSession(reading.files, assumed);
      addTraced(reading, session, evaluateAt(session, reading.file, node), node);
      if (reading.pins.has(wanted)) return;
      const next = towards(literal, assumed, session.choices);
      if (!next) break;
      assumed = next;
    }
  }
}

function callsAround(node: SyntaxNode): readonly SyntaxNode[] {
  const calls: SyntaxNode[] = [];
  let child = node;
  for (const up of ancestors(node)) {
    if (up.type === "apply_expression" && parts(up)[1] === child) calls.push(up);
    child = up;
  }
  return calls.slice(0, 6);
}

/** The assumptions under which the literal's own branch is taken. */
function towards(
  literal: HashLiteral,
  assumed: ReadonlyMap<string, string>,
  choices: readonly Choice[],
): ReadonlyMap<string, string> | null {
  for (const { key, options } of choices) {
    const option = options.find((candidate) => literal.path.includes(candidate));
    if (option !== undefined) return new Map([...assumed, [key, option]]);
  }
  return null;
}

function addTraced(reading: Reading, session: Session, value: Value, node: SyntaxNode | null): void {
  const { file } = reading;
  for (const hit of hashedCalls(session, value)) {
    const hash = hit.attributes.entries.get(hit.hashName)?.();
    if (!hash || hit.origin.file.path !== file.path) continue;
    const literal = literalAround(file, hit.origin);
    const around = packageAround(session, file, node ?? literal);
    add(
      reading,
      makeSource({
        session,
        file,
        node: literal,
        carrier: literal,
        fetcher: hit.call.name,
        attributes: hit.attributes,
        hashName: hit.hashName,
        hash,
        origin: hit.origin,
        package: hit.package ? { ...hit.package, node: around.node } : around,
      }),
    );
  }
}

/** The innermost attribute set around a place. */
function literalAround(file: NixFile, origin: Origin): SyntaxNode {
  let node: SyntaxNode = file.document.root;
  for (;;) {
    const inner = node.children.find((child) => child.start <= origin.start && child.end >= origin.end);
    if (!inner) break;
    node = inner;
  }
  for (const up of ancestors(node)) if (isAttrset(up)) return up;
  return node;
}

/** A hash that nothing known takes: the set around it is all that there is to say. */
function addBare(reading: Reading, literal: HashLiteral): void {
  const { file, plain } = reading;
  const carrier = literalAround(file, { file, start: literal.node.start, end: literal.node.end });
  const attributes = asSet(plain, evaluateAt(plain, file, carrier));
  if (!attributes) return;
  const site: Site = { application: null, carrier };
  makeBare(reading, site, attributes, literal);
}

function makeBare(reading: Reading, site: Site, attributes: SetValue, literal: HashLiteral): void {
  const { file, plain } = reading;
  add(
    reading,
    makeSource({
      session: plain,
      file,
      node: site.carrier,
      carrier: site.carrier,
      fetcher: null,
      attributes,
      hashName: literal.name ?? "",
      hash: evaluateAt(plain, file, literal.node),
      origin: { file, start: literal.node.start, end: literal.node.end },
      package: ownPackage(plain, site, attributes) ?? packageAround(plain, file, site.carrier),
    }),
  );
}
