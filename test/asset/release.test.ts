import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ARCHIVE_LIMITS } from "../../src/archive/archive.ts";
import { readArchive } from "../../src/archive/read.ts";
import { type Comparison, compareRelease, suspicious } from "../../src/asset/compare.ts";
import { formatPublished, parsePublished, published } from "../../src/asset/published.ts";
import { askRelease, RELEASE_DEFAULTS } from "../../src/asset/release.ts";
import { readTag, TAG_LIMITS } from "../../src/asset/tag.ts";
import { MADE, makeRelease, PLANTED, type TestRelease, WRITTEN } from "../support/releases.ts";

/** SHA-256 of pkg.m4 of pkg-config 0.29.2 (serial 12), as Debian installs it. */
const PUBLISHED_PKG_M4 = "1831da36fbfb0ebc50b02177e1adae36cc418260e4ffca39c04f5c27df5bb316";

let release: TestRelease;
beforeAll(() => {
  release = makeRelease();
});
afterAll(() => release.remove());

async function compared(asset: string, of = release): Promise<Comparison> {
  const asked = { asset, repository: of.repository.directory, tag: "v1.0" };
  const result = await askRelease(asked, RELEASE_DEFAULTS);
  if (result.kind === "failed") throw new Error(result.reason);
  return result.comparison;
}

/** The entries in their order, in short. */
function told({ entries }: Comparison): string[] {
  return entries.map(({ danger, path }) => `${danger} ${path}`);
}

describe("an honest release", () => {
  test("has all that the tools made in the fold, and nothing to read", async () => {
    const comparison = await compared(release.archive(MADE));
    expect(told(comparison)).toEqual([]);
    expect(comparison.unchecked).toEqual([]);
    expect(comparison.folded).toEqual([
      { fold: "generated", by: "aclocal", paths: ["aclocal.m4"] },
      { fold: "generated", by: "autoconf", paths: ["configure"] },
      { fold: "generated", by: "autoheader", paths: ["config.h.in"] },
      { fold: "generated", by: "automake", paths: ["Makefile.in"] },
      { fold: "generated", by: "bison", paths: ["src/parse.c"] },
      { fold: "generated", by: "gettext", paths: ["po/stamp-po"] },
      { fold: "generated", by: "msgfmt", paths: ["po/de.gmo"] },
      { fold: "generated", by: "xgettext", paths: ["po/frob.pot"] },
      { fold: "translation", by: "msgmerge", paths: ["po/de.po"] },
      { fold: "missing", by: "", paths: [".gitignore"] },
    ]);
  });

  test("as the forge packs it is identical", async () => {
    const comparison = await compared(release.archive({ ".gitignore": "/configure\n" }));
    expect(comparison).toEqual({
      entries: [],
      folded: [],
      identical: Object.keys(WRITTEN).length,
      unchecked: [],
    });
  });
});

describe("the shape of xz 5.6.0", () => {
  test("ranks first, the macro before the binaries", async () => {
    const comparison = await compared(
      release.archive({
        ...MADE,
        ...PLANTED,
        NEWS: "1.0\n",
        "src/other.c": "int x;\n",
        "Makefile.am": "x = 1\n",
      }),
    );
    expect(told(comparison)).toEqual([
      "build-hiding m4/build-to-host.m4",
      "build-changed Makefile.am",
      "binary tests/files/bad-3-corrupt_lzma2.xz",
      "binary tests/files/good-large_compressed.lzma",
      "source-added src/other.c",
      "other NEWS",
    ]);
    expect(comparison.entries[0]).toMatchObject({
      why: "it is called as a file that GNU's build tools copy into releases, but no known version has these bytes (it says serial 30)",
      traits: [
        "it searches binary files for text (grep -a)",
        "it pipes into an unpacker that a variable names",
      ],
    });
    expect(suspicious(comparison)).toHaveLength(5);
  });

  test("a binary that a build script names is told so", async () => {
    const comparison = await compared(
      release.archive({ ...PLANTED, "m4/unpack.m4": "xz -d < $srcdir/tests/files/bad-3-corrupt_lzma2.xz\n" }),
    );
    expect(told(comparison)).toContain("binary-read tests/files/bad-3-corrupt_lzma2.xz");
  });

  test("is excused neither by a name, nor by a mark, nor by both without a source", async () => {
    const files = {
      configure: "#!/bin/sh\nevil\n",
      "sub/configure": MADE.configure ?? "",
      "sub/Makefile.in": MADE["Makefile.in"] ?? "",
      "evil.sh": MADE.configure ?? "",
      "lib/parse.c": MADE["src/parse.c"] ?? "",
      "po/fr.gmo": MADE["po/de.gmo"] ?? "",
      "po/de.gmo": "evil",
    };
    const comparison = await compared(release.archive(files));
    expect(comparison.folded.filter(({ fold }) => fold === "generated")).toEqual([]);
    expect(comparison.entries.map(({ path }) => path).sort()).toEqual(Object.keys(files).sort());
    const why = new Map(comparison.entries.map((entry) => [entry.path, entry.why]));
    expect(why.get("configure")).toMatch(/does not carry the mark of autoconf/);
    expect(why.get("sub/configure")).toMatch(/the tag has nothing that autoconf would make it from/);
  });

  test("a file of the tag that its release overwrites with a marked one is a difference", async () => {
    const comparison = await compared(release.archive({ "src/frob.c": MADE["src/parse.c"] ?? "" }));
    expect(told(comparison)).toEqual(["source-changed src/frob.c"]);
  });
});

describe("copies of published files", () => {
  const text = "# pkg.m4 serial 12\nAC_DEFUN([PKG_PROG_PKG_CONFIG], [])\n";
  const digest = createHash("sha256").update(text).digest("hex");
  const table = parsePublished(
    formatPublished(new Map([[digest.slice(0, 32), "pkg-config"]]), new Set(["pkg.m4"])),
  );

  test("are known by their bytes", () => {
    expect(table.projectOf(digest)).toBe("pkg-config");
    expect(table.projectOf(createHash("sha256").update(`${text}#`).digest("hex"))).toBeNull();
    expect([table.isName("pkg.m4"), table.isName("evil.m4")]).toEqual([true, false]);
  });

  test("are folded; with one byte more they are not", async () => {
    const tag = await readTag(release.repository.directory, "v1.0", { limits: TAG_LIMITS, allowedHosts: [] });
    const archive = async (body: string) => {
      const file = release.archive({ "m4/pkg.m4": body });
      const result = await readArchive(file, { limits: ARCHIVE_LIMITS, keep: () => true });
      if (result.kind === "failed") throw new Error(result.reason);
      return result.archive;
    };
    const same = compareRelease(await archive(text), tag, table);
    expect(same.entries).toEqual([]);
    expect(same.folded[0]).toEqual({ fold: "published", by: "pkg-config", paths: ["m4/pkg.m4"] });
    expect(told(compareRelease(await archive(`${text}#`), tag, table))).toEqual(["build-added m4/pkg.m4"]);
  });

  test("of the table that comes with us: gnulib's m4 files have names there", () => {
    expect(published().isName("build-to-host.m4")).toBe(true);
    expect(published().projectOf(PUBLISHED_PKG_M4)).not.toBeNull();
  });
});

describe("differences", () => {
  test("of line ends alone are folded", async () => {
    const comparison = await compared(
      release.archive({ "src/frob.c": "int main(void)\r\n{\r\n  return 0;\r\n}\r\n" }),
    );
    expect(told(comparison)).toEqual([]);
    expect(comparison.folded[0]).toEqual({ fold: "line-ends", by: "the tag", paths: ["src/frob.c"] });
  });

  test("of a translation's texts are shown", async () => {
    const po = String(MADE["po/de.po"]).replace('msgstr "b"', 'msgstr "evil"');
    expect(told(await compared(release.archive({ "po/de.po": po })))).toEqual(["other po/de.po"]);
  });

  test("come with their lines", async () => {
    const { entries } = await compared(
      release.archive({ "src/frob.c": "int main(void)\n{\n  return 1;\n}\n" }),
    );
    expect(entries[0]?.difference).toEqual({
      kind: "text",
      lines: 5,
      cut: false,
      hunks: [
        { oldStart: 1, newStart: 1, lines: [" int main(void)", " {", "-  return 0;", "+  return 1;", " }"] },
      ],
    });
  });

  test("a link is no file of the same bytes", async () => {
    const comparison = await compared(
      release.archive({ README: null }, [{ path: "frob-1.0/README", type: "2", link: "Frob.\n" }]),
    );
    expect(told(comparison)).toEqual(["build-changed README"]);
  });

  test("a copy of another file of the tag is folded, unless builds read it", async () => {
    const comparison = await compared(release.archive({ COPY: "Frob.\n", "copy.sh": "#!/bin/sh\nexit 0\n" }));
    expect(told(comparison)).toEqual(["build-added copy.sh"]);
    expect(comparison.folded[0]).toEqual({ fold: "copied", by: "the tag", paths: ["COPY"] });
  });
});

describe("what cannot be compared", () => {
  test("files of submodules", async () => {
    const commit = "a".repeat(40);
    const other = makeRelease({ ...WRITTEN, lib: { submodule: commit } });
    const comparison = await compared(other.archive({ "lib/evil.sh": "evil\n" }), other);
    expect(told(comparison)).toEqual([]);
    expect(comparison.unchecked).toEqual([
      { what: "lib", reason: `a submodule (commit ${commit}): its 1 files are not compared` },
    ]);
    other.remove();
  });

  test("odd entries of the archive", async () => {
    const comparison = await compared(
      release.archive({}, [{ path: "frob-1.0/x", type: "1", link: "README" }]),
    );
    expect(comparison.unchecked).toEqual([
      { what: "frob-1.0/x", reason: "in the archive: a hard link to README" },
    ]);
  });

  test("a tag that there is not, a name that is none, and a file that is no archive", async () => {
    const repository = release.repository.directory;
    const asset = release.archive({});
    const ask = (tag: string, file = asset) => askRelease({ asset: file, repository, tag }, RELEASE_DEFAULTS);
    await expect(ask("v2.0")).rejects.toMatchObject({ fault: "usage" });
    for (const tag of ["-x", "a..b", "a b", "a:b", "+a", "a^", "a@{1}", ""]) {
      await expect(ask(tag), tag).rejects.toMatchObject({ fault: "usage" });
    }
    expect(await ask("v1.0", `${repository}/README`)).toMatchObject({ kind: "failed" });
    expect(readFileSync(`${repository}/README`, "utf8")).toBe("Frob.\n");
  });
});
