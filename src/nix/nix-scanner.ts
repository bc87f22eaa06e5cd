/** The characters of Nix code: what stands at a place, and where it ends. */
import { KIND, TreeWriter } from "./flat-tree.ts";

/** Thrown to leave a text to tree-sitter. */
export const OTHER = new Error("not read here");

/** What a character can be part of. */
const NAME = 1;
export const NAME_START = 2;
const PATH = 4;
const URI = 8;
export const OPERATOR = 16;
const CLASSES: readonly (readonly [number, RegExp])[] = [
  [NAME, /[\w'-]/],
  [NAME_START, /[A-Za-z_]/],
  [PATH, /[\w.+-]/],
  [URI, /[A-Za-z0-9%/?:@&=+$,_.!~*'-]/],
  [OPERATOR, /[-+*/<>=!&|?]/],
];
const CLASS = Uint8Array.from({ length: 128 }, (_, code) =>
  CLASSES.reduce((sum, [kind, set]) => (set.test(String.fromCharCode(code)) ? sum | kind : sum), 0),
);

/** Whether a character can be part of something. */
export function is(code: number, kind: number): boolean {
  return code < 128 && ((CLASS[code] as number) & kind) !== 0;
}

const WORDS = new Set(["if", "then", "else", "let", "inherit", "in", "rec", "with", "assert", "or"]);

/** Reads the tokens of a text, one after the other, and writes them. */
export class NixScanner {
  protected readonly text: string;
  protected readonly out: TreeWriter;
  protected at: number;
  /** Up to where `runEnd` has looked through letters, and where the last underscore among them is. */
  private run = -1;
  private underscore = -1;

  constructor(text: string, start = 0, end = text.length) {
    this.text = text;
    this.at = start;
    this.out = new TreeWriter(end - start);
  }

  /** The character at a place; 0, which no text has here, at its end. */
  protected code(at = this.at): number {
    return at < this.text.length ? this.text.charCodeAt(at) : 0;
  }

  /** Writes a token of a length; true, for what reads no more than it. */
  protected token(kind: number, length: number): true {
    this.out.token(kind, this.at, this.at + length);
    this.at += length;
    return true;
  }

  /** Makes a node of what was written since the mark; true. */
  protected close(kind: number, mark: number): true {
    this.out.close(kind, mark);
    return true;
  }

  /** Goes over white space and comments, which are written. */
  protected trivia(): void {
    this.at = this.after(this.at, true);
  }

  /** Where white space and comments end. */
  protected after(start: number, isWriting = false): number {
    const { text } = this;
    for (let at = start; ; ) {
      const code = this.code(at);
      let end = at + 1;
      if (code === 0x23) end = text.indexOf("\n", at);
      else if (code === 0x2f && this.code(at + 1) === 0x2a) end = text.indexOf("*/", at + 2) + 2;
      else if (code === 0x20 || code === 0x0a || code === 0x09 || code === 0x0d) {
        at = end;
        continue;
      } else return at;
      if (end < 0) end = text.length;
      if (end < at + 2 && code !== 0x23) throw OTHER;
      if (isWriting) this.out.token(KIND.comment, at, end);
      at = end;
    }
  }

  /** A token of one character that must come next. */
  protected expect(kind: number, code: number): void {
    this.trivia();
    if (this.code() !== code) throw OTHER;
    this.token(kind, 1);
  }

  /** Where the name at a place ends. */
  protected nameEnd(at = this.at): number {
    let end = at + 1;
    while (is(this.code(end), NAME)) end++;
    return end;
  }

  /** The word of the language at the current place, or "". */
  protected word(): string {
    const code = this.code();
    if (code < 0x61 || code > 0x77) return "";
    const end = this.nameEnd();
    const name = end - this.at > "inherit".length ? "" : this.text.slice(this.at, end);
    if (!WORDS.has(name)) return "";
    // `with./a.nix` is a path, and `in:x` an address.
    if (/[.+/:]/.test(this.text.charAt(end))) throw OTHER;
    return name;
  }

  protected expectWord(word: "if" | "then" | "else" | "in"): void {
    this.trivia();
    if (this.word() !== word) throw OTHER;
    this.token(KIND[word], word.length);
  }

  protected identifier(): void {
    if (!is(this.code(), NAME_START) || this.word() !== "") throw OTHER;
    this.token(KIND.identifier, this.nameEnd() - this.at);
  }

  /** Where the letters that a path or an address can begin with end. */
  private runEnd(): number {
    if (this.at > this.run) {
      this.run = this.at;
      for (let code = this.code(); is(code, PATH); code = this.code(++this.run)) {
        if (code === 0x5f) this.underscore = this.run;
      }
    }
    return this.run;
  }

  /** Where the address at the current place, a letter, ends; 0: there is none. */
  protected uriEnd(): number {
    let end = this.runEnd();
    // A scheme has no underscore.
    if (this.code(end) !== 0x3a || this.underscore >= this.at || !is(this.code(end + 1), URI)) return 0;
    do end++;
    while (is(this.code(end), URI));
    return end;
  }

  /** Where the (first piece of the) path at the current place ends; 0: there is none. */
  protected pathEnd(): number {
    const slash = this.runEnd();
    if (this.code(slash) !== 0x2f) return 0;
    const next = this.code(slash + 1);
    // `a //b` updates `a`, and is a path to the grammar.
    if (next === 0x2f && /[\w.+/$-]/.test(this.text.charAt(slash + 2))) throw OTHER;
    return is(next, PATH) || next === 0x24 ? this.fragmentEnd(slash) : 0;
  }

  /** Where a fragment of a path ends. */
  protected fragmentEnd(at: number): number {
    let end = at;
    for (let code = this.code(end); is(code, PATH) || code === 0x2f; code = this.code(++end)) {
      if (code === 0x2f && this.code(end + 1) === 0x2f) throw OTHER;
    }
    return end;
  }
}
