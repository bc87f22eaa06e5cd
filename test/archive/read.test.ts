// Needs: packers
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import { ARCHIVE_LIMITS, type ArchiveLimits, type ArchiveResult } from "../../src/archive/archive.ts";
import { readArchive } from "../../src/archive/read.ts";
import { packed, paxHeader, tar, tarEntry, zip } from "../support/archives.ts";

const folder = mkdtempSync(join(tmpdir(), "verifod-archive-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let count = 0;
async function read(bytes: Buffer, limits: Partial<ArchiveLimits> = {}): Promise<ArchiveResult> {
  count += 1;
  const file = join(folder, `archive-${count}`);
  writeFileSync(file, bytes);
  return readArchive(file, { limits: { ...ARCHIVE_LIMITS, ...limits }, keep: () => true });
}

/** What came of it, for comparing. */
async function told(bytes: Buffer, limits: Partial<ArchiveLimits> = {}) {
  const result = await read(bytes, limits);
  if (result.kind === "failed") return { failed: result.reason };
  const files = [...result.archive.files].map(([path, file]) => [path, file.bytes?.toString() ?? null]);
  return { files: Object.fromEntries(files), odd: result.archive.oddities.map(({ what }) => what) };
}

const honest = tar([
  { path: "frob-1.0/", type: "5", mode: 0o755 },
  { path: "frob-1.0/configure", body: "#!/bin/sh\n", mode: 0o755 },
  { path: "./frob-1.0//README", body: "read me\n" },
  { path: "frob-1.0/empty" },
  { path: "frob-1.0/link", type: "2", link: "README" },
]);
const honestFiles = {
  "frob-1.0/configure": "#!/bin/sh\n",
  "frob-1.0/README": "read me\n",
  "frob-1.0/empty": "",
  "frob-1.0/link": "README",
};

describe("honest archives", () => {
  test("a plain tar", async () => {
    expect(await told(honest)).toEqual({ files: honestFiles, odd: [] });
  });

  test.each(["gzip", "xz", "bzip2", "zstd"] as const)("a tar packed by %s", async (program) => {
    expect(await told(packed(honest, program))).toEqual({ files: honestFiles, odd: [] });
  });

  test("modes, kinds, sizes and digests", async () => {
    const result = await read(honest);
    expect(result.kind === "read" && result.archive.files.get("frob-1.0/configure")).toMatchObject({
      kind: "file",
      executable: true,
      size: 10,
      digest: "a8076d3d28d21e02012b20eaf7dbf75409a6277134439025f282e368e3305abf",
    });
    expect(result.kind === "read" && result.archive.files.get("frob-1.0/link")).toMatchObject({
      kind: "symlink",
      executable: false,
    });
  });

  test("a zip file", async () => {
    const file = zip([
      { path: "frob-1.0/", mode: 0o40755 },
      { path: "frob-1.0/run", body: "run", mode: 0o100755 },
      { path: "frob-1.0/link", body: "run", mode: 0o120777 },
    ]);
    expect(await told(file)).toEqual({ files: { "frob-1.0/run": "run", "frob-1.0/link": "run" }, odd: [] });
    const result = await read(file);
    const files = result.kind === "read" ? result.archive.files : null;
    expect(files?.get("frob-1.0/run")?.executable).toBe(true);
    expect(files?.get("frob-1.0/link")?.kind).toBe("symlink");
  });

  test("long names of pax and of GNU", async () => {
    const long = `frob/${"d/".repeat(100)}file`;
    const gnu = { path: "././@LongLink", type: "L", body: `${long}\0` };
    const short = { path: "frob/short", body: "x" };
    expect(await told(tar([paxHeader({ path: long }), short]))).toEqual({ files: { [long]: "x" }, odd: [] });
    expect(await told(tar([gnu, short]))).toEqual({ files: { [long]: "x" }, odd: [] });
  });

  test("what is not wanted is hashed, not kept", async () => {
    expect(await told(honest, { keptFile: 5 })).toMatchObject({ files: { "frob-1.0/configure": null } });
    expect(await told(honest, { kept: 10 })).toMatchObject({
      files: { "frob-1.0/configure": "#!/bin/sh\n", "frob-1.0/README": null },
    });
  });
});

describe("entries that are told and not obeyed", () => {
  test.each([
    ["an absolute path", { path: "/etc/passwd", body: "x" }, "/etc/passwd"],
    ["a path that leads out", { path: "a/../../b", body: "x" }, "a/../../b"],
    ["what a decoder leaves of a name that is not UTF-8", { path: "a\ufffd", body: "x" }, "a\ufffd"],
    ["a hard link", { path: "a", type: "1", link: "/etc/passwd" }, "a"],
    ["a character device", { path: "a", type: "3" }, "a"],
    ["a block device", { path: "a", type: "4" }, "a"],
    ["a pipe", { path: "a", type: "6" }, "a"],
  ])("%s", async (_, entry, what) => {
    expect(await told(tar([entry, { path: "b", body: "y" }]))).toEqual({ files: { b: "y" }, odd: [what] });
  });

  test("a path that only its extended header makes absolute", async () => {
    const file = tar([paxHeader({ path: "/etc/passwd" }), { path: "a", body: "x" }]);
    expect(await told(file)).toEqual({ files: {}, odd: ["/etc/passwd"] });
  });

  test("a path that stands twice is no file of it", async () => {
    const file = tar([{ path: "a", body: "1" }, { path: "./a", body: "2" }, { path: "b" }]);
    expect(await told(file)).toEqual({ files: { b: "" }, odd: ["a"] });
    const link = tar([
      { path: "a", type: "2", link: "b" },
      { path: "a", body: "2" },
    ]);
    expect(await told(link)).toEqual({ files: {}, odd: ["a"] });
  });

  test("a file below a link", async () => {
    const file = tar([
      { path: "a", type: "2", link: "/tmp" },
      { path: "a/b/c", body: "x" },
    ]);
    expect(await told(file)).toEqual({ files: { a: "/tmp" }, odd: ["a/b/c"] });
  });

  test("a device, and an encrypted file, in a zip file", async () => {
    const file = zip([
      { path: "a", mode: 0o20644 },
      { path: "b", body: "x", encrypted: true },
    ]);
    expect(await told(file)).toEqual({ files: {}, odd: ["a", "b"] });
  });
});

describe("archives that cannot be compared", () => {
  const one = { path: "a", body: "x".repeat(1000) };
  test.each<[string, Buffer, Partial<ArchiveLimits>, RegExp]>([
    ["no archive", Buffer.from("hello"), {}, /neither/],
    ["an empty file", Buffer.alloc(0), {}, /neither/],
    ["too many entries", tar([one, one, { ...one, path: "b" }]), { entries: 2 }, /more than 2 entries/],
    ["too many bytes", tar([one]), { bytes: 999 }, /unpacks to more than 999 bytes/],
    ["a long path", tar([{ path: "abcdef" }]), { path: 5 }, /more than 5 characters/],
    ["a checksum that is wrong", corrupt(tar([one])), {}, /malformed/],
    ["a tar that is cut", tar([one]).subarray(0, 700), {}, /malformed|ends before/],
    ["a tar without its end", tarEntry(one), {}, /ends before/],
    ["bytes after the end", Buffer.concat([tar([one]), Buffer.alloc(70_000), tar([one])]), {}, /follow/],
    ["a sparse file of GNU", tar([{ path: "a", type: "S" }]), {}, /type SparseFile/],
    ["a sparse file of pax", tar([paxHeader({ "GNU.sparse.major": "1" }), one]), {}, /sparse/],
    ["a type that nobody knows", tar([{ path: "a", type: "Z" }]), {}, /type/],
    ["a size that leads beyond the end", tar([{ path: "a", size: 1_000_000 }]), {}, /malformed|ends before/],
    ["a header of megabytes", tar([paxHeader({ comment: "x".repeat(2 << 20) }), one]), {}, /header of more/],
    ["headers without end", tar(Array(50).fill(paxHeader({ comment: "x" }))), { entries: 10 }, /too many/],
    ["a tar packed twice", packed(packed(tar([one]), "gzip"), "gzip"), {}, /packed twice/],
    ["a zip file with a path that leads out", zip([{ path: "../a" }]), {}, /damaged/],
    ["a zip file with an absolute path", zip([{ path: "/a" }]), {}, /damaged/],
    ["a zip file that lies about sizes", zip([{ path: "a", body: "xyz", size: 1 }]), {}, /damaged/],
    ["a zip file that is cut", zip([{ path: "a", body: "xyz" }]).subarray(0, 40), {}, /damaged/],
  ])("%s", async (_, bytes, limits, reason) => {
    expect(await told(bytes, limits)).toEqual({ failed: expect.stringMatching(reason) });
  });

  test.each(["gzip", "xz", "bzip2", "zstd"] as const)("a bomb of %s", async (program) => {
    const bomb = packed(tar([{ path: "a", body: Buffer.alloc(8_000_000) }]), program);
    const reason = "it unpacks to more than 20 times its size";
    expect(await told(bomb, { ratio: 20, ratioFrom: 1_000_000 })).toEqual({ failed: reason });
  });

  test("a bomb in a zip file", async () => {
    const bomb = zip([{ path: "a", body: Buffer.alloc(8_000_000) }]);
    const reason = "it unpacks to more than 20 times its size";
    expect(await told(bomb, { ratio: 20, ratioFrom: 1_000_000 })).toEqual({ failed: reason });
  });

  test.each(["gzip", "xz", "bzip2", "zstd"] as const)("a file of %s that is cut", async (program) => {
    const whole = packed(tar([one]), program);
    expect(await told(whole.subarray(0, whole.length / 2))).toHaveProperty("failed");
  });

  test("it takes too long", async () => {
    const slow = packed(tar([{ path: "a", body: Buffer.alloc(30_000_000) }]), "xz");
    const reason = "it could not be read within 0.001 s";
    expect(await told(slow, { seconds: 0.001 })).toEqual({ failed: reason });
  });

  test("any bytes end in a result", { timeout: 30_000 }, async () => {
    const broken = fc.tuple(
      fc.constantFrom(honest, packed(honest, "gzip"), packed(honest, "xz"), zip([{ path: "a", body: "b" }])),
      fc.array(fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.nat(255)), {
        minLength: 1,
        maxLength: 4,
      }),
    );
    await fc.assert(
      fc.asyncProperty(broken, async ([bytes, changes]) => {
        const copy = Buffer.from(bytes);
        for (const [at, byte] of changes) copy[Math.floor(at * (copy.length - 1))] = byte;
        expect(["read", "failed"]).toContain((await read(copy)).kind);
      }),
      { numRuns: 100, seed: 7 },
    );
  });
});

test("nothing is written where the archive says", async () => {
  const target = join(folder, "escaped");
  await read(tar([{ path: target, body: "x" }]));
  await read(tar([{ path: `../${target}`, body: "x" }]));
  expect(existsSync(target)).toBe(false);
});

function corrupt(bytes: Buffer): Buffer {
  bytes[5] = 0x41;
  return bytes;
}
