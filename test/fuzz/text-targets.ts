/** What people and pull requests write beside code: URLs, comments, reports, archives, objects of git. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { deflateRawSync, gzipSync } from "node:zlib";
import { marked } from "marked";
import { readReport, withReport } from "../../src/action/report-file.ts";
import { ARCHIVE_LIMITS } from "../../src/archive/archive.ts";
import { readArchive } from "../../src/archive/read.ts";
import { contentOf, parseCommit, parseFolder } from "../../src/change/objects.ts";
import { readCommands } from "../../src/github/commands.ts";
import { parseLocation } from "../../src/origin/location.ts";
import { parseOwners } from "../../src/owners/codeowners.ts";
import { formatJson } from "../../src/report/json.ts";
import { code, codeBlock, prose } from "../../src/report/markdown-escape.ts";
import { checkUrl } from "../../src/verify/urls.ts";
import { allTokens, liveText } from "../support/markdown.ts";
import { finding, PIECES, pin, reviewOf } from "../support/reviews.ts";
import { type CurlParser, openCurl } from "./curl.ts";
import { joined, mutated, mutatedBytes } from "./random.ts";
import { demand, type Target } from "./target.ts";

const URL_PIECES = [
  "http://",
  "https://",
  "HTTPS://",
  "https:/",
  "https:",
  "//",
  "/",
  "\\",
  "\\\\",
  "@",
  ":",
  "?",
  "#",
  "[",
  "]",
  "%",
  "%2e",
  "%2f",
  "%40",
  "%00",
  "%5c",
  "..",
  ".",
  ";",
  "=",
  "&",
  " ",
  "\t",
  "\n",
  "\r",
  "\0",
  "|",
  "^",
  "<",
  ">",
  '"',
  "`",
  "{",
  "}",
  "github.com",
  "GitHub.COM",
  "github.com.",
  "evil.example",
  "localhost",
  "127.0.0.1",
  "127.1",
  "0x7f.1",
  "0x7f000001",
  "2130706433",
  "0177.0.0.1",
  "[::1]",
  "[::ffff:127.0.0.1]",
  "[fe80::1%25eth0]",
  "169.254.169.254",
  "xn--bcher-kva.example",
  "b\u00fccher.example",
  "\u3002",
  "\uff0e",
  "\uff20",
  "\u2024",
  "\u200b",
  "\u00ad",
  "\u2100",
  "\u0430",
  "\ud800",
  "443",
  "80",
  "0",
  "65536",
  "99999999999",
  "8080",
  "-1",
  "+80",
  "user",
  "pass",
  "acme",
  "frob",
  ".git",
  "archive",
  "v1.0",
  ".tar.gz",
  "a",
  "\u00e9",
];

let curl: CurlParser | undefined;

/** What is let through is read alike by Node, which checks, and by curl, which fetches. */
const urlTarget: Target = {
  name: "urls",
  share: 250_000,
  generate: (random) =>
    random.below(2) === 0
      ? mutated(random, "https://github.com/acme/frob/archive/v1.0.tar.gz?a=b#c", URL_PIECES)
      : random.pick(["https://", "http://"]) + joined(random, URL_PIECES, 8),
  async check(url) {
    const checked = checkUrl(url, []);
    const location = parseLocation({ value: url, resolved: true } as Parameters<typeof parseLocation>[0]);
    if (checked.kind !== "ok") return;
    curl ??= openCurl();
    const read = await curl.read(url);
    // What curl refuses is not fetched.
    if (read === null) return;
    const plain = (host: string | null): string => (host ?? "").toLowerCase().replace(/^\[|\]$/g, "");
    demand(
      plain(read.host) === checked.host,
      `curl connects to ${JSON.stringify(read.host)}, the check says ${checked.host}`,
    );
    demand(
      Number(read.port ?? (checked.secure ? 443 : 80)) === checked.port,
      `curl connects to port ${read.port}, the check says ${checked.port}`,
    );
    demand(!read.user, "curl sends a user name");
    // What rules compare is the same place, but for a numeric address in another spelling.
    const same =
      location === null ||
      location.host === checked.host.replace(/\.$/, "") ||
      location.host === `[${checked.host}]`;
    const isNumeric = /^[\d.]+$|:/.test(checked.host);
    demand(
      same || isNumeric || location.host.includes("%"),
      `rules read the host as ${location?.host}, the check says ${checked.host}`,
    );
  },
  close: () => curl?.close(),
};

const COMMENT =
  "@verifod acknowledge 0123456789abcdef the tag was moved by its author\n@verifod recheck\n@verifod explain hash-changed-alone\n";

const commandTarget: Target = {
  name: "commands",
  share: 250_000,
  generate: (random) =>
    random.below(2) === 0
      ? mutated(random, COMMENT, PIECES)
      : joined(
          random,
          [...PIECES, "@verifod ", "\n@verifod recheck\n", "acknowledge ", "0123456789abcdef", " "],
          20,
        ),
  check(body) {
    const commands = readCommands(body, "verifod");
    demand(commands.length <= 6, "more commands than a comment may hold");
    for (const command of commands) {
      switch (command.kind) {
        case "acknowledge":
          demand(/^[0-9a-f]{8,64}$/.test(command.finding), "a finding that is none");
          demand(command.reason.length <= 300 && !/[\r\n]/.test(command.reason), "a reason that is too long");
          demand(body.includes(command.reason), "a reason that nobody wrote");
          break;
        case "recheck":
          demand(
            command.finding === null || /^[0-9a-f]{8,64}$/.test(command.finding),
            "a finding that is none",
          );
          break;
        case "explain":
          demand(/^[a-z0-9-]{1,100}$/.test(command.subject), "a subject that is none");
          break;
        case "help":
        case "malformed":
          break;
      }
    }
    if (commands.some(({ kind }) => kind !== "malformed"))
      demand(/@verifod/i.test(body), "a command without a mention");
  },
};

const ALIVE = /@|#\d|:\/\/|www\.|\bgh-\d|[0-9a-f]{7}|<|\$/i;
const HARMLESS = ["paragraph", "text", "codespan", "list", "list_item", "strong", "space", "escape"];

const markdownTarget: Target = {
  name: "markdown",
  share: 200_000,
  generate: (random) => joined(random, [...PIECES, " ", "a", "`", "\n"], 16),
  check(text) {
    for (const markdown of [`- ${code(text)}`, `**high** ${prose(text)}`, prose(text)]) {
      const tokens = allTokens(marked.lexer(markdown));
      const odd = tokens.find(({ type }) => !HARMLESS.includes(type));
      demand(odd === undefined, `${odd?.type} in ${JSON.stringify(markdown)}`);
      demand(
        !markdown.includes("\n") && !markdown.includes("<!--"),
        `more than a line: ${JSON.stringify(markdown)}`,
      );
      demand(!ALIVE.test(liveText(tokens)), `something alive in ${JSON.stringify(markdown)}`);
    }
    const block = marked.lexer(codeBlock(text.split("\n"))).filter(({ type }) => type !== "space");
    demand(block.length === 1 && block[0]?.type === "code", "a block that is not one");
  },
};

const folder = mkdtempSync(join(tmpdir(), "verifod-fuzz-"));
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));

const REVIEWED = reviewOf({ findings: [finding()], sources: [pin("pkgs/by-name/fr/frob/package.nix")] });
const REPORT = formatJson({
  ...REVIEWED,
  verdicts: [
    {
      name: "source",
      drvPath: "/nix/store/x.drv",
      attrs: ["frob.src"],
      declared: "sha256-B",
      got: null,
      outcome: "mismatch",
      reason: "r",
      introduced: true,
      seconds: 1,
      urls: [{ url: "https://example.org", finalUrl: "https://example.org", status: 200, bytes: 1 }],
    },
  ],
});

/** A report of somebody else adds to a review, and takes nothing away. */
const reportTarget: Target = {
  name: "report",
  share: 150_000,
  generate: (random) =>
    mutated(random, REPORT, [
      '"__proto__": {},',
      '"x": 1,',
      "null",
      "[]",
      "{}",
      "1e999",
      "-0",
      "NaN",
      "\ufeff",
      '"match"',
      '"unavailable"',
      "true",
      "false",
      '"',
      "[[[[[[",
      "\\u0000",
      "verdicts",
    ]),
  async check(text) {
    const path = join(folder, "report.json");
    writeFileSync(path, text);
    const report = await readReport(path, REVIEWED.head);
    const joinedReview = withReport(REVIEWED, report);
    demand(
      REVIEWED.findings.every((each) => joinedReview.findings.includes(each)),
      "a finding is gone",
    );
    demand(JSON.stringify(joinedReview.sources) === JSON.stringify(REVIEWED.sources), "a pin is gone");
    demand(report.kind === "verdicts" || !joinedReview.complete, "complete without a report");
    demand(Object.getPrototypeOf(joinedReview) === Object.prototype, "another prototype");
    formatJson(joinedReview);
  },
};

/** A tar file of 512-byte blocks: https://pubs.opengroup.org/onlinepubs/9799919799/utilities/pax.html */
function tar(entries: readonly (readonly [name: string, type: string, content: string])[]): Buffer {
  const blocks = entries.flatMap(([name, type, content]) => {
    const header = Buffer.alloc(512);
    header.write(name, 0, 100);
    header.write(
      `0000644\0${"0000000\0".repeat(2)}${content.length.toString(8).padStart(11, "0")}\0${"0".repeat(11)}\0`,
      100,
    );
    header.write("        ", 148);
    header.write(type, 156);
    header.write("ustar\x0000", 257);
    const sum = header.reduce((total, byte) => total + byte, 0);
    header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
    return [header, Buffer.from(content.padEnd(Math.ceil(content.length / 512) * 512, "\0"))];
  });
  return Buffer.concat([...blocks, Buffer.alloc(1024)]);
}

/** A zip file of one entry: https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT */
function zip(name: string, content: string): Buffer {
  const packed = deflateRawSync(content);
  const about = Buffer.alloc(26);
  about.writeUInt16LE(20, 0);
  about.writeUInt16LE(8, 4);
  about.writeUInt32LE(packed.length, 14);
  about.writeUInt32LE(content.length, 18);
  about.writeUInt16LE(name.length, 22);
  const local = Buffer.concat([Buffer.from("PK\x03\x04"), about, Buffer.from(name), packed]);
  const central = Buffer.concat([
    Buffer.from("PK\x01\x02\x14\x00"),
    about,
    Buffer.alloc(14),
    Buffer.from(name),
  ]);
  const end = Buffer.alloc(18);
  end.writeUInt16LE(1, 4);
  end.writeUInt16LE(1, 6);
  end.writeUInt32LE(central.length, 8);
  end.writeUInt32LE(local.length, 12);
  return Buffer.concat([local, central, Buffer.from("PK\x05\x06"), end]);
}

const TAR = tar([
  ["a/b.nix", "0", "content"],
  ["a/link", "2", ""],
  ["../up", "0", "x"],
  ["pax", "x", "20 path=a/long name\n"],
  ["a/c", "0", "y".repeat(600)],
]);
const ARCHIVES = [TAR, gzipSync(TAR), zip("a/b.nix", "content".repeat(10)), zip("../b.nix", "x")];
const LIMITS = { ...ARCHIVE_LIMITS, entries: 20, bytes: 20_000, ratioFrom: 5_000, ratio: 10, seconds: 4 };

const archiveTarget: Target = {
  name: "archive",
  share: 150_000,
  generate: (random) => mutatedBytes(random, random.pick(ARCHIVES)).toString("latin1"),
  async check(input) {
    const path = join(folder, "archive");
    writeFileSync(path, input, "latin1");
    const result = await readArchive(path, { limits: LIMITS, keep: () => true });
    if (result.kind === "failed") return;
    const { files } = result.archive;
    demand(files.size <= LIMITS.entries, "more entries than allowed");
    let total = 0;
    for (const [name, { size, bytes }] of files) {
      demand(
        !name.startsWith("/") && !name.split("/").includes("..") && !name.includes("\0"),
        `a path that leads out: ${name}`,
      );
      demand(bytes === null || bytes.length === size, "a content of another size");
      total += size;
    }
    demand(total <= LIMITS.bytes, "more bytes than allowed");
  },
};

const TREE = Buffer.concat(
  ["40000 dir", "100644 a.nix", "120000 link", "160000 module"].map((head) =>
    Buffer.concat([Buffer.from(`${head}\0`), Buffer.alloc(20, head)]),
  ),
);
const COMMIT = `tree ${"a".repeat(40)}\nparent ${"b".repeat(40)}\nauthor A <a@b.c> 1 +0000\ncommitter A <a@b.c> 1 +0000\n\nSubject\n\nBody\n`;

const objectTarget: Target = {
  name: "objects",
  share: 400_000,
  generate: (random) =>
    (random.below(3) === 0 ? mutatedBytes(random, Buffer.from(COMMIT)) : mutatedBytes(random, TREE)).toString(
      "latin1",
    ),
  check(input) {
    const data = Buffer.from(input, "latin1");
    const { items, faults } = parseFolder(data, 20);
    for (const name of items.keys()) {
      demand(
        name !== "" && name !== "." && name !== ".." && !/[/\0]/.test(name),
        `a name that leads out: ${JSON.stringify(name)}`,
      );
    }
    for (const { oid } of items.values()) demand(/^[0-9a-f]{40}$/.test(oid), "an id that is none");
    demand(items.size + faults.size > 0 || data.length === 0, "a folder of which nothing is said");
    const commit = parseCommit("c".repeat(40), data);
    if (commit !== null) {
      demand(commit.subject.length <= 500 && !commit.subject.includes("\n"), "a long subject");
      for (const id of [commit.tree, ...commit.parents]) demand(/^[0-9a-f]+$/.test(id), "an id that is none");
    }
    contentOf(data);
  },
};

const OWNERS = "* @NixOS/all\n/pkgs/ @a @b # why\n/nixos/modules/**/x* @c\n!/lib\n[section] @d\n/a\\ b @e\n";

const ownersTarget: Target = {
  name: "owners",
  share: 140_000,
  generate: (random) =>
    mutated(random, OWNERS, [
      "*",
      "**",
      "?",
      "[",
      "]",
      "{",
      "}",
      "!",
      "\\",
      "/",
      " ",
      "\t",
      "\n",
      "@",
      "#",
      "(",
      ")",
      "+",
      "**/**/",
      "\0",
      "\u202e",
    ]),
  check(input) {
    const owners = parseOwners("OWNERS", input);
    for (const path of ["pkgs/a/b/c/package.nix", "nixos/modules/x/y", `${"a/".repeat(30)}b`]) {
      for (const owner of owners.of(path))
        demand(/^@[\w.-]+(?:\/[\w.-]+)?$/.test(owner), "an owner whom nobody can mention");
    }
  },
};

export const textTargets: readonly Target[] = [
  urlTarget,
  commandTarget,
  markdownTarget,
  reportTarget,
  archiveTarget,
  objectTarget,
  ownersTarget,
];
