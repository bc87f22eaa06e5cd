// Writes src/asset/published.bin: digests of what GNU's build tools publish and releases carry copies of, so that a copy
// is told from an edited one by its bytes. Digests and names only, nothing of the files.
//   tsx scripts/published.ts --repo gnulib=DIR … --installed libtool=DIR … --archive gettext=FILE …
// --repo: a clone (of the projects in REPOSITORIES), all its history; --installed: a folder as a distribution installs it;
// --archive: an archive of such files, as autopoint's; --releases: a folder of release archives: a file of a name that is
// known by then counts when three of them, at least, have the same bytes of it (libtool's scripts as distributions mend them).
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { parseArgs } from "node:util";
import { ARCHIVE_LIMITS } from "../src/archive/archive.ts";
import { readArchive } from "../src/archive/read.ts";
import { DIGEST_BYTES, formatPublished } from "../src/asset/published.ts";
import { openObjectReader } from "../src/change/cat-file.ts";

/** Which files of a project others copy. */
const REPOSITORIES: Readonly<Record<string, RegExp>> = {
  gnulib: /^(?:m4\/.*\.m4|build-aux\/[^/]+|doc\/INSTALL.*|lib\/gettext\.h)$/,
  gettext: /^gettext-(?:runtime|tools)\/(?:m4\/.*\.m4|po\/.*|misc\/.*)$|^build-aux\/[^/]+$|ABOUT-NLS$/,
  libtool: /^(?:m4|libltdl\/m4)\/.*\.m4$|^(?:build-aux|libltdl\/config)\/[^/]+$|^[^/]+\.m4$/,
  automake: /^(?:lib\/[^/]+|m4\/.*\.m4|INSTALL)$/,
  "autoconf-archive": /^m4\/.*\.m4$/,
};
const INSTALLED =
  /\.m4$|\/build-aux\/|\/automake-[\d.]+\/[^/]+$|\/gettext\/(?:po|config\.rpath|ABOUT-NLS|gettext\.h)|\/gettext\/projects\/.*|intltool-\w+\.in$|gtk-doc\.make$|\/gtk-doc\/data\//;
/** What releases carry copies of; a README of a known name is no such thing. */
const BUILD_FILE =
  /\.m4$|\/(?:ltmain\.sh|install-sh|mdate-sh|missing|depcomp|compile|ar-lib|ylwrap|py-compile|test-driver|config\.(?:guess|sub|rpath)|mkinstalldirs|texinfo\.tex|INSTALL|ABOUT-NLS|Makefile\.in\.in|Rules-quot|gtk-doc\.make|gettext\.h)$/;
const CONSENSUS = 3;
const LARGEST = 4_000_000;

const { values } = parseArgs({
  options: {
    repo: { type: "string", multiple: true, default: [] },
    installed: { type: "string", multiple: true, default: [] },
    archive: { type: "string", multiple: true, default: [] },
    releases: { type: "string", multiple: true, default: [] },
  },
});

const digests = new Map<string, string>();
const names = new Set<string>();
function add(project: string, path: string, digest: string): void {
  const short = digest.slice(0, DIGEST_BYTES * 2);
  if (!digests.has(short)) digests.set(short, project);
  names.add(basename(path));
}

for (const [project, directory] of values.repo.map(split)) {
  const wanted = REPOSITORIES[project];
  if (wanted === undefined) throw new Error(`no files are known for ${project}`);
  const options = { encoding: "utf8", maxBuffer: 1 << 30 } as const;
  const listed = execFileSync(
    "git",
    ["-C", directory, "rev-list", "--all", "--objects", "--missing=allow-any"],
    options,
  );
  const reader = openObjectReader(directory, LARGEST);
  for (const line of listed.split("\n")) {
    const path = line.slice(line.indexOf(" ") + 1);
    if (!wanted.test(path)) continue;
    const answer = await reader.ask(line.slice(0, line.indexOf(" ")));
    if (answer.kind !== "object" || answer.type !== "blob" || !answer.data?.length) continue;
    add(project, path, createHash("sha256").update(answer.data).digest("hex"));
  }
  reader.close();
}
for (const [project, directory] of values.installed.map(split)) {
  for (const name of readdirSync(directory, { recursive: true, encoding: "utf8" })) {
    const file = join(directory, name);
    const { size } = statSync(file, { throwIfNoEntry: false }) ?? { size: 0 };
    if (size === 0 || size > LARGEST || !INSTALLED.test(file) || !statSync(file).isFile()) continue;
    add(project, name, createHash("sha256").update(readFileSync(file)).digest("hex"));
  }
}
for (const [project, file] of values.archive.map(split)) {
  const result = await readArchive(file, { limits: ARCHIVE_LIMITS, keep: () => false });
  if (result.kind === "failed") throw new Error(`${file}: ${result.reason}`);
  for (const [path, { size, digest }] of result.archive.files) if (size > 0) add(project, path, digest);
}
const seen = new Map<string, Set<string>>();
for (const directory of values.releases) {
  for (const name of readdirSync(directory).filter((each) => /\.orig\.tar\.\w+$/.test(each))) {
    const result = await readArchive(join(directory, name), { limits: ARCHIVE_LIMITS, keep: () => false });
    if (result.kind === "failed") continue;
    for (const [path, { size, digest }] of result.archive.files) {
      if (size === 0 || !names.has(basename(path)) || !BUILD_FILE.test(path)) continue;
      const releases = seen.get(`${basename(path)} ${digest}`) ?? new Set();
      seen.set(`${basename(path)} ${digest}`, releases.add(name.replace(/_.*/, "")));
    }
  }
}
for (const [key, releases] of seen) {
  const [path = "", digest = ""] = key.split(" ");
  if (releases.size >= CONSENSUS) add("several projects", path, digest);
}
writeFileSync(new URL("../src/asset/published.bin", import.meta.url), formatPublished(digests, names));
console.error(`${digests.size} digests, ${names.size} names`);

function split(text: string): readonly [string, string] {
  const at = text.indexOf("=");
  return [text.slice(0, at), text.slice(at + 1)];
}
