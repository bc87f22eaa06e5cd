/** The files that evaluation reads: the changed one and those that it imports, all of one side. */
import type { Node as JsonNode } from "jsonc-parser";
import type { Document } from "./parser.ts";
import type { Value } from "./value.ts";

/** A file as evaluation sees it. */
export type SourceFile =
  /** `document` is parsed when it is looked at; of a text that cannot be parsed in time, it is an empty one. */
  | { readonly kind: "nix"; readonly path: string; readonly text: string; readonly document: Document }
  | {
      readonly kind: "json";
      readonly path: string;
      readonly text: string;
      readonly root: JsonNode | undefined;
    }
  | { readonly kind: "text"; readonly path: string; readonly text: string };

export type NixFile = Extract<SourceFile, { kind: "nix" }>;

/**
 * Gives the files of one side. Null: there is no such file, or it cannot be read. Files come from git or the
 * network, evaluation is synchronous: a file that is not here yet throws `FileNeeded`, and `Attempt` loads it and
 * evaluates again.
 */
export interface SourceFiles {
  get(path: string): SourceFile | null;
  /** The paths of the Nix files in the same directory, likely users of a file first, without it. */
  siblings(path: string): readonly string[];
  /**
   * The value of a path of names, as `["xapian", "version"]`, whose first is an argument that nothing gives to the file
   * `taker`: a text of another package. Null: the text does not decide. Absent where this is not looked for.
   */
  elsewhere?(names: readonly string[], taker: string): Value | null;
}

/** Does a step of evaluation; one that throws `FileNeeded` is done again from its start, once the file is there. */
export type Attempt = <T>(step: () => T) => Promise<T>;

/** Thrown to whoever can load the file, list the directory, or read the lists of packages. */
export class FileNeeded extends Error {
  readonly path: string;
  readonly wanted: "file" | "directory" | "lists";
  constructor(path: string, wanted: FileNeeded["wanted"] = "file") {
    super(`needs ${path}`);
    this.path = path;
    this.wanted = wanted;
  }
}

/** `a/b/../c` as `a/c`; null when it leaves the tree. */
export function normalPath(path: string): string | null {
  const parts: string[] = [];
  for (const part of path.split("/")) {
    if (part === "" || part === ".") continue;
    if (part === "..") {
      if (parts.pop() === undefined) return null;
    } else parts.push(part);
  }
  return parts.join("/");
}

/** The directory of a path, "" for the root. */
export function directoryOf(path: string): string {
  const slash = path.lastIndexOf("/");
  return slash < 0 ? "" : path.slice(0, slash);
}

/** The last part of a path. */
export function fileName(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

/** The name of the folder that a file is in; "" at the top. */
export function folderName(path: string): string {
  return fileName(directoryOf(path));
}
