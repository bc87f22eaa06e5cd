/** Pins of files that are given as texts: what the model says of them, without a repository. */
import type { Entry, Tree } from "../../src/change/change.ts";
import { createDocuments } from "../../src/nix/documents.ts";
import type { Source } from "../../src/nix/model.ts";
import { createNixSide } from "../../src/nix/side.ts";

/** A tree of texts. */
export function textTree(files: Readonly<Record<string, string>>): Tree {
  const entryOf = (path: string): Entry => ({ path, kind: "file", oid: `${path}\0${files[path]}` });
  return {
    commit: "0".repeat(40),
    entry: async (path) => (files[path] === undefined ? null : entryOf(path)),
    list: async (directory) =>
      Object.keys(files)
        .filter((path) => path.slice(0, Math.max(0, path.lastIndexOf("/"))) === directory)
        .sort()
        .map(entryOf),
    read: async ({ path }) => ({ kind: "text", text: files[path] ?? "" }),
  };
}

/** The pins of one file, all of it taken as changed. */
export async function pinsOf(
  files: Readonly<Record<string, string>>,
  path: string,
): Promise<readonly Source[]> {
  const tree = textTree(files);
  const side = createNixSide(tree, await createDocuments());
  const entry = await tree.entry(path);
  if (!entry) throw new Error(`no file ${path}`);
  await side.load(entry);
  return side.sources(path, [{ start: 0, end: (files[path] ?? "").length }]);
}

/** What a test compares: urls as texts, and the text at the hash's place. */
export function plain(source: Source, files: Readonly<Record<string, string>>) {
  const { path, binding, fetcher, version, urls, rev, hash, hashSpan } = source;
  return {
    path,
    binding,
    fetcher,
    version,
    urls: urls.map(({ value }) => value),
    rev: rev?.value ?? null,
    hash,
    at: (files[hashSpan.path] ?? "").slice(hashSpan.start, hashSpan.end),
  };
}
