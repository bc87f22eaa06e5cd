/** What build files do that hides what runs: of the backdoors that were found in releases and packages so far. */
const TRAITS: readonly (readonly [RegExp, string])[] = [
  [/\bgrep (?:-\S{1,80} ){0,20}-[b-z]{0,20}a/i, "it searches binary files for text (grep -a)"],
  [/\| ?(?:\/bin\/)?(?:ba|da|z)?sh\b(?!\.)/, "it pipes into a shell"],
  [/\| ?\$[\w[\]$]+ -d\b/, "it pipes into an unpacker that a variable names"],
  [
    /\b(?:xz|lzma|gzip|bzip2|zstd) (?:-\S{1,80} ){0,20}(?:-[a-ce-z]{0,20}d|--decompress)/,
    "it unpacks a compressed file",
  ],
  [/\bbase64 (?:-d\b|-D\b|--decode)|\bopenssl (?:enc|base64)\b/, "it decodes hidden text"],
  [/\b(?:head|tail) -c|\bdd (?:if|bs|skip|count)=/, "it cuts pieces out of files"],
  [/\b(?:curl|wget) (?:-\S{1,80} ){0,20}["']?https?:/, "it downloads"],
];

/** What of that a build file does, for people; empty for one that does none. */
export function traitsOf(text: string): readonly string[] {
  const plain = text.replace(/[ \t]+/g, " ");
  return TRAITS.filter(([pattern]) => pattern.test(plain)).map(([, says]) => says);
}
