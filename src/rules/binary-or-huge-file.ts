/** Files that nobody can review by reading: programs, archives, bytes under a text's name, very large texts. */
import type { Severity } from "../report/review.ts";
import { argument, extension, fileName, headPath, inHead, visible } from "./_text.ts";
import type { BinaryFacts, FileFacts, Rule, RuleFinding } from "./rule.ts";

type Family = "program" | "archive" | "image" | "font" | "document" | "key";

/** First bytes of formats, one character a byte: https://en.wikipedia.org/wiki/List_of_file_signatures */
const MAGIC: readonly (readonly [string, string, Family])[] = [
  ["\x7fELF", "ELF program", "program"],
  ["MZ", "Windows program", "program"],
  ["\xcf\xfa\xed\xfe", "Mach-O program", "program"],
  ["\xce\xfa\xed\xfe", "Mach-O program", "program"],
  ["\xca\xfe\xba\xbe", "Java class or universal program", "program"],
  ["\x00asm", "WebAssembly", "program"],
  ["!<arch>\n", "static library", "program"],
  ["PK\x03\x04", "zip archive", "archive"],
  ["PK\x05\x06", "zip archive", "archive"],
  ["\x1f\x8b", "gzip", "archive"],
  ["\xfd7zXZ\x00", "xz", "archive"],
  ["BZh", "bzip2", "archive"],
  ["\x28\xb5\x2f\xfd", "zstd", "archive"],
  ["7z\xbc\xaf\x27\x1c", "7z archive", "archive"],
  ["\x89PNG\r\n\x1a\n", "PNG", "image"],
  ["\xff\xd8\xff", "JPEG", "image"],
  ["GIF8", "GIF", "image"],
  ["RIFF", "WebP", "image"],
  ["\x00\x00\x01\x00", "icon", "image"],
  ["BM", "bitmap", "image"],
  ["icns", "icon", "image"],
  ["wOFF", "font", "font"],
  ["wOF2", "font", "font"],
  ["OTTO", "font", "font"],
  ["\x00\x01\x00\x00", "font", "font"],
  ["%PDF", "PDF", "document"],
  ["SQLite format 3\x00", "SQLite database", "document"],
  ["\x99\x01", "OpenPGP key", "key"],
  ["\x99\x02", "OpenPGP key", "key"],
  ["\x99\x03", "OpenPGP key", "key"],
  ["\x98\x33", "OpenPGP key", "key"],
  ["\xc6", "OpenPGP key", "key"],
  ["0\x82", "DER certificate or key", "key"],
];

/** Extensions that say which family to expect: such files are opened in other programs, not read. */
const EXPECTED: Readonly<Record<string, Family>> = {
  png: "image",
  jpg: "image",
  jpeg: "image",
  gif: "image",
  webp: "image",
  ico: "image",
  bmp: "image",
  icns: "image",
  woff: "font",
  woff2: "font",
  otf: "font",
  ttf: "font",
  pdf: "document",
  gpg: "key",
  pgp: "key",
  der: "key",
  crt: "key",
  cer: "key",
  p12: "key",
  kbx: "key",
  asc: "key",
  key: "key",
};

/** How an image in these formats ends; bytes after that are not part of it. */
const END: Readonly<Record<string, RegExp>> = {
  PNG: /IEND\xaeB`\x82\s*$/,
  JPEG: /\xff\xd9[\s\x00]*$/,
  GIF: /;\s*$/,
};

const little = (bytes: string, at: number) =>
  [0, 1, 2, 3].reduce((sum, index) => sum + bytes.charCodeAt(at + index) * 256 ** index, 0);

/** Whether an image has more bytes than it says: WebP and bitmaps name their size, an icon that of the pictures in it. */
function isLonger(format: string, { first, bytes }: BinaryFacts): boolean {
  if (format === "WebP") return bytes > little(first, 4) + 9;
  if (format === "bitmap") return bytes > little(first, 2);
  if (!first.startsWith("\x00\x00\x01\x00")) return false;
  const pictures = first.charCodeAt(4) + first.charCodeAt(5) * 256;
  const ends = Array.from({ length: Math.min(pictures, 4) }, (_, index) => 6 + 16 * index)
    .filter((at) => at + 16 <= first.length)
    .map((at) => little(first, at + 8) + little(first, at + 12));
  if (6 + 16 * pictures > bytes) return true;
  // Of more than three, not all stand in the first bytes; some programs leave a few bytes behind.
  const end = Math.max(0, ...ends);
  return pictures <= 3 && end > 0 && bytes > end + 64;
}

const TEXT_EXTENSIONS = new Set([
  "nix",
  "sh",
  "bash",
  "py",
  "pl",
  "rb",
  "js",
  "ts",
  "json",
  "yml",
  "yaml",
  "toml",
  "md",
  "txt",
  "patch",
  "diff",
  "conf",
  "cfg",
  "ini",
  "xml",
  "html",
  "css",
  "lock",
  "service",
  "desktop",
  "c",
  "h",
  "rs",
  "go",
]);
/** Code is no test data in another encoding. */
const RUNS = new Set(["nix", "sh", "bash", "py", "pl", "rb", "js", "ts"]);
/** Where texts in other encodings are honest test data. */
const TEST_PATH = /(?:^|\/)(?:tests?|fixtures?|testdata)\//;

const KILO = 1024;
/** Nixpkgs asks for images and the like to be fetched; small ones are common beside packages. */
const IMAGE_BYTES = 1024 * KILO;
/** Hand-written Nix files end well below this: the largest of nixpkgs' own is all-packages.nix with some 500 kB. */
const HUGE_CHARACTERS = 1024 * KILO;
const MINIFIED_LINE = 20_000;

interface Judgement {
  readonly severity: Severity;
  readonly title: string;
  readonly why: string;
}

function formatOf({ first }: BinaryFacts): { readonly name: string; readonly family: Family } | null {
  const match = MAGIC.find(([magic]) => first.startsWith(magic));
  return match ? { name: match[1], family: match[2] } : null;
}

function size(bytes: number): string {
  return bytes < 10 * KILO ? `${bytes} bytes` : `${Math.round(bytes / KILO)} kB`;
}

function judgeBinary(path: string, binary: BinaryFacts): Judgement | null {
  const format = formatOf(binary);
  const kind = extension(path);
  const name = format ? `${format.name}, ${size(binary.bytes)}` : size(binary.bytes);
  if (TEXT_EXTENSIONS.has(kind) && format?.family !== "key") {
    if (!format && TEST_PATH.test(path) && !RUNS.has(kind)) return null;
    const why = `its name says text (\`.${kind}\`) and its bytes do not (${format ? format.name : "NUL or other bytes that no text has"}): diffs show nothing of it.`;
    return { severity: "high", title: "Binary content under the name of a text file", why };
  }
  if (!format) {
    const why = `${name} of no format that is known here: it cannot be reviewed by reading.`;
    return { severity: "high", title: "Binary file of unknown format", why };
  }
  if (format.family === "archive" && /\.(?:patch|diff)\.[a-z0-9]+$/.test(path)) {
    const why = `a patch in ${name} is not shown by any diff.`;
    return { severity: "medium", title: "Compressed patch", why };
  }
  if (format.family === "program" || format.family === "archive") {
    const why = `it is a ready-made ${name}: what it does cannot be seen in the change, and it was not built from the source that the package names.`;
    return {
      severity: "high",
      title: format.family === "program" ? "Compiled program in the tree" : "Archive in the tree",
      why,
    };
  }
  const expected = EXPECTED[kind];
  if (expected !== format.family) {
    const why = `its name (\`${visible(fileName(path), 100)}\`) does not say what it is (${name}).`;
    return {
      severity: expected === undefined ? "medium" : "high",
      title: "Binary file under another name",
      why,
    };
  }
  if (END[format.name]?.test(binary.last) === false || isLonger(format.name, binary)) {
    const why = `bytes follow behind the end of the ${format.name}: a second file can hide there.`;
    return { severity: "high", title: "Bytes behind the end of an image", why };
  }
  if (binary.bytes > IMAGE_BYTES) {
    const why = `it has ${size(binary.bytes)}, which every user of the repository downloads for good.`;
    return { severity: "low", title: "Large binary file", why };
  }
  return null;
}

/** Files that programs write, and that other rules read entry by entry. */
const GENERATED =
  /(?:^|[/-])(?:deps|gemset|node-packages|node-composition|generated|hashes|sources|all-packages|hackage-packages|cran-packages|bioc-packages|maintainer-list|versions)[^/]{0,255}\.(?:nix|json)$|\.lock(?:\.json)?$|-lock\.(?:json|ya?ml)$|-packages\.(?:nix|json)$/;

function judgeText(path: string, text: string, base: string | null): Judgement | null {
  if (!GENERATED.test(path) && text.length > HUGE_CHARACTERS && (base?.length ?? 0) <= HUGE_CHARACTERS) {
    const why = `it has ${size(text.length)} of text: nobody reads that, and one line of it can be anything.`;
    return { severity: "medium", title: "Very large text file", why };
  }
  if (!/\.(?:nix|sh|bash|py|pl|js|mjs|cjs|ts)$/.test(path)) return null;
  if (longestLine(text) > MINIFIED_LINE && longestLine(base ?? "") <= MINIFIED_LINE) {
    const why = `it has a line of more than ${MINIFIED_LINE} characters, as minified code has: diffs do not show it.`;
    return { severity: "medium", title: "Code in one very long line", why };
  }
  return null;
}

function longestLine(text: string): number {
  let longest = 0;
  for (let start = 0; start <= text.length; ) {
    const feed = text.indexOf("\n", start);
    const end = feed < 0 ? text.length : feed;
    longest = Math.max(longest, end - start);
    start = end + 1;
  }
  return longest;
}

/** An executable bit on something that no shebang explains. */
function judgeBit(file: FileFacts): Judgement | null {
  const { base, head } = file.change;
  if (head?.kind !== "executable" || base?.kind === "executable" || file.binary.head) return null;
  // Scripts that another script sources (hooks of stdenv) name no interpreter either.
  const kind = extension(head.path);
  if (file.head === null || file.head.startsWith("#!") || ["nix", "sh", "bash", "patch"].includes(kind))
    return null;
  const why = "it was made executable but names no interpreter: a shell runs it as its own script.";
  return { severity: "low", title: "Executable bit on a file without interpreter", why };
}

function judge(file: FileFacts): Judgement | null {
  const { head } = file.change;
  if (!head || head.kind === "symlink" || head.kind === "submodule") return null;
  if (file.binary.head) {
    // A rename alone changes no bytes.
    if (file.change.base?.oid === head.oid) return null;
    return judgeBinary(head.path, file.binary.head);
  }
  return (file.head === null ? null : judgeText(head.path, file.head, file.base)) ?? judgeBit(file);
}

/** Whether a text of this change names the file: if not, nothing that the reviewer sees uses it. */
function isNamed(file: FileFacts, files: readonly FileFacts[]): boolean {
  const name = fileName(headPath(file));
  return files.some((other) => other !== file && other.head !== null && other.head.includes(name));
}

function* check(file: FileFacts, files: readonly FileFacts[]): Iterable<RuleFinding> {
  const judgement = judge(file);
  if (!judgement) return;
  const { severity, title, why } = judgement;
  const path = headPath(file);
  const unnamed = file.binary.head && !isNamed(file, files) ? " No text of this change names it." : "";
  yield {
    severity,
    confidence: file.binary.head ? "high" : "medium",
    title,
    message:
      `\`${visible(path, 200)}\`: ${why}${unnamed} ` +
      "Clear it by fetching the file with a hash from where it is published, or by a recipe that makes it. " +
      `Check with: git cat-file blob HEAD:${argument(path)} | head -c 64 | od -c`,
    at: inHead(file, 0, 0),
    before: file.binary.base ? size(file.binary.base.bytes) : null,
    after: size(file.binary.head?.bytes ?? file.head?.length ?? 0),
    evidence: ["static"],
    related: [],
    identity: [title],
  };
}

export const rule: Rule = {
  id: "binary-or-huge-file",
  threat: "A23",
  description: "Programs, archives, disguised binaries and very large texts added to the tree",
  severity: "high",
  *check(facts) {
    for (const file of facts.files) yield* check(file, facts.files);
  },
};
