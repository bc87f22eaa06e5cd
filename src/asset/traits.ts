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

/** Whether a program is given a word, wherever in its command: options before it are of any length and number. */
export function gives(program: RegExp, word: RegExp): (text: string) => boolean {
  return (text) => {
    let end = 0;
    for (const { index } of text.matchAll(program)) {
      // The words of one further on in the same command have been looked at.
      if (index < end) continue;
      const size = text.slice(index).search(/[|;&\n]/);
      end = size < 0 ? text.length : index + size;
      if (
        text
          .slice(index, end)
          .split(" ")
          .some((each) => word.test(each))
      )
        return true;
    }
    return false;
  };
}

/** What of that a build file does, for people; empty for one that does none. */
export function traitsOf(text: string): readonly string[] {
  const plain = text.replace(/\\\r?\n/g, " ").replace(/[ \t]+/g, " ");
  return TRAITS.filter(([isIn]) => isIn(plain)).map(([, says]) => says);
}
