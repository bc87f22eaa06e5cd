/** Commands in a text that no shell reader takes: build files of releases, lines of fetchers. */

/** Whether a program is given a word, wherever in its command: options before it are of any length and number. */
export function gives(program: RegExp, word: RegExp): (text: string) => boolean {
  return (text) => {
    let end = 0;
    for (const { index } of text.matchAll(program)) {
      // Further on in the same command: its words have been looked at.
      if (index < end) continue;
      const size = text.slice(index).search(/[|;&\n]/);
      end = size < 0 ? text.length : index + size;
      const words = text.slice(index, end).split(" ");
      if (words.some((each) => word.test(each))) return true;
    }
    return false;
  };
}
