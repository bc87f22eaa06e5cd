/** One side of a change as the Nix model sees it: its files by path, loaded when evaluation asks for them. */

import type { Entry, Tree, Unchecked } from "../change/change.ts";
import { unreachable } from "../errors.ts";
import { BIG_CHARACTERS } from "./affected.ts";
import { type Named, named } from "./aliases.ts";
import { sourcesOfJson } from "./data-sources.ts";
import type { Documents } from "./documents.ts";
import { createElsewhere } from "./elsewhere.ts";
import { JsonText, NixText } from "./lazy-files.ts";
import { type MadeValue, madeBy, NOTHING_MADE, UNKNOWN_MADE } from "./made.ts";
import type { Source } from "./model.ts";
import { createNeighbourhood, type Neighbourhood } from "./neighbourhood.ts";
import { namedBelow, pathsBelow, usersFirst } from "./neighbours.ts";
import { type PackageSet, readPackageSet } from "./package-set.ts";
import { type Document, withLines } from "./parser.ts";
import type { WholeTraces } from "./reading.ts";
import { ANCHOR } from "./sites.ts";
import {
  type Attempt,
  directoryOf,
  FileNeeded,
  type NixFile,
  type SourceFile,
  type SourceFiles,
} from "./source-file.ts";
import { handedPins, hasPath, isOpen, sourcesOfNix, TOO_DEEP } from "./sources.ts";
import type { Region } from "./syntax.ts";
import { TooMuch } from "./too-much.ts";
import { withoutUntouched } from "./untouched.ts";

/** Files that one file's pins may lead to: a package reads some few siblings. */
const NEEDED_LIMIT = 64;
/** Files that the value of one is made of: for each, evaluation starts again. More are a set of packages. */
const MADE_OF_LIMIT = 16;

const TOO_MANY_PACKAGES = "the change takes attributes of more other packages than are looked up";

export interface NixSide extends Neighbourhood {
  /**
   * Loads a file for evaluation. `previous`: the content id of the other side's version; `changed`: the stretches in which
   * the two differ. In a large list, entries that these do not touch are blanked.
   */
  load(entry: Entry, previous?: string, changed?: readonly Region[]): Promise<SourceFile | null>;
  /** The pins of a loaded file that the changed stretches of its text can reach. @throws TooMuch */
  sources(path: string, changed: readonly Region[]): Promise<readonly Source[]>;
  /** The pins that other files make of a loaded one; null when it is more than data: all of its pins may depend on others. */
  handed(path: string): Promise<readonly Source[] | null>;
  /** What the value of a file's attribute is made with. */
  named(path: string, name: string): Promise<Named>;
  /** What the value of a Nix file fetches on a platform. */
  made(path: string, system: string): Promise<MadeValue>;
  /** The text of a loaded file. */
  text(path: string): string | null;
  /** What could not be read, in the order met. */
  readonly unchecked: readonly Unchecked[];
}

/** Whether what a recipe takes from other packages is looked up in these. */
export type Reach = "alone" | "elsewhere";

/** `traces`: may be shared by sides of the same tree. In a remote tree, other packages are not read. */
export function createNixSide(
  tree: Tree,
  documents: Documents,
  traces: WholeTraces = new Map(),
  reach: Reach = "elsewhere",
): NixSide {
  const loaded = new Map<string, SourceFile | null>();
  /** Files over the limit of the attempt at hand: absent to it, but not to the next ones. */
  const beyond = new Set<string>();
  /** Nix files that cannot be parsed, and why. */
  const unreadable = new Map<string, string>();
  const listed = new Map<string, readonly string[]>();
  const unchecked: Unchecked[] = [];
  let packages: PackageSet | null | undefined;
  const files: SourceFiles = {
    get(path) {
      const file = loaded.get(path);
      if (file !== undefined) return file;
      if (beyond.has(path)) return null;
      throw new FileNeeded(path);
    },
    siblings(path) {
      const directory = directoryOf(path);
      const paths = listed.get(directory);
      if (!paths) throw new FileNeeded(directory, "directory");
      return paths.filter((each) => each !== path);
    },
  };
  if (reach === "elsewhere" && !tree.remote)
    files.elsewhere = createElsewhere({
      files,
      set: () => packages,
      listed: ({ path, id, text }) => nixFile({ path, oid: id }, withLines(text)),
      isCut: () => beyond.size > 0,
      onTooMany: (what) => void unchecked.push({ what, reason: TOO_MANY_PACKAGES }),
    });

  async function list(directory: string): Promise<void> {
    const entries = await tree.list(directory);
    const paths = entries.map((entry) => entry.path).filter((path) => path.endsWith(".nix"));
    listed.set(directory, paths.sort(usersFirst));
  }

  async function load(
    entry: Entry,
    previous?: string,
    changed?: readonly Region[],
  ): Promise<SourceFile | null> {
    const known = loaded.get(entry.path);
    if (known !== undefined) return known;
    const file = await read(entry, previous, changed);
    loaded.set(entry.path, file);
    return file;
  }

  async function read(
    entry: Entry,
    previous?: string,
    changed?: readonly Region[],
  ): Promise<SourceFile | null> {
    // A link is not followed: what it points to is reviewed under its own name.
    if (entry.kind === "symlink" || entry.kind === "submodule") return null;
    const { path } = entry;
    const content = await tree.read(entry);
    if (content.kind !== "text") {
      const reason = content.kind === "binary" ? "binary content where text is expected" : content.reason;
      if (path.endsWith(".nix") || path.endsWith(".json")) unchecked.push({ what: path, reason });
      return null;
    }
    const { text } = content;
    if (path.endsWith(".json")) return new JsonText(path, text);
    if (!path.endsWith(".nix")) return { kind: "text", path, text };
    return nixFile(entry, withLines(text), previous, changed);
  }

  function nixFile(
    { path, oid }: Pick<Entry, "path" | "oid">,
    text: string,
    previous?: string,
    changed?: readonly Region[],
  ): NixFile {
    let unread: Document | null = null;
    let parsed: string | null = null;
    return new NixText(path, text, () => {
      if (unread) return unread;
      parsed ??= changed ? withoutUntouched(text, changed) : text;
      const result = documents.get(oid, parsed, previous);
      if (result.kind === "document") return result.document;
      unchecked.push({ what: path, reason: result.reason });
      unreadable.set(path, result.reason);
      unread = documents.empty;
      return unread;
    });
  }

  /** For the evaluation of one file: loads what its steps ask for; `onBeyond` is told when that is too much. */
  function createAttempt(onBeyond: () => void = () => {}, limit = NEEDED_LIMIT): Attempt {
    beyond.clear();
    let needed = 0;
    return async (step) => {
      for (;;) {
        try {
          return step();
        } catch (error) {
          if (!(error instanceof FileNeeded)) throw error;
          if (error.wanted === "directory") {
            await list(error.path);
            continue;
          }
          if (error.wanted === "lists") {
            packages = await readPackageSet(tree);
            continue;
          }
          if (++needed > limit) {
            // As if they were not there: what depends on them stays unknown.
            beyond.add(error.path);
            onBeyond();
            continue;
          }
          const entry = await tree.entry(error.path);
          if (entry) await load(entry);
          else loaded.set(error.path, null);
        }
      }
    };
  }

  const onCut = (path: string) => (reason: string) => void unchecked.push({ what: path, reason });

  /** A loaded file; one of Nix is loaded now. */
  async function loadNix(path: string): Promise<SourceFile | null | undefined> {
    const entry = loaded.has(path) || !path.endsWith(".nix") ? null : await tree.entry(path);
    return entry ? load(entry) : loaded.get(path);
  }

  async function sources(path: string, changed: readonly Region[]): Promise<readonly Source[]> {
    const file = await loadNix(path);
    switch (file?.kind) {
      case "nix": {
        let isBeyond = false;
        const attempt = createAttempt(() => {
          isBeyond = true;
        });
        const found = await sourcesOfNix(files, file, changed, attempt, traces, onCut(path));
        const reason = unreadable.get(path);
        // It has pins, which are not known: with none, those of the other side would all seem to be new.
        if (reason !== undefined) throw new TooMuch(reason);
        if (isBeyond && found.some(isOpen)) onCut(path)(TOO_DEEP);
        return found;
      }
      case "json":
        return createAttempt()(() => sourcesOfJson(files, file, changed));
      case "text":
      case undefined:
        return [];
      default:
        return unreachable(file);
    }
  }

  async function handed(path: string): Promise<readonly Source[] | null> {
    const file = loaded.get(path);
    return file?.kind === "nix" ? handedPins(files, file, createAttempt(), traces, onCut(path)) : null;
  }

  async function namedOf(path: string, name: string): Promise<Named> {
    const file = loaded.get(path);
    return file?.kind === "nix" ? createAttempt()(() => named(files, file, name)) : { hashes: [], made: [] };
  }

  /** Loads the files that a file names, and those that they name: evaluation starts again for each one it must wait for. */
  async function loadNamed(file: NixFile): Promise<void> {
    // Not worth requests: not all of it need be looked at.
    if (tree.remote) return;
    const named = new Set([file]);
    for (const each of named)
      for (const path of namedBelow(each)) {
        const entry = named.size > MADE_OF_LIMIT ? null : await tree.entry(path);
        const found = entry && (await load(entry));
        if (found?.kind === "nix") named.add(found);
      }
  }

  async function made(path: string, system: string): Promise<MadeValue> {
    const file = await loadNix(path);
    if (file?.kind !== "nix" || !mayFetch(file.text)) return NOTHING_MADE;
    if (file.text.length >= BIG_CHARACTERS || pathsBelow(file.text).size > MADE_OF_LIMIT) return UNKNOWN_MADE;
    await loadNamed(file);
    let isBeyond = false;
    const attempt = createAttempt(() => {
      isBeyond = true;
    }, MADE_OF_LIMIT);
    const found = await attempt(() => madeBy(files, file, system));
    return isBeyond ? UNKNOWN_MADE : found;
  }

  const neighbourhood = createNeighbourhood({
    tree,
    loaded: (path) => loaded.get(path),
    load,
    async beside(path) {
      const folder = directoryOf(path);
      if (!listed.has(folder)) await list(folder);
      return files.siblings(path);
    },
  });

  return {
    ...neighbourhood,
    load,
    sources,
    handed,
    named: namedOf,
    made,
    text: (path) => loaded.get(path)?.text ?? null,
    unchecked,
  };
}

/** Whether the value of a text may hold a fetch, its own or that of a file that it names. */
function mayFetch(text: string): boolean {
  return text.search(ANCHOR) >= 0 || hasPath(text);
}
