/** One side of a change as the Nix model sees it: its files by path, loaded when evaluation asks for them. */

import type { Node as JsonNode } from "jsonc-parser";
import type { Entry, Tree, Unchecked } from "../change/change.ts";
import { unreachable } from "../errors.ts";
import { hashesOf } from "./aliases.ts";
import { sourcesOfJson } from "./data-sources.ts";
import type { Documents } from "./documents.ts";
import { parseJson } from "./json.ts";
import type { Source } from "./model.ts";
import { type Document, withLines } from "./parser.ts";
import type { Region } from "./scripts.ts";
import { type Attempt, directoryOf, FileNeeded, type SourceFile, type SourceFiles } from "./source-file.ts";
import { handedPins, sourcesOfNix } from "./sources.ts";
import { withoutUntouched } from "./untouched.ts";
import type { Origin } from "./value.ts";
import type { WholeTraces } from "./whole-trace.ts";

/** Files that one file's pins may lead to: a package reads some few siblings. */
const NEEDED_LIMIT = 64;

export interface NixSide {
  /**
   * Loads a file for evaluation; `previous` is the content id of the other side's version, `changed` what it has not: of a
   * large list the rest is as if it was not there.
   */
  load(entry: Entry, previous?: string, changed?: readonly Region[]): Promise<SourceFile | null>;
  /** The pins of a loaded file that the changed stretches of its text can reach. */
  sources(path: string, changed: readonly Region[]): Promise<readonly Source[]>;
  /** The pins that other files may make of a loaded one; null when it is not mere data, and all of its pins may be. */
  handed(path: string): Promise<readonly Source[] | null>;
  /** The places of the hashes that make the value of a file's attribute. */
  hashesOf(path: string, name: string): Promise<readonly Origin[]>;
  /** The unchanged files beside that hand their hashes to this one, as `variants.nix` to `generic.nix`. */
  users(path: string): Promise<readonly string[]>;
  /** The text of a loaded file. */
  text(path: string): string | null;
  /** What could not be read, in the order met. */
  readonly unchecked: readonly Unchecked[];
}

/** `traces`: shared by several sides of one tree. */
export function createNixSide(tree: Tree, documents: Documents, traces: WholeTraces = new Map()): NixSide {
  const loaded = new Map<string, SourceFile | null>();
  const listed = new Map<string, readonly string[]>();
  const unchecked: Unchecked[] = [];
  const files: SourceFiles = {
    get(path) {
      const file = loaded.get(path);
      if (file === undefined) throw new FileNeeded(path);
      return file;
    },
    siblings(path) {
      const directory = directoryOf(path);
      const names = listed.get(directory);
      if (!names) throw new FileNeeded(directory, "directory");
      return names.filter((name) => name !== path);
    },
  };

  async function list(directory: string): Promise<void> {
    const entries = await tree.list(directory);
    const paths = entries.map((entry) => entry.path).filter((path) => path.endsWith(".nix"));
    listed.set(
      directory,
      paths.sort((a, b) => usersFirst(a) - usersFirst(b)),
    );
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
    { path, oid }: Entry,
    text: string,
    previous?: string,
    changed?: readonly Region[],
  ): SourceFile {
    let unread: Document | null = null;
    let parsed: string | null = null;
    return new NixText(path, text, () => {
      if (unread) return unread;
      parsed ??= changed ? withoutUntouched(text, changed) : text;
      const result = documents.get(oid, parsed, previous);
      if (result.kind === "document") return result.document;
      unchecked.push({ what: path, reason: result.reason });
      unread = documents.empty;
      return unread;
    });
  }

  /** For the evaluation of one file: loads what its steps ask for. */
  function createAttempt(): Attempt {
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
          // Beyond the limit, files are as if they were not there: what depends on them stays unknown.
          const entry = needed++ < NEEDED_LIMIT ? await tree.entry(error.path) : null;
          if (entry) await load(entry);
          else loaded.set(error.path, null);
        }
      }
    };
  }

  const onCut = (path: string) => (reason: string) => void unchecked.push({ what: path, reason });

  async function sources(path: string, changed: readonly Region[]): Promise<readonly Source[]> {
    const file = loaded.get(path);
    switch (file?.kind) {
      case "nix":
        return sourcesOfNix(files, file, changed, createAttempt(), traces, onCut(path));
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

  async function hashes(path: string, name: string): Promise<readonly Origin[]> {
    const file = loaded.get(path);
    return file?.kind === "nix" ? createAttempt()(() => hashesOf(files, file, name)) : [];
  }

  async function users(path: string): Promise<readonly string[]> {
    const file = loaded.get(path);
    if (file?.kind !== "nix" || !takesHashes(file.text)) return [];
    if (!listed.has(directoryOf(path))) await list(directoryOf(path));
    const beside = files.siblings(path).slice(0, USER_LIMIT);
    const found: string[] = [];
    for (const sibling of beside) {
      const entry = await tree.entry(sibling);
      const user = entry && (await load(entry));
      if (user?.kind === "nix" && holdsHashes(user.text)) found.push(sibling);
    }
    return found;
  }

  return {
    load,
    sources,
    handed,
    hashesOf: hashes,
    users,
    text: (path) => loaded.get(path)?.text ?? null,
    unchecked,
  };
}

/** Classes: of thousands of object literals with getters, each would have a shape of its own, of a kilobyte. */
class NixText {
  readonly kind = "nix";
  readonly path: string;
  readonly text: string;
  private readonly read: () => Document;

  constructor(path: string, text: string, read: () => Document) {
    this.path = path;
    this.text = text;
    this.read = read;
  }

  get document(): Document {
    return this.read();
  }
}

class JsonText {
  readonly kind = "json";
  readonly path: string;
  readonly text: string;
  /** Held by who reads it: of many files, the trees would fill the memory. */
  private tree: WeakRef<JsonNode> | null = null;

  constructor(path: string, text: string) {
    this.path = path;
    this.text = text;
  }

  get root(): JsonNode | undefined {
    const known = this.tree?.deref();
    if (known) return known;
    const root = parseJson(this.text);
    this.tree = root ? new WeakRef(root) : null;
    return root;
  }
}

/** More files than these in one folder are a collection, not parts of one package. */
const USER_LIMIT = 12;
const SET_BY_NAME = /\b(?:hash|sha(?:1|256|512))\s*=\s*[A-Za-z_]/i;
const INHERITED = /\binherit\b[^;]*/g;
const HASH = /hash|sha(?:1|256|512)/i;
const BOUND_TO_TEXT = /(?<![\w.-])([\w.-]+)"?\s*=\s*"/g;

/** Whether a hash comes from elsewhere: `inherit sha256;`, `hash = src-hash;`. */
function takesHashes(text: string): boolean {
  if (SET_BY_NAME.test(text)) return true;
  for (const [names] of text.matchAll(INHERITED)) if (HASH.test(names)) return true;
  return false;
}

/** Whether a text binds a name of a hash to a string. */
function holdsHashes(text: string): boolean {
  for (const [, name = ""] of text.matchAll(BOUND_TO_TEXT)) if (HASH.test(name)) return true;
  return false;
}

/** The names under which nixpkgs keeps the functions and the users of data files. */
const USERS = ["generic.nix", "default.nix", "package.nix", "common.nix"];

function usersFirst(path: string): number {
  const index = USERS.findIndex((name) => path.endsWith(`/${name}`));
  return index < 0 ? USERS.length : index;
}
