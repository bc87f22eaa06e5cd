/**
 * A repository of every hostile tree that git can express. Its objects are written byte by byte: git's own commands
 * refuse many of them, and a server or a fetch need not.
 */
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { deflateSync } from "node:zlib";
import { makeRepository, type TestRepository } from "./repository.ts";

/** What is said of nothing outside of the repository: a file with this text lies beside it, and links lead there. */
export const SECRET = "SECRET-OF-THE-MACHINE";

export interface NastyRange {
  readonly base: string;
  readonly head: string;
}

export interface NastyRepository extends TestRepository {
  /** Outside of the repository; holds `SECRET`, as JSON, Nix and YAML at once. */
  readonly secretFile: string;
  /** Appears when something of the repository is run. */
  readonly mark: string;
  /** Hostile names, links, modes, attributes and modules, all at once. */
  readonly entries: NastyRange;
  /** As `entries`, with trees and objects that no honest git writes. */
  readonly malformed: NastyRange;
  /** A dozen objects that are a tree of 10^12 files. */
  readonly bomb: NastyRange;
  /** Merges that bring in what neither of their parents has, and that have several merge bases. */
  readonly merged: Readonly<Record<"merge" | "left" | "octopus" | "crissLeft" | "crissRight", string>>;
  /** The paths in `entries` and `malformed` that hold a swapped hash and must be found. */
  readonly swapped: readonly string[];
}

/** Where a swapped hash stands plainly, whatever is around it. */
export const NEEDLE = "pkgs/by-name/ne/needle/package.nix";

type Item = readonly [mode: string, name: Buffer | string, oid: string];

/** A recipe whose hash is another for each name and side. */
function recipe(name: string, side: "base" | "head"): string {
  const hash = createHash("sha256").update(`${side} ${name}`).digest("base64");
  return `{ stdenv, fetchurl }:
stdenv.mkDerivation {
  pname = ${JSON.stringify(name)};
  version = "1.0";
  src = fetchurl {
    url = "https://example.org/frob-1.0.tar.gz";
    hash = "sha256-${hash}";
  };
}
`;
}

/** Stores an object as it is given. */
export function storeObject({ directory }: TestRepository, type: string, data: Buffer | string): string {
  const bytes = Buffer.from(data);
  const object = Buffer.concat([Buffer.from(`${type} ${bytes.length}\0`), bytes]);
  const oid = createHash("sha1").update(object).digest("hex");
  putObject(directory, oid, deflateSync(object, { level: 1 }));
  return oid;
}

function putObject(directory: string, oid: string, compressed: Buffer): void {
  const folder = join(directory, ".git/objects", oid.slice(0, 2));
  const file = join(folder, oid.slice(2));
  if (existsSync(file)) return;
  mkdirSync(folder, { recursive: true });
  writeFileSync(file, compressed);
}

/** Stores a tree, without any check of it. */
export function storeTree(repository: TestRepository, items: readonly Item[]): string {
  const parts = items.map(([mode, name, oid]) =>
    Buffer.concat([Buffer.from(`${mode} `), Buffer.from(name), Buffer.from([0]), Buffer.from(oid, "hex")]),
  );
  return storeObject(repository, "tree", Buffer.concat(parts));
}

/** Stores a commit of a tree. */
export function storeCommit(
  repository: TestRepository,
  tree: string,
  parents: readonly string[],
  message = "Change",
): string {
  const who = "Mallory <mallory@example.org> 1700000000 +0000";
  const lines = [
    `tree ${tree}`,
    ...parents.map((parent) => `parent ${parent}`),
    `author ${who}`,
    `committer ${who}`,
    "",
    message,
  ];
  return storeObject(repository, "commit", lines.join("\n"));
}

/** Names that mean something to shells, programs, terminals, runners, Nix, Markdown or file systems; none to git. */
export const HOSTILE_NAMES: readonly string[] = [
  "--help",
  "-rf",
  "--upload-pack=touch pwned",
  "--output=pwned",
  "$(touch pwned)",
  "`touch pwned`",
  "; touch pwned;",
  "| sh",
  "a b",
  " ",
  "a\nb",
  "a\n::error file=x::y",
  "::set-env name=NODE_OPTIONS::--require=x",
  "##[add-mask]e",
  "tab\there",
  "bell\u0007",
  "esc\u001b[2J\u001b[31m",
  "osc\u001b]0;title\u0007",
  "csi\u009b31m",
  "back\b\b\bspace",
  "rtl\u202exin",
  "zero\u200bwidth\ufeff",
  "tag\u{e0041}",
  "line\u2028separator",
  "surrogate-less",
  '"quoted"',
  "*",
  "?",
  "[a-z]",
  "~",
  "~root",
  "\\",
  "c:",
  "con",
  "foo.",
  "nfc-\u00e9",
  "nfd-e\u0301",
  "case",
  "CASE",
  "Case",
  "__proto__",
  "constructor",
  "toString",
  "@NixOS",
  "<!-- verifod -->",
  "<img src=x>",
  "](https:",
  "```suggestion",
  "|cell|",
  'x";builtins.getEnv "X";"',
  "${builtins.abort}",
  "''",
  "ZWNobyBwd25lZCB8IHNo",
  "n".repeat(255),
  "\ud83e\udde8",
  "GIT~1",
  ".gitmodules",
  ".ignore",
  "…",
];

/** Makes the repository. The caller removes it. */
export function makeNastyRepository(): NastyRepository {
  const repository = makeRepository({ "README.md": "A package set\n" });
  const outside = repository.folder();
  const secretFile = join(outside, "secret.nix");
  writeFileSync(secretFile, `{ "fail-on": "${SECRET}" }\n`);
  const mark = join(outside, "ran");

  const blob = (text: string | Buffer): string => storeObject(repository, "blob", text);
  const tree = (items: readonly Item[]): string => storeTree(repository, sorted(items));
  const folder = (names: readonly string[], items: readonly Item[]): string =>
    names.reduceRight((inner, name) => tree([["40000", name, inner]]), tree(items));
  const file = (name: Buffer | string, text: string | Buffer): Item => ["100644", name, blob(text)];
  const link = (name: string, target: string): Item => ["120000", name, blob(target)];

  const named = (side: "base" | "head"): Item => [
    "40000",
    "named",
    tree(HOSTILE_NAMES.map((name) => ["40000", name, tree([file("package.nix", recipe(name, side))])])),
  ];
  const files = (side: "base" | "head"): Item => [
    "40000",
    "files",
    tree(HOSTILE_NAMES.map((name) => file(`${name.slice(0, 200)}.nix`, recipe(`file ${name}`, side)))),
  ];
  const needle = (side: "base" | "head"): Item => [
    "40000",
    "pkgs",
    folder(["by-name", "ne", "needle"], [file("package.nix", recipe("needle", side))]),
  ];
  const common = (side: "base" | "head"): Item[] => [named(side), files(side), needle(side)];
  const plainFolder = tree([file("package.nix", recipe("plain", "base"))]);

  const links: Item = [
    "40000",
    "links",
    tree([
      link("package.nix", "/proc/self/environ"),
      link("default.nix", secretFile),
      link("up.nix", `${"../".repeat(20)}etc/passwd`),
      link("zero.nix", "/dev/zero"),
      link("self.nix", "self.nix"),
      link("package-lock.json", secretFile),
      link("long.nix", "a/".repeat(4_000)),
      link("huge.nix", "a/".repeat(500_000)),
      link("odd.nix", "a\n::error::b\u001b[31m\u202e"),
      link("binary.nix", "\0\0"),
      link("folder", outside),
      file(
        "reader.nix",
        `{ fetchurl }: fetchurl { url = builtins.readFile ${secretFile}; hash = (import ./default.nix).hash; x = import ${secretFile}; y = import ./folder/secret.nix; z = import ${"../".repeat(20)}${secretFile}; }\n`,
      ),
    ]),
  ];
  const commit = repository.git("rev-parse", "HEAD");
  const modules =
    '[submodule "evil"]\n\tpath = evil\n\turl = ext::sh -c "touch pwned"\n\tupdate = !touch pwned\n';
  const attributes = [
    "*.nix -diff",
    "*.nix binary",
    "*.nix filter=evil diff=evil merge=evil",
    "*.nix working-tree-encoding=UTF-16 eol=crlf ident",
    "*.nix export-ignore linguist-generated",
    "[attr]evil diff=evil",
  ].join("\n");
  const specials: Item[] = [
    ["160000", "evil", commit],
    ["160000", "absent-module", "1".repeat(40)],
    ["160000", "modulé.nix", commit],
    file(".gitmodules", modules),
    file(".gitattributes", `${attributes}\n`),
    file(".gitconfig", `[core]\n\tfsmonitor = touch '${mark}'\n`),
    file(".lfsconfig", "[lfs]\n\turl = ext::touch\n"),
    file("package.json", `{ "scripts": { "preinstall": "touch '${mark}'" } }\n`),
    file(".npmrc", `node-options=--require=${secretFile}\nscript-shell=touch\n`),
    file(".envrc", `touch '${mark}'\n`),
    file("nix.conf", `post-build-hook = ${mark}\n`),
    file("flake.nix", `{ outputs = _: builtins.exec [ "touch" "${mark}" ]; }\n`),
    file("action.yml", "runs:\n  using: node24\n  main: evil.js\n"),
    ["40000", ".github", tree([link("verifod.yml", secretFile)])],
    links,
    // A folder that becomes a link, and a file that becomes a folder.
    link("plain", outside),
    ["40000", "file.nix", plainFolder],
  ];
  const before: Item[] = [...common("base"), ["40000", "plain", plainFolder], file("file.nix", "1\n")];
  const after: Item[] = [...common("head"), ...specials];

  const base = storeCommit(repository, tree(before), []);
  const head = storeCommit(repository, tree(after), [base], "Names");

  const swapped = recipe("hidden", "head");
  const malformed: Item[] = [
    ["40000", "dot-git", tree([["40000", ".git", folder(["hooks"], [file("post-checkout", "touch\n")])]])],
    file(".git", "gitdir: /etc\n"),
    ["40000", ".GIT", tree([file("config", `[core]\n\tfsmonitor = touch '${mark}'\n`)])],
    ["40000", "git~1", tree([file("config", "[core]\n")])],
    ["40000", ".g\u200cit", tree([file("config", "[core]\n")])],
    [
      "40000",
      "dots",
      tree([file("..", swapped), file(".", swapped), file("", swapped), file("ok.nix", "1\n")]),
    ],
    ["40000", "..", tree([file("escape.nix", swapped)])],
    [
      "40000",
      "slashes",
      tree([
        file("../../escape.nix", swapped),
        file("/etc/passwd", swapped),
        file("a/../b.nix", swapped),
        file("a//b", swapped),
      ]),
    ],
    [
      "40000",
      "twice",
      storeTree(repository, [file("a.nix", "1\n"), file("a.nix", swapped), ["40000", "a.nix", plainFolder]]),
    ],
    ["40000", "unsorted", storeTree(repository, [file("z.nix", "1\n"), file("a.nix", swapped)])],
    [
      "40000",
      "bytes",
      tree([
        file(Buffer.from([0x61, 0xff, 0x2e]), swapped),
        file(Buffer.from([0xfe, 0x1b, 0x5b]), swapped),
        file(Buffer.from([0xed, 0xa0, 0x80]), swapped),
      ]),
    ],
    ["100777", "mode-777.nix", blob(swapped)],
    ["100664", "mode-664.nix", blob(swapped)],
    ["100600", "mode-600.nix", blob(swapped)],
    ["0100644", "mode-zero.nix", blob(swapped)],
    ["0", "mode-0.nix", blob(swapped)],
    ["140000", "socket.nix", blob(swapped)],
    ["020666", "device.nix", blob(swapped)],
    ["777777777777777777777777", "mode-huge.nix", blob(swapped)],
    ["", "mode-none.nix", blob(swapped)],
    ["-1", "mode-negative.nix", blob(swapped)],
    ["40000", "is-blob", blob(swapped)],
    ["040000", "zero-folder", plainFolder],
    ["100644", "is-tree.nix", plainFolder],
    ["100644", "is-commit.nix", commit],
    ["120000", "link-is-tree.nix", plainFolder],
    ["160000", "module-is-blob.nix", blob(swapped)],
    ["100644", "absent.nix", "2".repeat(40)],
    ["40000", "absent", "3".repeat(40)],
    ["40000", "itself", "4".repeat(40)],
    ["40000", "cut", storeObject(repository, "tree", "100644 a.nix\0short")],
    ["40000", "noise", storeObject(repository, "tree", Buffer.alloc(10_000, 0xa5))],
    ["100644", "corrupt.nix", corruptObject(repository, "5")],
    ["40000", "corrupt", corruptObject(repository, "6")],
    ["40000", "deep", nested(repository, 200)],
  ];
  const malformedHead = storeCommit(
    repository,
    storeTree(repository, [...malformed, ...after]),
    [base],
    "Objects",
  );
  const side = (name: string, parents: readonly string[], at: "base" | "head"): string =>
    storeCommit(repository, tree([...common(at), file(name, `${name}\n`)]), parents, name);
  const [left, right] = [side("left", [base], "base"), side("right", [base], "base")];
  // Each of the two merges has the other's parents, in the other order: both parents are merge bases.
  const merged = {
    left,
    merge: side("merge", [left, right], "head"),
    octopus: side("octopus", [left, right, side("third", [base], "base")], "head"),
    crissLeft: side("criss", [left, right], "base"),
    crissRight: side("cross", [right, left], "head"),
  };
  return {
    ...repository,
    secretFile,
    mark,
    entries: { base, head },
    malformed: { base, head: malformedHead },
    merged,
    bomb: { base, head: storeCommit(repository, bomb(repository), [base], "Bomb") },
    swapped: [
      NEEDLE,
      ...HOSTILE_NAMES.map((name) => `named/${name}/package.nix`),
      ...HOSTILE_NAMES.map((name) => `files/${name.slice(0, 200)}.nix`),
    ],
  };
}

/** In git's order: folders as if they ended with a slash. */
function sorted(items: readonly Item[]): Item[] {
  const key = ([mode, name]: Item): Buffer =>
    Buffer.concat([Buffer.from(name), Buffer.from(mode === "40000" ? "/" : "")]);
  return [...items].sort((a, b) => Buffer.compare(key(a), key(b)));
}

/** An object of 40 equal digits that does not inflate. */
function corruptObject({ directory }: TestRepository, digit: string): string {
  const oid = digit.repeat(40);
  putObject(directory, oid, Buffer.from("this is not zlib"));
  return oid;
}

function nested(repository: TestRepository, levels: number): string {
  let tree = storeTree(repository, [["100644", "z.nix", storeObject(repository, "blob", "1\n")]]);
  for (let level = 0; level < levels; level += 1) tree = storeTree(repository, [["40000", "d", tree]]);
  return tree;
}

/** A tree of 10^12 files in a dozen objects. */
function bomb(repository: TestRepository): string {
  let tree = storeTree(repository, [["100644", "z.nix", storeObject(repository, "blob", "1\n")]]);
  for (let level = 0; level < 12; level += 1) {
    tree = storeTree(
      repository,
      Array.from({ length: 10 }, (_, index) => ["40000", `d${index}`, tree] as const),
    );
  }
  return tree;
}

/** Sets all that git could be made to run or read by the repository's own configuration, hooks and references. */
export function addHostileConfiguration(repository: NastyRepository): void {
  const { mark, directory, secretFile } = repository;
  const run = `touch '${mark}'; true`;
  const folder = join(directory, ".git");
  const settings: readonly (readonly [string, string])[] = [
    ...[
      "core.fsmonitor",
      "core.sshCommand",
      "core.gitProxy",
      "core.askPass",
      "core.editor",
      "core.pager",
      "core.alternateRefsCommand",
      "core.attributesFile",
      "diff.external",
      "diff.evil.textconv",
      "diff.evil.command",
      "filter.evil.clean",
      "filter.evil.smudge",
      "filter.evil.process",
      "merge.evil.driver",
      "credential.helper",
      "gpg.program",
      "gpg.ssh.program",
      "uploadpack.packObjectsHook",
      "remote.origin.uploadpack",
      "pager.rev-parse",
      "pager.cat-file",
      "trace2.eventTarget",
      "alias.cat-file",
      "alias.rev-parse",
      "alias.merge-base",
      "hook.evil.command",
    ].map((key) => [key, run] as const),
    ["remote.origin.url", `ext::sh -c "touch '${mark}'"`],
    ["remote.origin.promisor", "true"],
    ["remote.origin.partialCloneFilter", "blob:none"],
    ["extensions.partialClone", "origin"],
    ["core.repositoryFormatVersion", "1"],
    ["core.hooksPath", join(folder, "hooks")],
    ["core.bigFileThreshold", "1"],
    ["core.useReplaceRefs", "true"],
    ["protocol.ext.allow", "always"],
    ["safe.directory", "*"],
    ["include.path", "evil.config"],
  ];
  for (const [key, value] of settings) repository.git("config", key, value);
  writeFileSync(join(folder, "evil.config"), `[core]\n\tfsmonitor = ${JSON.stringify(run)}\n`);
  for (const hook of [
    "post-checkout",
    "pre-auto-gc",
    "reference-transaction",
    "post-index-change",
    "fsmonitor-watchman",
  ]) {
    mkdirSync(join(folder, "hooks"), { recursive: true });
    writeFileSync(join(folder, "hooks", hook), `#!/bin/sh\n${run}\n`, { mode: 0o755 });
  }
  // Another content for an object, another history for a commit, other places for objects.
  const { entries } = repository;
  const harmless = storeObject(repository, "blob", recipe("needle", "base"));
  const swapped = storeObject(repository, "blob", recipe("needle", "head"));
  mkdirSync(join(folder, "refs/replace"), { recursive: true });
  writeFileSync(join(folder, "refs/replace", swapped), `${harmless}\n`);
  writeFileSync(join(folder, "refs/replace", entries.head), `${entries.base}\n`);
  mkdirSync(join(folder, "info"), { recursive: true });
  writeFileSync(join(folder, "info/grafts"), `${entries.head}\n`);
  writeFileSync(
    join(folder, "objects/info/alternates"),
    `/nonexistent/objects\n${secretFile}\n../../.git/objects\n"\\033[31m"\n`,
  );
  mkdirSync(join(folder, "refs/heads"), { recursive: true });
  writeFileSync(join(folder, "refs/heads/--help"), `${entries.head}\n`);
  writeFileSync(join(folder, "refs/heads/main.lock"), "");
}
