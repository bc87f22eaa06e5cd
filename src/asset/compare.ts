/**
 * A release's archive against the files of its tag: what a reviewer of the repository has not seen, the most dangerous
 * first. A pure function of the two.
 */
import type { Archive, ArchiveFile } from "../archive/archive.ts";
import type { Unchecked } from "../change/change.ts";
import { type Difference, differenceOf } from "./difference.ts";
import { generatorOf, whyNotGenerated } from "./generators.ts";
import { type FileKind, kindOf, textOf } from "./kinds.ts";
import type { Published } from "./published.ts";
import type { Tag } from "./tag.ts";
import { traitsOf } from "./traits.ts";
import { hasSameTranslations } from "./translations.ts";

/** From the most dangerous to the least. */
export const DANGERS = [
  "build-hiding",
  "build-changed",
  "build-added",
  "binary-read",
  "binary",
  "source-changed",
  "source-added",
  "other",
] as const;
export type Danger = (typeof DANGERS)[number];

/** What of an archive has to be read: it is not in the tag, and no tool is known to have made it. */
export interface Entry {
  readonly path: string;
  readonly danger: Danger;
  readonly change: "added" | "changed";
  readonly why: string;
  /** What it does that hides what runs: of build files only. */
  readonly traits: readonly string[];
  readonly size: number;
  readonly difference: Difference;
}

/** Why files of the archive that the tag has not, or otherwise, need no reading at first. */
export const FOLDS = [
  "published",
  "generated",
  "translation",
  "line-ends",
  "copied",
  "missing",
  "excluded",
] as const;
export type Fold = (typeof FOLDS)[number];

/** Files that one reason accounts for. */
export interface Folded {
  readonly fold: Fold;
  /** The tool or the project. */
  readonly by: string;
  readonly paths: readonly string[];
}

export interface Comparison {
  /** Dangerous first. */
  readonly entries: readonly Entry[];
  readonly folded: readonly Folded[];
  readonly identical: number;
  /** What could not be compared. */
  readonly unchecked: readonly Unchecked[];
}

/** Beyond these what could not be compared is counted. */
const MOST_UNCHECKED = 100;
/** Lines of all differences that are kept; beyond them a file is named, and its lines are not shown. */
const MOST_LINES = 50_000;

/** Compares. `archive` may keep its files in one folder at the top, whose name then does not count. */
export function compareRelease(archive: Archive, tag: Tag, published: Published): Comparison {
  const files = withoutTop(archive.files);
  const unchecked: Unchecked[] = [
    ...archive.oddities.map(({ what, reason }) => ({ what, reason: `in the archive: ${reason}` })),
    ...tag.oddities,
  ];
  const folds = new Map<string, { fold: Fold; by: string; paths: string[] }>();
  const fold = (kind: Fold, by: string, path: string) => {
    const key = `${kind}\0${by}`;
    const group = folds.get(key) ?? { fold: kind, by, paths: [] };
    group.paths.push(path);
    folds.set(key, group);
  };
  const below = new Map<string, number>();
  const unreadable = new Set(tag.oddities.map(({ what }) => what));
  const drafts: Omit<Entry, "difference">[] = [];
  const buildTexts: string[] = [];
  let identical = 0;

  const sources = new Map([...tag.files].map(([path, file]) => [file.digest, { path, bytes: file.bytes }]));
  // The reader of the archive need not keep what the tag has.
  const withBytes = (file: ArchiveFile): ArchiveFile =>
    file.bytes === null ? { ...file, bytes: sources.get(file.digest)?.bytes ?? null } : file;

  for (const [path, archived] of files) {
    const file = withBytes(archived);
    const before = tag.files.get(path);
    if (unreadable.has(path)) continue;
    if (before?.digest === file.digest && before.kind === file.kind) {
      identical += 1;
      continue;
    }
    const submodule = submoduleOf(path, tag);
    if (submodule !== null) {
      below.set(submodule, (below.get(submodule) ?? 0) + 1);
      continue;
    }
    const known = explained(path, file, tag, published, sources.has(file.digest));
    if (known) {
      fold(known.fold, known.by, path);
      continue;
    }
    const kind = kindOf(path, file);
    if (kind === "build") buildTexts.push(textOf(file) ?? "");
    const traits = kind === "build" ? traitsOf(newTextOf(file, before)) : [];
    drafts.push({
      path,
      danger: traits.length > 0 ? "build-hiding" : dangerOf(kind, before === undefined),
      change: before === undefined ? "added" : "changed",
      why: whyOf(path, file, before, kind, tag, published),
      traits,
      size: file.size,
    });
  }
  for (const [path, count] of below) {
    const commit = tag.submodules.get(path) ?? "";
    unchecked.push({
      what: path,
      reason: `a submodule (commit ${commit}): its ${count} files are not compared`,
    });
  }
  const excluded = exportIgnored(tag);
  for (const path of tag.files.keys()) {
    if (!files.has(path)) fold(excluded(path) ? "excluded" : "missing", "", path);
  }

  const texts = buildTexts.join("\n");
  let kept = 0;
  const entries = drafts
    .map((draft) => {
      const file = files.get(draft.path);
      const difference = file && differenceOf(tag.files.get(draft.path), withBytes(file));
      return { ...readByBuild(draft, texts), difference: difference ?? UNKNOWN };
    })
    .sort(byDanger)
    .map((entry): Entry => {
      if (entry.difference.kind !== "text") return entry;
      kept += entry.difference.hunks.reduce((total, { lines }) => total + lines.length, 0);
      return kept > MOST_LINES
        ? { ...entry, difference: { ...entry.difference, hunks: [], cut: true } }
        : entry;
    });
  const more = unchecked.length - MOST_UNCHECKED;
  return {
    entries,
    folded: [...folds.values()].sort(
      (a, b) => FOLDS.indexOf(a.fold) - FOLDS.indexOf(b.fold) || (a.by < b.by ? -1 : 1),
    ),
    identical,
    unchecked:
      more > 0
        ? [
            ...unchecked.slice(0, MOST_UNCHECKED),
            { what: "the archive", reason: `${more} more such entries` },
          ]
        : unchecked,
  };
}

/** What explains a file that the tag does not have so; null: nothing does. `isCopy`: the tag has its content elsewhere. */
function explained(
  path: string,
  file: ArchiveFile,
  tag: Tag,
  published: Published,
  isCopy: boolean,
): { readonly fold: Fold; readonly by: string } | null {
  const before = tag.files.get(path);
  const project = published.projectOf(file.digest);
  if (project !== null && file.kind === "file") return { fold: "published", by: project };
  const made = generatorOf(path, file, tag.files);
  // What the repository holds itself is not excused by a tool's mark: somebody reviewed another content.
  if (made !== null && (before === undefined || generatorOf(path, before, tag.files) !== null))
    return { fold: "generated", by: made.by };
  if (before === undefined)
    return isCopy && kindOf(path, file) !== "build" ? { fold: "copied", by: "the tag" } : null;
  if (withoutCarriageReturns(before) === withoutCarriageReturns(file))
    return { fold: "line-ends", by: "the tag" };
  return path.endsWith(".po") && isRefreshed(before, file) ? { fold: "translation", by: "msgmerge" } : null;
}

/** The entries that are more than documentation and data. */
export function suspicious({ entries }: Comparison): readonly Entry[] {
  return entries.filter(({ danger }) => danger !== "other");
}

/** The files without the one folder that all of them lie in, as releases are packed. */
function withoutTop(files: Archive["files"]): ReadonlyMap<string, ArchiveFile> {
  const tops = new Set([...files.keys()].map((path) => path.split("/", 1)[0]));
  const alone = tops.size === 1 && [...files.keys()].every((path) => path.includes("/"));
  return alone ? new Map([...files].map(([path, file]) => [path.slice(path.indexOf("/") + 1), file])) : files;
}

function submoduleOf(path: string, tag: Tag): string | null {
  for (const submodule of tag.submodules.keys()) if (path.startsWith(`${submodule}/`)) return submodule;
  return null;
}

function dangerOf(kind: FileKind, added: boolean): Danger {
  switch (kind) {
    case "build":
      return added ? "build-added" : "build-changed";
    case "binary":
      return "binary";
    case "source":
      return added ? "source-added" : "source-changed";
    case "other":
      return "other";
  }
}

function whyOf(
  path: string,
  file: ArchiveFile,
  before: ArchiveFile | undefined,
  kind: FileKind,
  tag: Tag,
  published: Published,
): string {
  const name = path.slice(path.lastIndexOf("/") + 1);
  const what = WHAT[kind];
  if (file.kind === "symlink") return `a symbolic link to ${file.bytes?.toString("utf8") ?? "somewhere"}`;
  if (before !== undefined) {
    const subst = before.bytes?.includes("$Format:")
      ? ", where the tag has a place for git archive to fill in"
      : "";
    return `${what} that differs from the tag${subst}`;
  }
  if (published.isName(name) && kind === "build") {
    const serial = /^(?:#|dnl)[^\n]*\bserial\s+(\S+)/m.exec(textOf(file)?.slice(0, 4_000) ?? "")?.[1];
    const says = serial === undefined ? "" : ` (it says serial ${serial})`;
    return `it is called as a file that GNU's build tools copy into releases, but no known version has these bytes${says}`;
  }
  const almost = whyNotGenerated(path, tag.files);
  return almost ?? `${what} that the tag does not have`;
}

const WHAT: Readonly<Record<FileKind, string>> = {
  build: "a file that builds read or run",
  source: "source code",
  binary: "a binary file",
  other: "documentation or data",
};

/** A binary whose name, or whose folder, the changed or added build scripts name is what such a script may unpack. */
function readByBuild(entry: Omit<Entry, "difference">, texts: string): Omit<Entry, "difference"> {
  if (entry.danger !== "binary") return entry;
  const parts = entry.path.split("/");
  const name = parts.pop() ?? "";
  const folder = parts.join("/");
  const named = texts.includes(name) ? name : folder !== "" && texts.includes(folder) ? folder : null;
  if (named === null) return entry;
  return {
    ...entry,
    danger: "binary-read",
    why: `${entry.why}; a build script that is not the tag's names ${named}`,
  };
}

/** Dangerous first; then what hides something; then what is short: a reviewer is done with it soon. */
function byDanger(a: Entry, b: Entry): number {
  return (
    DANGERS.indexOf(a.danger) - DANGERS.indexOf(b.danger) ||
    b.traits.length - a.traits.length ||
    (a.difference.lines ?? Number.MAX_SAFE_INTEGER) - (b.difference.lines ?? Number.MAX_SAFE_INTEGER) ||
    (a.path < b.path ? -1 : 1)
  );
}

const UNKNOWN: Difference = { kind: "not-shown", reason: "it is not known", lines: null };

/** The lines of a text that the tag's file does not have. */
function newTextOf(file: ArchiveFile, before: ArchiveFile | undefined): string {
  const text = textOf(file) ?? "";
  const old = new Set((before === undefined ? "" : (textOf(before) ?? "")).split("\n"));
  return text
    .split("\n")
    .filter((line) => !old.has(line))
    .join("\n");
}

function isRefreshed(before: ArchiveFile, after: ArchiveFile): boolean {
  const [old, now] = [textOf(before), textOf(after)];
  return old !== null && now !== null && hasSameTranslations(old, now);
}

/** A text as it is with Unix's line ends; a value of its own for what is no text. */
function withoutCarriageReturns(file: ArchiveFile): string | symbol {
  return file.kind === "file" ? (textOf(file)?.replaceAll("\r\n", "\n") ?? Symbol("binary")) : Symbol("link");
}

/** Paths that `git archive` leaves out: an explanation for what is missing, never for what is there. */
function exportIgnored(tag: Tag): (path: string) => boolean {
  const attributes = tag.files.get(".gitattributes");
  const text = attributes === undefined ? "" : (textOf(attributes) ?? "");
  const patterns = text
    .split("\n")
    .filter((line) => /\sexport-ignore(?:\s|$)/.test(line) && !line.startsWith("#"))
    // As a folder, it is written with or without a slash, and with stars, after it.
    .map((line) => (line.trim().split(/\s/, 1)[0] ?? "").split("/").filter(isPlainName).join("/"))
    .filter((pattern) => pattern !== "" && !/[*?[\]]/.test(pattern));
  return (path) => patterns.some((pattern) => path === pattern || path.startsWith(`${pattern}/`));
}

function isPlainName(name: string): boolean {
  return name !== "" && name !== "*" && name !== "**";
}
