/** A change: two trees of files, and which files differ between them. */

export type Side = "base" | "head";

/** What a tree entry is. Git knows no others: https://git-scm.com/docs/git-fast-import#_filemodify */
export type EntryKind = "file" | "executable" | "symlink" | "submodule";

/** A file of one side. `oid` names its content: equal ids, equal bytes. */
export interface Entry {
  readonly path: string;
  readonly kind: EntryKind;
  readonly oid: string;
}

/** What a file holds, or why that cannot be said. For a symlink, `text` is its target. */
export type Content =
  | { readonly kind: "text"; readonly text: string }
  /** `because`: what makes it no text. `first`, `last`: at most 64 bytes of it, a character (0–255) each. */
  | {
      readonly kind: "binary";
      readonly bytes: number;
      readonly because: "NUL byte" | "not UTF-8";
      readonly first: string;
      readonly last: string;
    }
  | { readonly kind: "unavailable"; readonly reason: string };

/** One side: the files of a commit. Nothing is ever checked out. */
export interface Tree {
  /** Each list and read is a request to a server with a budget: read what must be, not what would be nice. */
  readonly remote?: boolean;
  /** The full commit id; before a root commit, the id of the empty tree. */
  readonly commit: string;
  /** The entry at `path`, or null when there is none. */
  entry(path: string): Promise<Entry | null>;
  /** The files (not folders) directly in `directory` ("" is the root), by name. */
  list(directory: string): Promise<readonly Entry[]>;
  /** The paths of at most `most` folders directly in `directory` whose name begins so; absent where that would be a request. */
  folders?(directory: string, begin: string, most: number): Promise<readonly string[]>;
  /** The content of an entry of this tree; never throws for what the repository lacks. */
  read(entry: Entry): Promise<Content>;
  /** The bytes of an entry where they are known without reading it; else null. */
  size?(entry: Entry): Promise<number | null>;
}

/** A file that differs. A rename (or move) has two different paths. */
export type FileChange =
  | { readonly status: "added"; readonly base: null; readonly head: Entry }
  | { readonly status: "removed"; readonly base: Entry; readonly head: null }
  | { readonly status: "modified" | "renamed"; readonly base: Entry; readonly head: Entry };

/** Something that could not be checked, and why. Shown, never green. */
export interface Unchecked {
  readonly what: string;
  readonly reason: string;
}

/** The subjects of more commits than these do not describe a change, and are not known. */
export const MOST_COMMITS = 100;

export interface Change {
  readonly base: Tree;
  readonly head: Tree;
  /** In the order of their (head, else base) paths. */
  readonly files: readonly FileChange[];
  /** What already could not be read while the two trees were compared. */
  readonly unchecked: readonly Unchecked[];
  /** The title of the pull request and the first lines of the commits' messages; null when not known. */
  readonly subjects: readonly string[] | null;
  /** The git directory with all of its objects, where it is of this machine. */
  readonly directory?: string;
}

/** A change of this machine's git before it is known which files differ. */
export interface Range extends Omit<Change, "files"> {
  readonly files: null;
  readonly directory: string;
}

/** The files of a submodule are in another repository. */
export const SUBMODULE: Content = {
  kind: "unavailable",
  reason: "a submodule: its files are in another repository",
};

/** The change from one entry to another of the same path; null when there is neither. */
export function fileChange(base: Entry | null, head: Entry | null): FileChange | null {
  if (base !== null && head !== null) return { status: "modified", base, head };
  if (head !== null) return { status: "added", base: null, head };
  if (base !== null) return { status: "removed", base, head: null };
  return null;
}

/** The path that a reader of the pull request looks for. */
export function pathOf(file: FileChange): string {
  return (file.head ?? file.base).path;
}

/** The order of files in a change: by code units, the same everywhere, whatever the locale. */
export function byPath(a: FileChange, b: FileChange): number {
  const [left, right] = [pathOf(a), pathOf(b)];
  return left < right ? -1 : left > right ? 1 : 0;
}
