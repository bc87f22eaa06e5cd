/** From a change to the facts that rules judge: texts, what differs, source pins, scripts and settings of both sides. */
import type { Change, Content, Entry, FileChange, Side, Unchecked } from "./change/change.ts";
import { changedText, diffTexts, type Hunk } from "./change/hunks.ts";
import { repointedNames } from "./nix/aliases.ts";
import { type CallCache, createCallCache } from "./nix/attributes.ts";
import { createDocuments, type Documents } from "./nix/documents.ts";
import { impuritiesOf } from "./nix/impurities.ts";
import type { Impurity, Script, Setting, Source } from "./nix/model.ts";
import { parseErrors } from "./nix/parse-errors.ts";
import { createParser } from "./nix/parser.ts";
import { pinKey } from "./nix/reading.ts";
import { type CodeFile, type Region, type ScriptParsers, scriptsOf } from "./nix/scripts.ts";
import { settingsOf } from "./nix/settings.ts";
import { createNixSide, type NixSide } from "./nix/side.ts";
import { introduced, type KnownPin, reusesOf } from "./pair/reuse.ts";
import { pairScripts } from "./pair/scripts.ts";
import { pairSettings } from "./pair/settings.ts";
import { pairSources } from "./pair/sources.ts";
import type { Upstream } from "./provenance/upstream.ts";
import type { BinaryFacts, Facts, FileFacts } from "./rules/rule.ts";

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

/** The nodes of one side of a larger file take a hundred megabytes: they go before those of the other are read. */
const HUGE_CHARACTERS = 1_000_000;

/** Reads both sides of a change and says what is in them. Never throws for what a file holds. */
export async function gatherFacts(
  change: Change,
  tools: Tools,
  subjects: readonly string[] | null,
  memory: Memory | null = null,
  upstream: Upstream | null = null,
): Promise<Gathered> {
  const sides = {
    base: createNixSide(change.base, tools.documents),
    head: createNixSide(change.head, tools.documents),
  };
  const unchecked: Unchecked[] = [...change.unchecked];
  const files: FileFacts[] = [];
  const sources: Record<Side, Source[]> = { base: [], head: [] };
  const scripts: Record<Side, Script[]> = { base: [], head: [] };
  const settings: Record<Side, Setting[]> = { base: [], head: [] };
  const impurities: Record<Side, Impurity[]> = { base: [], head: [] };
  const repointed: { readonly path: Readonly<Record<Side, string>>; readonly name: string }[] = [];
  const contentsOf = readAhead(change);
  for (const [index, file] of change.files.entries()) {
    tools.documents.trim();
    const read = await readFile(file, await contentsOf(index), sides);
    unchecked.push(...read.unchecked);
    files.push(read.facts);
    const { code: both, regions } = read;
    if (both.base?.kind === "nix" && both.head?.kind === "nix") {
      const text = (side: Side) => ({ text: both[side]?.text ?? "", regions: regions[side] });
      const path = { base: both.base.path, head: both.head.path };
      for (const name of repointedNames(text("base"), text("head"))) repointed.push({ path, name });
    }
    for (const side of ["base", "head"] as const) {
      const entry = file[side];
      const code = read.code[side];
      if (!entry || !code) continue;
      // Moved as it was: its pins are what they were.
      if (file.base?.oid === file.head?.oid) continue;
      sources[side].push(...(await sides[side].sources(entry.path, read.regions[side])));
      if (mayHoldScripts(code)) {
        const cut = () =>
          unchecked.push({ what: entry.path, reason: "it holds more scripts than can be read in time" });
        scripts[side].push(...scriptsOf(code, read.regions[side], await tools.scripts(), cut));
      }
      settings[side].push(...settingsOf(code, read.regions[side]));
      impurities[side].push(...impuritiesOf(code, read.regions[side]));
      if (code.kind === "nix" && code.text.length > HUGE_CHARACTERS) code.document.forgetNodes();
    }
  }
  const changedPaths = new Set(change.files.flatMap((file) => [file.base?.path, file.head?.path]));
  for (const side of ["base", "head"] as const) {
    for (const file of change.files) {
      if (file.status !== "modified") continue;
      for (const user of await sides[side].users(file[side].path)) {
        if (!changedPaths.has(user)) sources[side].push(...(await sides[side].sources(user, WHOLE)));
      }
    }
  }
  unchecked.push(...sides.base.unchecked, ...sides.head.unchecked);
  const renames = new Map(
    change.files.flatMap((file) =>
      file.status === "renamed" ? [[file.base.path, file.head.path] as const] : [],
    ),
  );
  const pins = { base: distinct(sources.base), head: distinct(sources.head) };
  const aliases: (readonly [Source, Source])[] = [];
  for (const { path, name } of repointed) {
    const [old, now] = await Promise.all([
      sourceOf(sides.base, pins.base, path.base, name),
      sourceOf(sides.head, pins.head, path.head, name),
    ]);
    if (old && now) aliases.push([old, now]);
  }
  const pairs = pairSources(pins.base, pins.head, renames, aliases);
  const hashes = introduced(pairs).map(({ hash }) => hash);
  const remembered = memory === null || hashes.length === 0 ? [] : await memory.pinsWith(hashes);
  return {
    facts: {
      files,
      sources: pairs,
      pins,
      reuses: reusesOf(pairs, pins, remembered),
      scripts: pairScripts(scripts.base, scripts.head, renames),
      settings: pairSettings(settings.base, settings.head, renames),
      impurities,
      subjects,
      upstream: upstream === null ? null : await upstream.ask(pairs),
    },
    unchecked: distinctUnchecked(unchecked),
    textOf: (side, path) => sides[side].text(path),
  };
}

/** The one source among `pins` that an attribute of a file is made with; null when there are none or several. */
async function sourceOf(
  side: NixSide,
  pins: readonly Source[],
  path: string,
  name: string,
): Promise<Source | null> {
  const places = new Set((await side.hashesOf(path, name)).map(({ file, start }) => pinKey(file, { start })));
  const [source, ...others] = pins.filter(
    (pin) => pin.role === "source" && places.has(pinKey(pin.hashSpan, pin.hashSpan)),
  );
  return source && others.length === 0 ? source : null;
}

/** Of a file that did not change itself, all may be reached. */
const WHOLE: readonly Region[] = [{ start: 0, end: Number.MAX_SAFE_INTEGER }];

interface ReadFile {
  readonly facts: FileFacts;
  readonly code: Record<Side, CodeFile | null>;
  readonly regions: Record<Side, readonly Region[]>;
  readonly unchecked: readonly Unchecked[];
}

type Contents = Readonly<Record<Side, Content | null>>;

/** Files whose contents are asked for at a time: git answers while others are looked through. */
const READ_AHEAD = 8;
/** Larger ones are let go until their turn: eight of them at a time would fill the memory. */
const KEPT_AHEAD_CHARACTERS = 1_000_000;
/**
 * The texts of one change, both sides together: all are held until the rules are done. A release of all Haskell packages
 * has 30 million; with much more, 512 MB of memory would not suffice.
 */
const TEXT_LIMIT_CHARACTERS = 50_000_000;
/** What is read to find that it is too much takes time too. */
const READ_LIMIT_CHARACTERS = 1_000_000_000;

/** The largest generated file of nixpkgs has half a million; what splits a text takes some fifty bytes for each. */
const LINE_LIMIT = 1_000_000;

const TOO_MANY_LINES: Content = {
  kind: "unavailable",
  reason: `it has more than ${LINE_LIMIT / 1_000_000} million lines`,
};
const OVER_LIMIT: Content = {
  kind: "unavailable",
  reason: `with it, the texts of the change have more than the ${TEXT_LIMIT_CHARACTERS / 1_000_000} million characters that are read of one change`,
};

/** Gives the contents of a change's files by their index, in order; those beyond the limit are unavailable. */
function readAhead(change: Change): (index: number) => Promise<Contents> {
  /** Null: to be read again. */
  const asked = new Map<number, Promise<Contents | null>>();
  let next = 0;
  let left = TEXT_LIMIT_CHARACTERS;
  let toRead = READ_LIMIT_CHARACTERS;
  const read = async (file: FileChange): Promise<Contents> => {
    const of = (side: Side): Promise<Content> | null => {
      const entry = file[side];
      return entry && entry.kind !== "submodule" ? change[side].read(entry) : null;
    };
    const [base, head] = await Promise.all([of("base"), of("head")]);
    return { base, head };
  };
  const readSmall = async (file: FileChange): Promise<Contents | null> => {
    const contents = await read(file);
    return sizeOf(contents) > KEPT_AHEAD_CHARACTERS ? null : contents;
  };
  return async (index) => {
    for (; toRead > 0 && next < change.files.length && next < index + READ_AHEAD; next++) {
      const file = change.files[next];
      if (file) asked.set(next, readSmall(file));
    }
    const file = change.files[index];
    const early = asked.get(index);
    asked.delete(index);
    if (!file) return { base: null, head: null };
    if (early) {
      const contents = (await early) ?? (await read(file));
      const size = sizeOf(contents);
      toRead -= size;
      if (size <= left) {
        left -= size;
        return { base: withinLines(contents.base), head: withinLines(contents.head) };
      }
    }
    return { base: file.base && OVER_LIMIT, head: file.head && OVER_LIMIT };
  };
}

function withinLines(content: Content | null): Content | null {
  // Most texts have fewer characters than lines are allowed.
  if (lengthOf(content) <= LINE_LIMIT || content?.kind !== "text") return content;
  let lines = 0;
  for (let at = content.text.indexOf("\n"); at !== -1; at = content.text.indexOf("\n", at + 1)) lines += 1;
  return lines > LINE_LIMIT ? TOO_MANY_LINES : content;
}

function sizeOf({ base, head }: Contents): number {
  return lengthOf(base) + lengthOf(head);
}

function lengthOf(content: Content | null): number {
  return content?.kind === "text" ? content.text.length : 0;
}

async function readFile(
  file: FileChange,
  contents: Contents,
  sides: Record<Side, NixSide>,
): Promise<ReadFile> {
  const unchecked: Unchecked[] = [];
  for (const side of ["base", "head"] as const) {
    const entry = file[side];
    const content = contents[side];
    if (!entry || !content) continue;
    if (content.kind === "unavailable") unchecked.push({ what: entry.path, reason: content.reason });
    else if (content.kind === "binary" && entry.path.endsWith(".nix")) {
      unchecked.push({ what: entry.path, reason: `not a text (${content.because})` });
    }
  }
  const base = textOf(file.base, contents.base);
  const head = textOf(file.head, contents.head);
  const hunks = diffTexts(base ?? "", head ?? "");
  const code: Record<Side, CodeFile | null> = {
    base: base === null ? null : await codeOf(file.base, base, sides.base, file.head?.oid),
    head: head === null ? null : await codeOf(file.head, head, sides.head, file.base?.oid),
  };
  const parseErrors = file.base?.oid === file.head?.oid ? [] : errorsOf(code.head);
  return {
    facts: {
      change: file,
      base,
      head,
      changed: changedText(hunks, head ?? ""),
      parseErrors,
      baseParseErrors: parseErrors.length > 0 ? errorsOf(code.base) : [],
      target: { base: targetOf(file.base, contents.base), head: targetOf(file.head, contents.head) },
      binary: { base: binaryOf(contents.base), head: binaryOf(contents.head) },
    },
    code,
    regions: { base: regionsOf(hunks, "base", base), head: regionsOf(hunks, "head", head) },
    unchecked,
  };
}

async function codeOf(
  entry: Entry | null,
  text: string,
  side: NixSide,
  previous?: string,
): Promise<CodeFile | null> {
  if (!entry) return null;
  const loaded = /\.(?:nix|json)$/.test(entry.path) ? await side.load(entry, previous) : null;
  return loaded?.kind === "nix" ? loaded : { kind: "text", path: entry.path, text };
}

function mayHoldScripts(code: CodeFile): boolean {
  return (
    code.kind === "nix" || code.text.startsWith("#!") || /\.(?:sh|bash|py|pl|patch|diff)$/.test(code.path)
  );
}

function textOf(entry: Entry | null, content: Content | null): string | null {
  const isFile = entry?.kind === "file" || entry?.kind === "executable";
  return isFile && content?.kind === "text" ? content.text : null;
}

function targetOf(entry: Entry | null, content: Content | null): string | null {
  return entry?.kind === "symlink" && content?.kind === "text" ? content.text : null;
}

function binaryOf(content: Content | null): BinaryFacts | null {
  return content?.kind === "binary" ? content : null;
}

function errorsOf(code: CodeFile | null): FileFacts["parseErrors"] {
  return code?.kind === "nix" ? parseErrors(code.document.root) : [];
}

function regionsOf(hunks: readonly Hunk[] | null, side: Side, text: string | null): readonly Region[] {
  if (text === null) return [];
  return hunks ? hunks.map((hunk) => hunk[side].text) : [{ start: 0, end: text.length }];
}

/** One pin may be met from several files: from its own, and from those that hand it on. */
function distinct(sources: readonly Source[]): readonly Source[] {
  return [
    ...new Map(
      sources.map((source) => [`${source.hashSpan.path}\0${source.hashSpan.start}`, source]),
    ).values(),
  ];
}

function distinctUnchecked(unchecked: readonly Unchecked[]): readonly Unchecked[] {
  return [...new Map(unchecked.map((item) => [`${item.what}\0${item.reason}`, item])).values()];
}
