import { gives } from "../nix/command-text.ts";

/** What build files do that hides what runs: of the backdoors that were found in releases and packages so far. */
const TRAITS: readonly (readonly [(text: string) => boolean, string])[] = [
  [
    gives(/\bgrep /g, /^-(?:[b-z]*a|-text\b|-binary-files=text)/i),
    "it searches binary files for text (grep -a)",
  ],
  [holds(/\| ?(?:\/bin\/)?(?:ba|da|z)?sh\b(?!\.)/), "it pipes into a shell"],
  [holds(/\| ?\$[\w[\]$]+ -d\b/), "it pipes into an unpacker that a variable names"],
  [
    gives(/\b(?:xz|lzma|gzip|bzip2|zstd) /g, /^-(?:[a-ce-z0-9]*d|-decompress)/),
    "it unpacks a compressed file",
  ],
  [holds(/\bbase64 (?:-d\b|-D\b|--decode)|\bopenssl (?:enc|base64)\b/), "it decodes hidden text"],
  [holds(/\b(?:head|tail) -c|\bdd (?:if|bs|skip|count)=/), "it cuts pieces out of files"],
  [gives(/\b(?:curl|wget) /g, /^["']?https?:/), "it downloads"],
];

function holds(pattern: RegExp): (text: string) => boolean {
  return (text) => pattern.test(text);
}

/** What of that a build file does, for people; empty for one that does none. */
export function traitsOf(text: string): readonly string[] {
  const plain = text.replace(/\\\r?\n/g, " ").replace(/[ \t]+/g, " ");
  return TRAITS.filter(([isIn]) => isIn(plain)).map(([, says]) => says);
}
