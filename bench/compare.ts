// How much a reviewer has to read of real releases: `npx tsx bench/compare.ts LIST`, where each line of LIST is
// `ARCHIVE REPOSITORY TAG` (files, directories or URLs). Each archive is compared as it is, and once more with the shape of
// xz 5.6.0 planted: a changed m4/build-to-host.m4 and two binary test files. The table is Markdown; docs/compare.md has a run.
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { basename } from "node:path";
import { ARCHIVE_LIMITS, type Archive, type ArchiveFile } from "../src/archive/archive.ts";
import { readArchive } from "../src/archive/read.ts";
import { type Comparison, compareRelease, suspicious } from "../src/asset/compare.ts";
import { published } from "../src/asset/published.ts";
import { readTag, TAG_LIMITS } from "../src/asset/tag.ts";
import { linesOf } from "../src/report/release-words.ts";
import { PLANTED } from "../test/support/releases.ts";

function planted(archive: Archive): Archive {
  const [first = ""] = archive.files.keys();
  const top = first.slice(0, first.indexOf("/") + 1);
  const files = new Map(archive.files);
  for (const [path, content] of Object.entries(PLANTED)) {
    const bytes = Buffer.from(content);
    const digest = createHash("sha256").update(bytes).digest("hex");
    const file: ArchiveFile = { kind: "file", executable: false, size: bytes.length, digest, bytes };
    files.set(top + path, file);
  }
  return { ...archive, files };
}

/** Files that only the archive has, or has otherwise. */
function differing({ entries, folded }: Comparison): number {
  const here = folded.filter(({ fold }) => fold !== "missing" && fold !== "excluded");
  return entries.length + here.reduce((total, { paths }) => total + paths.length, 0);
}

function allLines(archive: Archive, tag: Awaited<ReturnType<typeof readTag>>): number {
  const none = { projectOf: () => null, isName: () => false };
  const nothing = { ...tag, files: new Map() };
  // With nothing to compare with, every line is new.
  const { entries } = compareRelease(archive, nothing, none);
  return linesOf(entries);
}

const rows: string[] = [];
for (const line of (await readFile(process.argv[2] ?? "", "utf8")).split("\n").filter(Boolean)) {
  const [file = "", repository = "", name = ""] = line.split(" ");
  const started = performance.now();
  const tag = await readTag(repository, name, { limits: TAG_LIMITS, allowedHosts: [] });
  const read = await readArchive(file, { limits: ARCHIVE_LIMITS, keep: () => true });
  if (read.kind === "failed") throw new Error(`${file}: ${read.reason}`);
  const honest = compareRelease(read.archive, tag, published());
  const seconds = (performance.now() - started) / 1000;
  const found = suspicious(honest);
  const evil = compareRelease(planted(read.archive), tag, published());
  const ranks = Object.keys(PLANTED).map(
    (path) => evil.entries.findIndex((entry) => entry.path === path) + 1,
  );
  rows.push(
    `| ${[
      basename(file).replace(/\.orig\.tar\.\w+$/, ""),
      read.archive.files.size,
      differing(honest),
      allLines(read.archive, tag),
      found.length,
      linesOf(found),
      ranks.join(", "),
      seconds.toFixed(1),
    ].join(" | ")} |`,
  );
}
console.log(
  [
    "| release | files | not as in the tag | lines of the release | files to read | lines to read | planted: ranks | seconds |",
    "| --- | --: | --: | --: | --: | --: | --- | --: |",
    ...rows,
  ].join("\n"),
);
