/** The source pins of a file: every place that carries a hash, with what the evaluator would say of it. */
import { affectedBy } from "./affected.ts";
import { asSet, evaluateAt } from "./evaluate.ts";
import { fetcherNamed, fetchesDependencies } from "./fetchers.ts";
import { isHashName } from "./hash-names.ts";
import type { Source } from "./model.ts";
import { type PackageFacts, packageAround, packageFacts } from "./packages.ts";
import { isGem, makeSource } from "./pin.ts";
import { reaching } from "./reaching.ts";
import type { WholeTraces } from "./reading.ts";
import { addPin, isLocated, pinKey, type Reading } from "./reading.ts";
import { type Choice, createSession, isExhausted, type Session } from "./session.ts";
import { traceSiblings } from "./siblings.ts";
import {
  anchorsIn,
  conditionsAround,
  type HashLiteral,
  hashLiteralsOf,
  LITERAL,
  type Site,
  sitesOf,
} from "./sites.ts";
import type { Attempt, NixFile, SourceFiles } from "./source-file.ts";
import { parts, type Region } from "./syntax.ts";
import { TooMuch } from "./too-much.ts";
import { addBare, traceFile, traceLiteral } from "./uncovered.ts";
import { knownText, type SetValue, type Value } from "./value.ts";

/** Assumptions tried per site: platforms, flags and their combinations. */
const WORLD_LIMIT = 48;
/** All worlds of a file together; one that takes many steps counts for several. */
const FILE_WORLD_LIMIT = 2_000;
/** Literals that are looked for one by one, after the whole file was looked through once. */
const TRACE_LIMIT = 60;
/** A file with more hashes is a list, not a package: what is made of all of them together is more than is looked through. */
const MOST_OF_A_PACKAGE = 1_000;
/** Names of fetchers and hashes that can be reached in one file: the list of all Haskell packages has 17,000. */
const MOST_ANCHORS = 60_000;
/** What so many pins need of values and nodes is in memory at a time. */
const ANCHORS_AT_A_TIME = 2_000;
/** `md5=` */
const SHORTEST_ANCHOR = 4;
/** A quoted MD5 as Nix has it. */
const SHORTEST_LITERAL = 28;
const WORD = /[\w+/=:"-]/;

/**
 * The pins of a Nix file that `changed` stretches can reach, in the order of their hashes; all pins of a file that is
 * not big. `attempt` does the steps that may need other files; `onCut` is told what of them limits left unknown.
 * @throws TooMuch when there are more than can be read, or one of them takes too many steps
 */
export async function sourcesOfNix(
  files: SourceFiles,
  file: NixFile,
  changed: readonly Region[],
  attempt: Attempt,
  traces: WholeTraces,
  onCut: (reason: string) => void,
): Promise<readonly Source[]> {
  const within = affectedBy(file, changed);
  return readPins(files, file, within, attempt, traces, true, onCut);
}

const PATH = /(?:^|[^\w.])\.{1,2}\/|<[A-Za-z]/;

/** Whether a text has a path, by which alone evaluation comes from it to another file. */
export function hasPath(text: string): boolean {
  return PATH.test(text);
}

/**
 * The pins that the files beside make of a file that is nothing but data, whose other pins depend on its own text alone; null:
 * it is more than data.
 * @throws TooMuch as `sourcesOfNix`
 */
export async function handedPins(
  files: SourceFiles,
  file: NixFile,
  attempt: Attempt,
  traces: WholeTraces,
  onCut: (reason: string) => void,
): Promise<readonly Source[] | null> {
  return hasPath(file.text) ? null : readPins(files, file, null, attempt, traces, false, onCut);
}

/** `withBare`: with those that nothing is known to take. */
async function readPins(
  files: SourceFiles,
  file: NixFile,
  within: readonly Region[] | null,
  attempt: Attempt,
  traces: WholeTraces,
  withBare: boolean,
  onCut: (reason: string) => void,
): Promise<readonly Source[]> {
  // A file that need not be read need not be parsed.
  const text = withBare ? file.document.text : file.text;
  const groups = grouped(text, within);
  const isPackage = within === null && groups.length === 1 && !isList(text);
  // The files beside a list are not looked at.
  if (!withBare && !isPackage) return [];
  const pins: Reading["pins"] = new Map();
  const traced: Reading["traced"] = new Map();
  let worlds = FILE_WORLD_LIMIT;
  for (const group of groups) {
    const reading: Reading = {
      files,
      file,
      plain: createSession(files),
      pins,
      traced,
      traces,
      worlds,
      isCut: false,
    };
    // What is in a list is looked for entry by entry.
    const left = await readGroup(reading, group, isPackage, attempt);
    if (withBare) for (const literal of left()) await attempt(() => addBare(reading, literal));
    if (isExhausted(reading.plain))
      throw new TooMuch("its pins take more steps to work out than there is time for");
    // An open location reads the same whatever it is in the end.
    if ((reading.isCut || reading.plain.isCut) && [...pins.values()].some(isOpen)) onCut(TOO_DEEP);
    worlds = reading.worlds;
    if (groups.length > 1) file.document.forgetNodes();
  }
  return [...pins.values()].sort((a, b) => compare(a.path, b.path) || a.hashSpan.start - b.hashSpan.start);
}

function isList(text: string): boolean {
  if (text.length < MOST_OF_A_PACKAGE * SHORTEST_LITERAL) return false;
  return (text.match(LITERAL)?.length ?? 0) > MOST_OF_A_PACKAGE;
}

export const TOO_DEEP = "what its pins are made of lies deeper than is looked";

/** Whether the text does not say what a hash is of. */
export function isOpen(source: Source): boolean {
  const { urls, fetcher } = source;
  return urls.some((url) => !url.resolved) || (urls.length === 0 && fetcher === null && !isGem(source));
}

/** The stretches to read, so many at a time as fit into memory. Null: all of the file. */
function grouped(text: string, within: readonly Region[] | null): readonly (readonly Region[] | null)[] {
  if (text.length < ANCHORS_AT_A_TIME * SHORTEST_ANCHOR) return [within];
  const whole = [{ start: 0, end: text.length }];
  const groups: Region[][] = [[]];
  let anchors = 0;
  for (const { start, end } of within ?? whole) {
    let from = start;
    for (const { index: at } of anchorsIn(text, { start, end })) {
      if (++anchors > MOST_ANCHORS)
        throw new TooMuch(`it has more than ${MOST_ANCHORS / 1_000} thousand names of hashes and fetchers`);
      if (anchors % ANCHORS_AT_A_TIME !== 0) continue;
      const cut = beforeWord(text, at, from);
      groups.at(-1)?.push({ start: from, end: cut });
      groups.push([]);
      from = cut;
    }
    groups.at(-1)?.push({ start: from, end });
  }
  return groups.length === 1 ? [within] : groups;
}

/** Where the word at an offset begins, with its quote: a hash that is cut in two is found in neither half. */
function beforeWord(text: string, at: number, least: number): number {
  let start = at;
  while (start > least && WORD.test(text[start - 1] ?? "")) start -= 1;
  return start;
}

/** Reads the pins whose hashes are handed to calls; gives the hashes that no call is known to take. */
async function readGroup(
  reading: Reading,
  within: readonly Region[] | null,
  isPackage: boolean,
  attempt: Attempt,
): Promise<() => readonly HashLiteral[]> {
  const { file } = reading;
  const sites = sitesOf(file, within);
  for (const site of sites) await attempt(() => readSite(reading, site));
  const bare = sites.filter((site) => !site.application).map((site) => site.carrier);
  const literals = hashLiteralsOf(file, within);
  const pinOf = (literal: HashLiteral) => reading.pins.get(pinKey(file, literal.node));
  const open = () => literals.filter((literal) => !pinOf(literal));
  const sought = () => [
    ...open(),
    ...literals.filter((literal) => isVague(file, literal, pinOf(literal)) || isHandedOn(pinOf(literal))),
  ];
  const isPinned = open().length === 0 && bare.length === 0;
  const { isCut } = reading;
  if (isPinned && sought().length === 0) {
    // What is left open may be what a file beside hands it: `import ./generic.nix { version = "1.2"; }`.
    if (isPackage && literals.some((literal) => isUnlocated(pinOf(literal))))
      await traceSiblings(reading, [], [], attempt);
  } else {
    if (isPackage) await attempt(() => traceFile(reading));
    const left = sought();
    reading.isCut ||= left.length > TRACE_LIMIT;
    for (const literal of left.slice(0, TRACE_LIMIT)) await attempt(() => traceLiteral(reading, literal));
    if (isPackage) await traceSiblings(reading, literals, bare, attempt);
  }
  // A package that nothing else calls has the same locations open, whatever was not looked at.
  if (isPinned) reading.isCut = isCut;
  return open;
}

/** Whether the location of a literal's pin is open, and may depend on the conditions under which the literal is used. */
function isVague(file: NixFile, literal: HashLiteral, pin: Source | undefined): boolean {
  return isUnlocated(pin) && reaching(file, literal).size > 0;
}

/** Whether there is a pin and something of its address is open. */
function isUnlocated(pin: Source | undefined): boolean {
  return pin !== undefined && !isLocated(pin);
}

/** Whether a function takes a pin's hash that is no fetcher: what it does with it shows where it is defined. */
function isHandedOn(pin: Source | undefined): boolean {
  if (!pin || pin.fetcher === null || fetcherNamed(pin.fetcher) || pin.urls.length > 0) return false;
  return pin.role !== "dependencies" && pin.hashAttribute !== "outputHash";
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function readSite(reading: Reading, site: Site): void {
  // A bare set is data: what takes it is found by tracing.
  if (!site.application) return;
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
      return value.name;
    case "function":
    case "builtin":
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
  const node = site.application ?? site.carrier;
  const around = packageAround(session, file, node);
  const isOfAround = fetchesDependencies(fetcher) && around.version !== null;
  const own = isOfAround
    ? null
    : (ownPackage(session, site, attributes) ?? builtPackage(session, site, fetcher, attributes, around));
  addPin(
    reading.pins,
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

/** `genericBuilder { version = "1.2"; hash = …; }`: the package that a function makes which is no mere fetcher. */
function builtPackage(
  session: Session,
  site: Site,
  fetcher: string | null,
  attributes: SetValue,
  around: PackageFacts,
): PackageFacts | null {
  const known = fetcherNamed(fetcher);
  if (fetcher === null || (known && !known.builds) || around.version !== null) return null;
  const facts = packageFacts(session, attributes);
  return facts && facts.version !== null ? { ...facts, node: site.carrier } : null;
}

/** Tries what the text leaves open, platforms and conditions, until each hash that can stand here is found. */
function exploreSite(reading: Reading, site: Site, hashName: string): void {
  const queue: ReadonlyMap<string, string>[] = [new Map()];
  let most = WORLD_LIMIT;
  for (let count = 0; queue.length > 0 && count < most && reading.worlds > 0; count++) {
    reading.worlds--;
    const assumed = queue.shift() as ReadonlyMap<string, string>;
    const session = createSession(reading.files, assumed);
    const attributes = carriedBy(session, reading.file, site);
    const hash = attributes?.entries.get(hashName)?.();
    if (!attributes || !hash || !isReached(session, reading.file, site)) continue;
    if (knownText(hash) !== null) addAt(reading, session, site, attributes, hashName, hash);
    else queue.push(...worldsAfter(assumed, session.choices));
    // A table of hashes by version may have a hundred: each is one step away.
    if (count === 0) most = Math.max(most, queue.length + 1);
    reading.worlds -= session.steps >> 9;
    reading.isCut ||= session.isCut || isExhausted(session);
  }
  reading.isCut ||= queue.length > 0;
}

/** Whether the conditions around a site are as they must be, as far as is known: `if branch == "testing" then …`. */
function isReached(session: Session, file: NixFile, site: Site): boolean {
  return conditionsAround(site.carrier).every(({ condition, holds }) => {
    const value = evaluateAt(session, file, condition);
    return value.kind !== "bool" || value.value === holds;
  });
}

function worldsAfter(
  assumed: ReadonlyMap<string, string>,
  choices: readonly Choice[],
): readonly ReadonlyMap<string, string>[] {
  const [choice] = choices;
  return choice ? choice.options.map((option) => new Map([...assumed, [choice.key, option]])) : [];
}
