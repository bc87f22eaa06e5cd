/** The pins of JSON files: `sources.json`, `deps.json`, `pin.json` and what else update scripts write. */

import type { Node as JsonNode } from "jsonc-parser";
import { evaluateAt } from "./evaluate.ts";
import { type Assumed, followChoices, NOTHING } from "./follow.ts";
import { parseHash } from "./hash.ts";
import { algorithmOfName, isHashName } from "./hash-names.ts";
import { jsonValue } from "./json.ts";
import type { Source, Span } from "./model.ts";
import { NO_PACKAGE, type PackageFacts, packageFacts } from "./packages.ts";
import { type PinPlace, sourceAt } from "./pin.ts";
import { isSystem } from "./platform.ts";
import { addPin, isLocated, pinKey, type Reading } from "./reading.ts";
import { type Choice, createSession, type Session } from "./session.ts";
import { fileName, type NixFile, type SourceFile, type SourceFiles } from "./source-file.ts";
import type { Region } from "./syntax.ts";
import { TooMuch } from "./too-much.ts";
import { hashedCalls } from "./trace.ts";
import { valuesOf } from "./traced-pin.ts";
import { knownText, type Origin, set as setOf } from "./value.ts";

type JsonFile = Extract<SourceFile, { kind: "json" }>;

/** Smaller files are read whole: a version at the top belongs to every pin below. */
const BIG_CHARACTERS = 40_000;
/** The largest sets of nixpkgs hold some tens of thousands; a change of all of them is one line in a report. */
const MOST_PINS = 20_000;
/** Evaluations of the files beside one, to find who takes its hashes; one that takes many steps counts for several. */
const MOST_LOOKS = 400;
/** Files that package managers write: their integrity values are another rule's. */
const LOCKFILES =
  /(?:^|\/)(?:package-lock|npm-shrinkwrap|composer|packages\.lock|pubspec\.lock|flake)(?:\.json|\.lock)$/;

/** Whether a path is that of a lockfile, which has no pins of its own. */
export function isLockfile(path: string): boolean {
  return LOCKFILES.test(path);
}

/** A hash in the file: its object, and the keys that lead there, innermost first. */
interface JsonHash {
  readonly object: JsonNode;
  readonly key: string;
  readonly value: JsonNode;
  readonly path: readonly string[];
}

/** The pins of a JSON file that `changed` stretches can reach. Throws `FileNeeded` for the files beside it. */
export function sourcesOfJson(
  files: SourceFiles,
  file: JsonFile,
  changed: readonly Region[],
): readonly Source[] {
  if (isLockfile(file.path)) return [];
  const hashes = hashesIn(file, file.text.length < BIG_CHARACTERS ? null : changed);
  if (hashes.length === 0) return [];
  const session = createSession(files);
  const pins = new Map<string, Source>();
  const facts = factsAround(session, file);
  for (const hash of hashes) addPin(pins, bareSource(session, file, hash, facts(hash.object)));
  // What a recipe beside makes of the file says more: which fetcher takes which hash, and for which version.
  const read: JsonReading = { files, file, hashes, session, pins, facts, worlds: MOST_LOOKS, isCut: false };
  for (const path of files.siblings(file.path)) {
    const sibling = files.get(path);
    if (sibling?.kind === "nix" && sibling.text.includes(fileName(file.path))) readTaker(read, sibling);
  }
  return [...pins.values()].sort((a, b) => a.hashSpan.start - b.hashSpan.start);
}

/** What is known while the pins of one file are read. `worlds`: the evaluations that are left for it. */
interface JsonReading extends Pick<Reading, "worlds" | "isCut"> {
  readonly files: SourceFiles;
  readonly file: JsonFile;
  readonly hashes: readonly JsonHash[];
  readonly session: Session;
  readonly pins: Map<string, Source>;
  /** The package that an object belongs to, as far as the file itself says. */
  readonly facts: (object: JsonNode) => PackageFacts;
}

/** Reads what a Nix file makes of the hashes, for each branch of it that leads to one. */
function readTaker(read: JsonReading, taker: NixFile): void {
  const { files, file, hashes, pins } = read;
  const byOffset = new Map(hashes.map((hash) => [hash.value.offset, hash]));
  // Many hashes lead to the same assumptions.
  const looked = new Map<string, readonly Choice[]>();
  const look = (assumed: Assumed): readonly Choice[] => {
    const what = JSON.stringify([...assumed]);
    const known = looked.get(what);
    if (known) return known;
    const session = assumed.size === 0 ? read.session : createSession(files, assumed);
    for (const hit of hashedCalls(session, evaluateAt(session, taker, taker.document.root))) {
      const hash = hit.origin.file.path === file.path ? byOffset.get(hit.origin.start) : undefined;
      if (!hash) continue;
      const around = hit.package ?? read.facts(hash.object);
      addPin(pins, sourceAt({ ...valuesOf(session, hit), package: around }, placeOf(file, hash)));
    }
    read.worlds -= 1 + (session.steps >> 9);
    looked.set(what, session.choices);
    return session.choices;
  };
  if (look(NOTHING).length === 0) return;
  // `releases.${branch}`: which fetcher takes an entry shows when that branch is asked for.
  for (const { key, value, path } of hashes) {
    const isTaken = () => {
      const pin = pins.get(pinKey(file, { start: value.offset }));
      return pin !== undefined && pin.fetcher !== null && isLocated(pin);
    };
    if (isTaken()) continue;
    const system = [key, ...path].find(isSystem);
    const first: Assumed = system === undefined ? NOTHING : new Map([["system", system]]);
    followChoices(read, path, first, (assumed) => {
      const choices = look(assumed);
      return { choices, isFound: isTaken(), isLocated: isTaken() };
    });
  }
}

function hashesIn(file: JsonFile, within: readonly Region[] | null): readonly JsonHash[] {
  const found: JsonHash[] = [];
  const open: { node: JsonNode; path: readonly string[] }[] = file.root
    ? [{ node: file.root, path: [] }]
    : [];
  for (let next = open.pop(); next; next = open.pop()) {
    if (found.length > MOST_PINS) throw new TooMuch(`it has more than ${MOST_PINS / 1_000} thousand pins`);
    const { node, path } = next;
    if (within && !within.some((region) => touches(node, region))) continue;
    if (node.type === "array") {
      node.children?.forEach((child, index) => {
        open.push({ node: child, path: [String(index), ...path] });
      });
    }
    if (node.type !== "object") continue;
    for (const property of node.children ?? []) {
      const [key, value] = property.children ?? [];
      if (!key || !value) continue;
      const name = String(key.value);
      if (value.type === "string" && isHash(name, path, String(value.value))) {
        found.push({ object: node, key: name, value, path });
      } else open.push({ node: value, path: [name, ...path] });
    }
  }
  return found;
}

function touches(node: JsonNode, region: Region): boolean {
  return node.offset <= region.end && node.offset + node.length >= region.start;
}

/** A text under a name that says hash, itself or for a map of platforms around it. */
function isHash(name: string, path: readonly string[], text: string): boolean {
  // A placeholder.
  if (text === "") return isHashName(name);
  const named = [name, path[0] ?? ""].find((candidate) => isHashName(candidate.replace(/(?:es|s)$/, "")));
  return named !== undefined && parseHash(text, algorithmOfName(named)) !== null;
}

function originOf(file: JsonFile, node: JsonNode): Origin {
  return { file, start: node.offset, end: node.offset + node.length };
}

function placeOf(file: JsonFile, { object, key, path }: JsonHash): PinPlace {
  const span: Span = { path: file.path, start: object.offset, end: object.offset + object.length };
  return {
    names: isHashName(key) ? path : [key, ...path],
    span,
    urlSpan: null,
    shape: [],
    packageSpan: null,
  };
}

/** What nvfetcher and its like say instead of an address: https://github.com/berberman/nvfetcher */
const FETCHERS_BY_TYPE = new Map([["github", "fetchFromGitHub"]]);

function bareSource(session: Session, file: JsonFile, hash: JsonHash, facts: PackageFacts): Source {
  const object = jsonValue(file, hash.object);
  const attributes = object.kind === "set" ? object : setOf([], true);
  const type = attributes.entries.get("type")?.();
  const found = {
    session,
    fetcher: (type && FETCHERS_BY_TYPE.get(knownText(type) ?? "")) ?? null,
    attributes,
    hashName: hash.key,
    hash: jsonValue(file, hash.value),
    origin: originOf(file, hash.value),
    package: facts,
  };
  return sourceAt(found, placeOf(file, hash));
}

/** The version in an object, or in the nearest one around. Many pins share what is around them: it is looked at once. */
function factsAround(session: Session, file: JsonFile): (node: JsonNode | undefined) => PackageFacts {
  const known = new Map<JsonNode, PackageFacts>();
  const around = (node: JsonNode | undefined): PackageFacts => {
    if (!node) return NO_PACKAGE;
    const before = known.get(node);
    if (before) return before;
    const own = node.type === "object" ? packageFacts(session, jsonValue(file, node)) : null;
    const facts = own && own.version !== null ? own : around(node.parent);
    known.set(node, facts);
    return facts;
  };
  return around;
}
