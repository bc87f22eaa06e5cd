/** From a change to the facts that rules judge: texts, what differs, source pins, scripts and settings of both sides. */
import { type Change, type FileChange, pathOf, type Side, type Unchecked } from "../change/change.ts";
import { readAhead } from "../change/contents.ts";
import { append } from "../lists.ts";
import { holdsHash } from "../nix/hash.ts";
import { changesOnlyMeta } from "../nix/meta-only.ts";
import type { Script } from "../nix/model.ts";
import { patchNames } from "../nix/patch-names.ts";
import { createNixSide, type NixSide } from "../nix/side.ts";
import { hasPath } from "../nix/sources.ts";
import { takenFrom } from "../nix/takers.ts";
import { bounded } from "../nix/too-much.ts";
import { type MadePair, withMade } from "../pair/made.ts";
import { introduced, type KnownPin, reusesOf } from "../pair/reuse.ts";
import { pairScripts } from "../pair/scripts.ts";
import { pairSettings, type SettingChange } from "../pair/settings.ts";
import { pairSources } from "../pair/sources.ts";
import type { Upstream } from "../provenance/upstream.ts";
import type { Facts, FileFacts } from "../rules/rule.ts";
import type { Tools } from "../tools.ts";
import { distinctUnchecked } from "../unchecked.ts";
import { growHeapBy } from "../v8-flags.ts";
import { madeOtherwise, unreadTexts } from "./change-made.ts";
import {
  type ChangePins,
  createChangePins,
  hasSamePins,
  NO_PINS,
  type PinSides,
  pinsOfUser,
  usersOf,
} from "./change-pins.ts";
import { type Found, type FoundInFile, NO_ERRORS, nothingFound, readCode, readErrors } from "./read-code.ts";
import { type ReadFile, type Rewritten, readFile } from "./read-file.ts";
import { aliasesOf, areSources, madeForNames, meaningsOf, type Repointed, repointedIn } from "./repointed.ts";

export interface Gathered {
  readonly facts: Facts;
  readonly unchecked: readonly Unchecked[];
  /** The texts of all files that were read, those that did not change too. */
  readonly textOf: (side: Side, path: string) => string | null;
}

/** What is remembered of earlier changes. */
export interface Memory {
  /** The pins that had one of the hashes (SRI). */
  pinsWith(hashes: readonly string[]): Promise<readonly KnownPin[]>;
}

/**
 * In a change of more files, what is kept of them is most of the memory, and the rules need all of it. Garbage is then
 * collected when the heap has grown by a tenth, not when it has doubled.
 */
const MANY_FILES = 10_000;
const HEAP_GROWTH_PERCENT = 10;
/** More than any update of all Haskell packages changes in huge files: the garbage of reading them fills a machine. */
const MUCH_REWRITTEN = 8_000_000;
const HEAP_GROWTH_PERCENT_REWRITTEN = 20;

/** A change while it is read: what it is read with, and what is collected on the way. */
interface Reading {
  readonly change: Change;
  readonly tools: Tools;
  readonly sides: Record<Side, NixSide>;
  readonly pins: ChangePins;
  readonly unchecked: Unchecked[];
}

/** Reads both sides of a change and says what is in them. Never throws for what a file holds. */
export async function gatherFacts(
  change: Change,
  tools: Tools,
  subjects: readonly string[] | null,
  memory: Memory | null = null,
  upstream: Upstream | null = null,
): Promise<Gathered> {
  if (change.files.length > MANY_FILES) growHeapBy(HEAP_GROWTH_PERCENT);
  const sides = {
    base: createNixSide(change.base, tools.documents),
    head: createNixSide(change.head, tools.documents),
  };
  const unchecked: Unchecked[] = [...change.unchecked];
  const reading = { change, tools, sides, pins: createChangePins(unchecked), unchecked };
  const read = await readFiles(reading);
  const madeByFiles = await addPinsOfUsers(reading, read.reaching);
  const meanings = await meaningsOf(read.repointed, sides, unchecked);
  const made = [...madeByFiles, ...madeForNames(meanings)];
  const renames = new Map(
    change.files.flatMap((file) =>
      file.status === "renamed" ? [[file.base.path, file.head.path] as const] : [],
    ),
  );
  const settings = pairSettings(read.base.settings, read.head.settings, renames);
  const areAllWanted = meanings.some(areSources);
  await addPinsOfLater(reading, read.names, droppedPatches(change, settings), areAllWanted, renames);
  const pins = reading.pins.all();
  unchecked.push(...sides.base.unchecked, ...sides.head.unchecked);
  const pairs = withMade(pairSources(pins.base, pins.head, renames, aliasesOf(meanings, pins)), made);
  unchecked.push(...(await unreadTexts(read.files, sides, pairs)));
  const hashes = introduced(pairs).map(({ hash }) => hash);
  const remembered = memory === null || hashes.length === 0 ? [] : await memory.pinsWith(hashes);
  return {
    facts: {
      files: read.files,
      sources: pairs,
      pins,
      reuses: reusesOf(pairs, pins, remembered),
      scripts: pairScripts(read.base.scripts, read.head.scripts, renames),
      steps: { base: read.base.scripts.filter(isStep), head: read.head.scripts.filter(isStep) },
      settings,
      impurities: { base: read.base.impurities, head: read.head.impurities },
      subjects,
      upstream: upstream === null ? null : await upstream.ask(pairs),
    },
    unchecked: distinctUnchecked(unchecked),
    textOf: (side, path) => sides[side].text(path),
  };
}

const isStep = ({ context }: Script) => context === "ci";

/** What the changed files hold, and what of it may concern other files. */
interface FilesRead extends Found {
  readonly files: FileFacts[];
  readonly repointed: Repointed[];
  /** The last parts that a path to a file whose code changed may have. */
  readonly names: Set<string>;
  /** The files whose code changed and that are on both sides: unchanged files may be made of them. */
  readonly reaching: Extract<FileChange, { status: "modified" | "renamed" }>[];
}

/** Reads the changed files one after the other; pins that the change cannot reach are left for later. */
async function readFiles({ change, tools, sides, pins, unchecked }: Reading): Promise<FilesRead> {
  const found: FilesRead = {
    ...nothingFound(),
    files: [],
    repointed: [],
    names: new Set(),
    reaching: [],
  };
  const contentsOf = readAhead(change);
  const rewritten: Rewritten = { characters: 0 };
  for (const [index, file] of change.files.entries()) {
    tools.documents.trim();
    const read = await readFile(file, await contentsOf(index), sides, rewritten);
    if (change.files.length <= MANY_FILES && rewritten.characters > MUCH_REWRITTEN)
      growHeapBy(HEAP_GROWTH_PERCENT_REWRITTEN);
    unchecked.push(...read.unchecked);
    const isLater = read.isFormatted || isOnlyMeta(file, read);
    const path = pathOf(file);
    const find = () => (read.isFormatted ? readErrors(read) : readCode(file, read, sides, tools, !isLater));
    // Moved without a change: its pins are what they were.
    const isSame = file.base?.oid === file.head?.oid;
    const inFile = isSame ? null : await bounded(find, path, unchecked);
    found.files.push(factsOf(read, inFile?.errors ?? NO_ERRORS));
    if (inFile) addFound(inFile, found, path, unchecked);
    if (isLater) {
      const readLater = () => {
        tools.documents.trim();
        return bounded(() => readPins(file, read.regions, sides), path, unchecked);
      };
      if (inFile) pins.addLater(readLater, path, read.code.head?.text ?? "");
      continue;
    }
    if (inFile) pins.add(inFile.pins, path);
    append(found.repointed, (await bounded(async () => repointedIn(read), path, unchecked)) ?? []);
    if (file.status === "modified" || file.status === "renamed") found.reaching.push(file);
    for (const entry of [file.base, file.head])
      for (const name of entry ? namesOf(entry.path) : []) found.names.add(name);
  }
  return found;
}

/** Adds the pins of unchanged files that may depend on changed ones; returns the fetches of both that differ from before. */
async function addPinsOfUsers(
  { change, tools, sides, pins, unchecked }: Reading,
  reaching: FilesRead["reaching"],
): Promise<readonly MadePair[]> {
  const made: MadePair[] = [];
  const changed = new Set(change.files.flatMap((file) => [file.base?.path, file.head?.path]));
  for (const file of reaching) {
    tools.documents.trim();
    const path = pathOf(file);
    const within = <T>(read: () => Promise<T>) => bounded(read, path, unchecked);
    // Whatever uses a file that moved has changed with it.
    const users = file.status === "modified" ? await within(() => usersOf(file, sides, changed)) : null;
    for (const user of users ?? []) {
      const areSame = (await within(() => hasSamePins(user, sides))) ?? false;
      const read = () => within(() => pinsOfUser(user, sides, areSame));
      if (areSame) pins.addLater(read, path, sides.head.text(user.path) ?? "");
      else pins.add((await read()) ?? NO_PINS, path);
    }
    const onLost = (lost: Unchecked) => {
      // For a file that could not be read at all, this would say nothing more.
      if (!unchecked.some(({ what }) => what === lost.what)) unchecked.push(lost);
    };
    append(made, (await within(() => madeOtherwise(file, sides, changed, onLost))) ?? []);
  }
  return made;
}

/**
 * Reads those of the pins left for later that may matter: of texts that name a changed file or a dropped patch, or may have a
 * hash that is new elsewhere; with `areAllWanted`, of all.
 */
async function addPinsOfLater(
  { pins }: Reading,
  names: ReadonlySet<string>,
  patches: ReadonlySet<string>,
  areAllWanted: boolean,
  renames: ReadonlyMap<string, string>,
): Promise<void> {
  if (!pins.hasLater) return;
  const { base, head } = pins.all();
  const hashes = new Set(introduced(pairSources(base, head, renames)).map(({ hash }) => hash));
  await pins.readLater(
    (text) =>
      areAllWanted ||
      namesAny(text, names) ||
      (patches.size > 0 && patchNames(text).some((name) => patches.has(name))) ||
      (hashes.size > 0 && (hasPath(text) || holdsHash(text, hashes))),
  );
}

/** The last part of a path to a file, or to the folder whose default it is. */
function namesOf(path: string): readonly string[] {
  const [name = "", folder = ""] = path.split("/").reverse();
  if (name === "default.nix") return [name, folder, ".", ".."];
  return name === "package.nix" ? [name, folder] : [name];
}

const PATH_PART = /\/([\w.+-]+)/g;

/** Whether a path in a text may lead to a file with one of the names, or the text takes the version of such a package. */
function namesAny(text: string, names: ReadonlySet<string>): boolean {
  for (const [, name = ""] of text.matchAll(PATH_PART)) if (names.has(name)) return true;
  for (const name of takenFrom(text)) if (names.has(name)) return true;
  return false;
}

/** The names of patches that the change drops somewhere: a pin that has one still may be where it went. */
function droppedPatches({ files }: Change, settings: readonly SettingChange[]): ReadonlySet<string> {
  const dropped = new Set<string>();
  for (const { before, after } of settings) {
    if (before === null || !/patch/i.test(before.attributes.at(-1) ?? "")) continue;
    for (const name of patchNames(before.text)) if (!after?.text.includes(name)) dropped.add(name);
  }
  for (const { status, base } of files)
    if (status === "removed") for (const name of patchNames(base.path)) dropped.add(name);
  return dropped;
}

/** Property by property: of thousands of objects spread from two others, V8 would give each a shape of its own. */
function factsOf({ facts }: ReadFile, { parseErrors, baseParseErrors }: FoundInFile["errors"]): FileFacts {
  const { change, base, head, changed, target, binary } = facts;
  return { change, base, head, changed, target, binary, parseErrors, baseParseErrors };
}

/** The pins of a changed file. @throws TooMuch */
async function readPins(
  file: FileChange,
  regions: ReadFile["regions"],
  sides: Record<Side, NixSide>,
): Promise<PinSides> {
  const pins = { ...NO_PINS };
  for (const side of ["base", "head"] as const) {
    const entry = file[side];
    if (entry) pins[side] = await sides[side].sources(entry.path, regions[side]);
  }
  return pins;
}

/** Whether a change of a file cannot reach any pin, since it is in `meta` only. */
function isOnlyMeta(file: FileChange, { code: { base, head }, regions }: ReadFile): boolean {
  if (file.status !== "modified" || base?.kind !== "nix" || head?.kind !== "nix") return false;
  return changesOnlyMeta({ file: base, regions: regions.base }, { file: head, regions: regions.head });
}

/** Adds what one file holds to what all files hold; what was left out goes to `unchecked`. */
function addFound(found: FoundInFile, all: Found, what: string, unchecked: Unchecked[]): void {
  for (const reason of found.cut) unchecked.push({ what, reason });
  for (const side of ["base", "head"] as const) {
    append(all[side].scripts, found[side].scripts);
    append(all[side].settings, found[side].settings);
    append(all[side].impurities, found[side].impurities);
  }
}
