/** From a change to the facts that rules judge: texts, what differs, source pins, scripts and settings of both sides. */
import { type Change, type FileChange, pathOf, type Side, type Unchecked } from "./change/change.ts";
import { readAhead } from "./change/contents.ts";
import { madeOtherwise, unreadTexts } from "./change-made.ts";
import {
  type ChangePins,
  createChangePins,
  type FilePins,
  hasSamePins,
  NO_PINS,
  pinsOfUser,
  usersOf,
} from "./change-pins.ts";
import { type CallCache, createCallCache } from "./nix/attributes.ts";
import { createDocuments, type Documents } from "./nix/documents.ts";
import { holdsHash } from "./nix/hash.ts";
import { impuritiesOf, isBuild } from "./nix/impurities.ts";
import { jsonScripts } from "./nix/json-scripts.ts";
import { changesOnlyMeta } from "./nix/meta-only.ts";
import type { Impurity, Script, Setting } from "./nix/model.ts";
import { MOST_ERRORS, parseErrors } from "./nix/parse-errors.ts";
import { createParser } from "./nix/parser.ts";
import { type CodeFile, type ScriptParsers, saysScript, scriptsOf } from "./nix/scripts.ts";
import { settingsOf } from "./nix/settings.ts";
import { createNixSide, type NixSide } from "./nix/side.ts";
import { hasPath } from "./nix/sources.ts";
import { takenFrom } from "./nix/takers.ts";
import { bounded } from "./nix/too-much.ts";
import { type MadePair, withMade } from "./pair/made.ts";
import { introduced, type KnownPin, reusesOf } from "./pair/reuse.ts";
import { pairScripts } from "./pair/scripts.ts";
import { pairSettings, type SettingChange } from "./pair/settings.ts";
import { pairSources } from "./pair/sources.ts";
import type { Upstream } from "./provenance/upstream.ts";
import {
  HUGE_CHARACTERS,
  LARGEST_TREES_CHARACTERS,
  type ReadFile,
  type Rewritten,
  readFile,
} from "./read-file.ts";
import { aliasesOf, areSources, madeForNames, meaningsOf, type Repointed, repointedIn } from "./repointed.ts";
import type { Facts, FileFacts } from "./rules/rule.ts";
import { distinctUnchecked } from "./unchecked.ts";
import { growHeapBy } from "./v8-flags.ts";
import { stepScripts } from "./workflow/step-scripts.ts";
import { isWorkflow } from "./workflow/workflow.ts";

/** What is loaded once per process: parsers, and the texts parsed so far. */
export interface Tools {
  readonly documents: Documents;
  readonly scripts: () => Promise<ScriptParsers>;
  /** What the package lists call. */
  readonly calls: CallCache;
}

export async function createTools(): Promise<Tools> {
  let parsers: Promise<ScriptParsers> | undefined;
  return {
    documents: await createDocuments(),
    calls: createCallCache(),
    // Two megabytes of grammars that most changes do not need.
    scripts: () => {
      parsers ??= Promise.all([createParser("bash"), createParser("python")]).then(([bash, python]) => ({
        bash,
        python,
      }));
      return parsers;
    },
  };
}

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
 * What is held of so many files is most of the memory: garbage is collected when a tenth more is taken, not when twice
 * as much is. The rules see all files, so that nothing of it can go before.
 */
const MANY_FILES = 10_000;
const HEAP_GROWTH_PERCENT = 10;
/** More of huge files than any release of all Haskell packages: the garbage of reading them is as large as a machine. */
const MUCH_REWRITTEN = 8_000_000;
const HEAP_GROWTH_PERCENT_REWRITTEN = 20;
/** A change as it is read: what it is read with, and what gathers while it is. */
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
  const made = [...(await addPinsOfUsers(reading, read.reaching))];
  const meanings = await meaningsOf(read.repointed, sides, unchecked);
  append(made, madeForNames(meanings));
  const renames = new Map(
    change.files.flatMap((file) =>
      file.status === "renamed" ? [[file.base.path, file.head.path] as const] : [],
    ),
  );
  const settings = pairSettings(read.base.settings, read.head.settings, renames);
  const areAllWanted = meanings.some(areSources) || mayDropPatches(change, settings);
  await addPinsOfLater(reading, read.names, areAllWanted, renames);
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
  /** What paths to the files whose code changed may end with. */
  readonly names: Set<string>;
  /** Those whose code changed, and that unchanged files may be made of. */
  readonly reaching: Extract<FileChange, { status: "modified" | "renamed" }>[];
}

/** Reads the changed files one after the other; pins that the change cannot reach are left for later. */
async function readFiles({ change, tools, sides, pins, unchecked }: Reading): Promise<FilesRead> {
  const found: FilesRead = {
    base: nothing(),
    head: nothing(),
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
    // Moved as it was: its pins are what they were.
    const inFile =
      file.base?.oid === file.head?.oid
        ? null
        : await bounded(
            () => (read.isFormatted ? readErrors(read) : readCode(file, read, sides, tools, !isLater)),
            path,
            unchecked,
          );
    found.files.push(factsOf(read, inFile?.errors ?? NO_ERRORS));
    if (inFile) add(inFile, found, path, unchecked);
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

/**
 * Adds the pins of files that did not change, in which changed ones may have a part; gives what the values of either fetch
 * otherwise than before.
 */
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
    // Who uses a file that moved has changed with it.
    const users = file.status === "modified" ? await within(() => usersOf(file, sides, changed)) : null;
    for (const user of users ?? []) {
      const areSame = (await within(() => hasSamePins(user, sides))) ?? false;
      const read = () => within(() => pinsOfUser(user, sides, areSame));
      if (areSame) pins.addLater(read, path, sides.head.text(user.path) ?? "");
      else pins.add((await read()) ?? NO_PINS, path);
    }
    const onLost = (lost: Unchecked) => {
      // Of a file that is not known at all, this says nothing more.
      if (!unchecked.some(({ what }) => what === lost.what)) unchecked.push(lost);
    };
    append(made, (await within(() => madeOtherwise(file, sides, changed, onLost))) ?? []);
  }
  return made;
}

/**
 * Adds the pins that were left for later. They are of use only where they read a file that changed, have a hash that is new
 * elsewhere, or a dropped patch.
 */
async function addPinsOfLater(
  { pins }: Reading,
  names: ReadonlySet<string>,
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
      (hashes.size > 0 && (hasPath(text) || holdsHash(text, hashes))),
  );
}

/** What a path to a file, or to the folder that it is the default of, may end with. */
function namesOf(path: string): readonly string[] {
  const [name = "", folder = ""] = path.split("/").reverse();
  if (name === "default.nix") return [name, folder, ".", ".."];
  return name === "package.nix" ? [name, folder] : [name];
}

const PATH_PART = /\/([\w.+-]+)/g;

/** Whether a path in a text may lead to a file that is called by one of the names, or it takes the version of one. */
function namesAny(text: string, names: ReadonlySet<string>): boolean {
  for (const [, name = ""] of text.matchAll(PATH_PART)) if (names.has(name)) return true;
  for (const name of takenFrom(text)) if (names.has(name)) return true;
  return false;
}

/** Whether patches may be gone: it is asked of each whether any pin still names it. */
function mayDropPatches({ files }: Change, settings: readonly SettingChange[]): boolean {
  return (
    settings.some(({ before }) => /patch/i.test(before?.attributes.at(-1) ?? "")) ||
    files.some(({ status, base }) => status === "removed" && /\.(?:patch|diff)$/.test(base.path))
  );
}

/** What is in one side of a file, or of all files. */
interface SideFound {
  readonly scripts: Script[];
  readonly settings: Setting[];
  readonly impurities: Impurity[];
}
type Found = Readonly<Record<Side, SideFound>>;

function nothing(): SideFound {
  return { scripts: [], settings: [], impurities: [] };
}

type Errors = Pick<FileFacts, "parseErrors" | "baseParseErrors">;
const NO_ERRORS: Errors = { parseErrors: [], baseParseErrors: [] };

/** Part by part: of thousands of objects that are made of two others, each would have a shape of its own. */
function factsOf({ facts }: ReadFile, { parseErrors, baseParseErrors }: Errors): FileFacts {
  const { change, base, head, changed, target, binary } = facts;
  return { change, base, head, changed, target, binary, parseErrors, baseParseErrors };
}

interface FoundIn extends Found {
  readonly pins: FilePins;
  readonly errors: Errors;
  readonly cut: readonly string[];
}

/** Of a file whose code is what it was: where it cannot be read. */
async function readErrors({ code: { base, head } }: ReadFile): Promise<FoundIn> {
  const parseErrors = errorsOf(head);
  const baseParseErrors = parseErrors.length > 0 ? errorsOf(base) : [];
  const isCut = parseErrors.length >= MOST_ERRORS;
  return {
    base: nothing(),
    head: nothing(),
    pins: NO_PINS,
    errors: { parseErrors, baseParseErrors },
    cut: isCut ? [TOO_MANY_ERRORS] : [],
  };
}

const TOO_MANY_ERRORS = "the parser gave up in more places than are looked at";

/** What the code of a changed file holds. @throws TooMuch */
async function readCode(
  file: FileChange,
  { code: both, regions }: ReadFile,
  sides: Record<Side, NixSide>,
  tools: Tools,
  withPins: boolean,
): Promise<FoundIn> {
  const found = { base: nothing(), head: nothing() };
  const pins = { ...NO_PINS };
  const cut = new Set<string>();
  const onCut = (what: string) => void cut.add(what);
  const isUnnamed = [both.base, both.head].some((code) => code?.kind === "text" && !saysScript(code));
  const isTaken = isUnnamed && (await sides[file.head ? "head" : "base"].takesAsScript(pathOf(file)));
  let parseErrors: FileFacts["parseErrors"] = [];
  for (const side of ["base", "head"] as const) {
    const entry = file[side];
    const code = both[side];
    if (!entry || !code) continue;
    // Why, is said already. With the other side alone, all of its pins would seem to be new.
    if (code.kind === "nix" && code.text !== "" && code.document === tools.documents.empty)
      return { base: nothing(), head: nothing(), pins: NO_PINS, errors: NO_ERRORS, cut: [] };
    const changed = regions[side];
    const { scripts, settings, impurities } = found[side];
    const isHuge = code.text.length > HUGE_CHARACTERS;
    if (withPins) pins[side] = await sides[side].sources(entry.path, changed);
    // What comes next goes through the file piece by piece.
    if (isHuge && code.kind === "nix") code.document.forgetNodes();
    if (code.kind === "nix" || isTaken || saysScript(code)) {
      append(scripts, scriptsOf(code, changed, await tools.scripts(), onCut, isTaken));
    }
    if (entry.path.endsWith(".json"))
      append(scripts, jsonScripts(code, changed, await tools.scripts(), onCut));
    if (code.kind === "text" && isWorkflow(entry.path))
      append(scripts, stepScripts(entry.path, code.text, await tools.scripts(), onCut));
    append(settings, settingsOf(code, changed, onCut));
    append(impurities, impuritiesOf(code, changed, onCut));
    if (side === "head") parseErrors = errorsOf(code);
    if (parseErrors.length >= MOST_ERRORS) onCut(TOO_MANY_ERRORS);
    if (code.kind !== "nix") continue;
    if (code.document.text.length > LARGEST_TREES_CHARACTERS) tools.documents.release(entry.oid);
    // They go before those of the other side are read.
    else if (isHuge) code.document.forgetNodes();
  }
  const baseParseErrors = parseErrors.length > 0 ? errorsOf(both.base) : [];
  append(found.base.impurities, knownBuilds(both.base, found.head.impurities));
  return { ...found, pins, errors: { parseErrors, baseParseErrors }, cut: [...cut] };
}

/** Where the base waits for builds already, in what did not change either: asked only when the head newly does. */
function knownBuilds(base: CodeFile | null, head: readonly Impurity[]): readonly Impurity[] {
  if (base?.kind !== "nix" || base.text.length > HUGE_CHARACTERS || !head.some(isBuild)) return [];
  return impuritiesOf(base, [{ start: 0, end: base.text.length }]).filter(isBuild);
}

/** The pins of a changed file. @throws TooMuch */
async function readPins(
  file: FileChange,
  regions: ReadFile["regions"],
  sides: Record<Side, NixSide>,
): Promise<FilePins> {
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

/** Adds what a file holds to what all do; says what of it is left out. */
function add(
  found: Found & { readonly cut: readonly string[] },
  all: Found,
  what: string,
  unchecked: Unchecked[],
): void {
  for (const reason of found.cut) unchecked.push({ what, reason });
  for (const side of ["base", "head"] as const) {
    append(all[side].scripts, found[side].scripts);
    append(all[side].settings, found[side].settings);
    append(all[side].impurities, found[side].impurities);
  }
}

/** Not with `push(...more)`, which takes the room of its arguments on the stack. */
function append<T>(list: T[], more: readonly T[]): void {
  for (const each of more) list.push(each);
}

function errorsOf(code: CodeFile | null): FileFacts["parseErrors"] {
  return code?.kind === "nix" ? parseErrors(code.document.root) : [];
}
