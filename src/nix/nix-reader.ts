/**
 * Reads Nix into the tree that tree-sitter's grammar makes of it, in a third of the time: parsing, and making nodes out of
 * the library's memory, were a third of an index. Tree-sitter is the reference: a text that this reader does not know for
 * certain (above all one with errors) is left to it, and tests hold the trees of both against each other. Only the comma
 * behind the last formal, which the grammar takes for an error, is none here.
 * https://nix.dev/manual/nix/2.28/language/syntax
 */
import { bindingAround, type Edit, type FlatTree, KIND, withNode } from "./flat-tree.ts";
import { is, NAME_START, NixScanner, OPERATOR, OTHER } from "./nix-scanner.ts";

/** Levels of nesting; people write some twenty, and the stack holds many more. */
const MOST_LEVELS = 400;

/** An operator: how tight it binds; one that groups to the right takes those of its own level on that side. */
type Operator = Readonly<Record<"kind" | "length" | "level" | "right", number>>;
const LEVELS = ["->", "||", "&&", "== !=", "< <= > >=", "//", "", "+ -", "* /", "++", "?"];
const NOT_LEVEL = 7;
const NEGATE_LEVEL = 12;
const OPERATORS = new Map<string, Operator>();
for (const [index, names] of LEVELS.entries()) {
  for (const name of names.split(" ").filter((each): each is keyof typeof KIND => each !== "")) {
    const right = name === "->" || name === "//" || name === "++" ? index : index + 1;
    OPERATORS.set(name, { kind: KIND[name], length: name.length, level: index + 1, right });
  }
}
const SEARCH_PATH = /<[A-Za-z0-9._+-]+(?:\/[A-Za-z0-9._+-]+)*>/y;

/** The tree of a text; null: it is for tree-sitter. */
export function readNix(text: string): FlatTree | null {
  if (text.includes("\0")) return null;
  return attempt(() => new Reader(text).source());
}

/**
 * The tree of a text from that of another one: only the innermost binding around what differs is read, when it ends where it
 * should. What stands before and behind is then read as it was: between two bindings the reader knows nothing but its place.
 * Null: the text is to be read as a whole.
 */
export function rereadNix(old: FlatTree, edit: Edit, text: string): FlatTree | null {
  const binding = bindingAround(old, edit);
  if (!binding || text.slice(edit.start, edit.newEnd).includes("\0")) return null;
  const end = binding.end + edit.newEnd - edit.oldEnd;
  return attempt(() => {
    const inner = new Reader(text, binding.start, end).onlyBinding(end);
    return inner && withNode(old, binding, inner, edit);
  });
}

function attempt(read: () => FlatTree | null): FlatTree | null {
  try {
    return read();
  } catch (error) {
    // Too many nodes, or the stack was nearly full already.
    if (error === OTHER || error instanceof RangeError) return null;
    throw error;
  }
}

class Reader extends NixScanner {
  private levels = 0;

  source(): FlatTree {
    this.trivia();
    if (this.at < this.text.length) this.expression();
    this.trivia();
    if (this.at < this.text.length) throw OTHER;
    return this.out.finish(this.text.length);
  }

  /** The binding at the current place; null when it does not end at `end`. */
  onlyBinding(end: number): FlatTree | null {
    this.binding(this.out.mark());
    return this.at === end ? this.out.only() : null;
  }

  private deeper(): void {
    if (++this.levels > MOST_LEVELS) throw OTHER;
  }

  private expression(): void {
    this.deeper();
    this.trivia();
    const mark = this.out.mark();
    const word = this.word();
    switch (word) {
      case "if":
        for (const each of ["if", "then", "else"] as const) {
          this.expectWord(each);
          this.expression();
        }
        this.close(KIND.if_expression, mark);
        break;
      case "with":
      case "assert":
        this.token(KIND[word], word.length);
        this.expression();
        this.expect(KIND[";"], 0x3b);
        this.expression();
        this.close(KIND[`${word}_expression`], mark);
        break;
      case "let":
        this.token(KIND.let, 3);
        this.bindings();
        this.expectWord("in");
        this.expression();
        this.close(KIND.let_expression, mark);
        break;
      default:
        if (this.isFunction()) this.function(mark);
        else this.operation(0);
    }
    this.levels--;
  }

  private isFunction(): boolean {
    const code = this.code();
    if (code === 0x7b) return this.isFormals();
    if (!is(code, NAME_START)) return false;
    const next = this.code(this.after(this.nameEnd()));
    return next === 0x40 || (next === 0x3a && this.uriEnd() === 0);
  }

  /** Whether the brace at the current place opens formals, not a set. */
  private isFormals(): boolean {
    const first = this.after(this.at + 1);
    const code = this.code(first);
    const next = this.code(this.after(code === 0x7d ? first + 1 : this.nameEnd(first)));
    if (code === 0x7d) return next === 0x3a || next === 0x40;
    if (is(code, NAME_START)) return next === 0x2c || next === 0x3f || next === 0x7d;
    return code === 0x2e;
  }

  private function(mark: number): void {
    const isNamed = this.code() !== 0x7b;
    if (isNamed) this.identifier();
    else this.formals();
    this.trivia();
    if (this.code() === 0x40) {
      this.token(KIND["@"], 1);
      this.trivia();
      if (!isNamed) this.identifier();
      else if (this.code() === 0x7b) this.formals();
      else throw OTHER;
    }
    this.expect(KIND[":"], 0x3a);
    this.expression();
    this.close(KIND.function_expression, mark);
  }

  private formals(): void {
    const mark = this.out.mark();
    this.token(KIND["{"], 1);
    this.trivia();
    while (this.code() !== 0x7d) {
      if (this.text.startsWith("...", this.at)) {
        this.token(KIND.ellipses, 3);
        break;
      }
      const formal = this.out.mark();
      this.identifier();
      this.trivia();
      if (this.code() === 0x3f) {
        this.token(KIND["?"], 1);
        this.expression();
      }
      this.close(KIND.formal, formal);
      this.trivia();
      if (this.code() === 0x7d) break;
      this.expect(KIND[","], 0x2c);
      this.trivia();
    }
    this.expect(KIND["}"], 0x7d);
    this.close(KIND.formals, mark);
  }

  /** Operators that bind tighter than `least`, and their operands. */
  private operation(least: number): void {
    this.deeper();
    this.trivia();
    const mark = this.out.mark();
    const isNot = this.code() === 0x21;
    if (isNot || (this.code() === 0x2d && this.pathEnd() === 0)) {
      this.token(KIND[isNot ? "!" : "-"], 1);
      this.operation(isNot ? NOT_LEVEL : NEGATE_LEVEL);
      this.close(KIND.unary_expression, mark);
    } else {
      if (!this.selection()) throw OTHER;
      for (this.trivia(); this.selection(); this.trivia()) this.close(KIND.apply_expression, mark);
    }
    for (let found = this.operator(); found && found.level > least; found = this.operator()) {
      this.token(found.kind, found.length);
      if (found.kind === KIND["?"]) {
        this.trivia();
        this.attrpath();
        this.close(KIND.has_attr_expression, mark);
      } else {
        this.operation(found.right);
        this.close(KIND.binary_expression, mark);
      }
    }
    this.levels--;
  }

  private operator(): Operator | undefined {
    this.trivia();
    if (!is(this.code(), OPERATOR)) return undefined;
    const pair = this.text.slice(this.at, this.at + 2);
    // Pipes, which the grammar does not know.
    if (pair === "|>" || pair === "<|") throw OTHER;
    return OPERATORS.get(pair) ?? OPERATORS.get(pair.charAt(0));
  }

  /** An operand with what is selected from it; false, and nothing is read, where none begins. */
  private selection(): boolean {
    const mark = this.out.mark();
    if (!this.simple(mark)) return false;
    this.trivia();
    if (this.code() !== 0x2e || this.pathEnd() > 0) return true;
    this.token(KIND["."], 1);
    this.trivia();
    this.attrpath();
    this.trivia();
    if (this.word() === "or") {
      this.token(KIND.or, 2);
      this.trivia();
      this.deeper();
      if (!this.selection()) throw OTHER;
      this.levels--;
    }
    return this.close(KIND.select_expression, mark);
  }

  private simple(mark: number): boolean {
    const code = this.code();
    if (is(code, NAME_START)) return this.name(mark);
    switch (code) {
      case 0x22:
        return this.string(mark);
      case 0x27:
        return this.indentedString(mark);
      case 0x7b:
        return this.set(KIND.attrset_expression, mark);
      case 0x28:
        this.token(KIND["("], 1);
        this.expression();
        this.expect(KIND[")"], 0x29);
        return this.close(KIND.parenthesized_expression, mark);
      case 0x5b:
        this.token(KIND["["], 1);
        this.deeper();
        do this.trivia();
        while (this.selection());
        this.levels--;
        this.expect(KIND["]"], 0x5d);
        return this.close(KIND.list_expression, mark);
      case 0x3c: {
        SEARCH_PATH.lastIndex = this.at;
        const found = SEARCH_PATH.exec(this.text);
        return found !== null && this.token(KIND.spath_expression, found[0].length);
      }
      default:
        return this.path(mark) || this.number();
    }
  }

  private number(): boolean {
    let end = this.at;
    while (this.code(end) >= 0x30 && this.code(end) <= 0x39) end++;
    // One with a fraction.
    if (end > this.at && this.code(end) === 0x2e) throw OTHER;
    return end > this.at && this.token(KIND.integer_expression, end - this.at);
  }

  /** What begins with a letter: a name, an address, a path, or a word of the language. */
  private name(mark: number): boolean {
    const end = this.nameEnd();
    const next = this.code(end);
    // Nothing else can go on where a name ends.
    if (next === 0x2e || next === 0x2f || next === 0x2b || next === 0x3a) {
      const uri = this.uriEnd();
      if (uri > 0) return this.token(KIND.uri_expression, uri - this.at);
      if (this.path(mark)) return true;
    }
    const word = this.word();
    if (word === "rec") {
      this.token(KIND.rec, 3);
      this.trivia();
      return this.set(KIND.rec_attrset_expression, mark);
    }
    if (word !== "") return false;
    this.token(KIND.identifier, end - this.at);
    return this.close(KIND.variable_expression, mark);
  }

  private path(mark: number): boolean {
    const end = this.pathEnd();
    if (end === 0) return false;
    this.token(KIND.path_fragment, end - this.at);
    while (this.code() === 0x24) {
      this.interpolation();
      const next = this.fragmentEnd(this.at);
      if (next > this.at) this.token(KIND.path_fragment, next - this.at);
    }
    return this.close(KIND.path_expression, mark);
  }

  private interpolation(): void {
    const mark = this.out.mark();
    if (this.code(this.at + 1) !== 0x7b) throw OTHER;
    this.token(KIND["${"], 2);
    this.expression();
    this.expect(KIND["}"], 0x7d);
    this.close(KIND.interpolation, mark);
  }

  private set(kind: number, mark: number): boolean {
    if (this.code() !== 0x7b) throw OTHER;
    this.token(KIND["{"], 1);
    this.bindings();
    this.expect(KIND["}"], 0x7d);
    return this.close(kind, mark);
  }

  private bindings(): void {
    this.trivia();
    const mark = this.out.mark();
    for (; this.at < this.text.length && this.code() !== 0x7d; this.trivia()) {
      const each = this.out.mark();
      const word = this.word();
      if (word === "in") break;
      if (word === "inherit") this.inherit(each);
      else this.binding(each);
    }
    if (this.out.mark() > mark) this.close(KIND.binding_set, mark);
  }

  private binding(mark: number): void {
    this.attrpath();
    this.expect(KIND["="], 0x3d);
    this.expression();
    this.expect(KIND[";"], 0x3b);
    this.close(KIND.binding, mark);
  }

  private inherit(mark: number): void {
    this.token(KIND.inherit, 7);
    this.trivia();
    const isFrom = this.code() === 0x28;
    if (isFrom) {
      this.token(KIND["("], 1);
      this.expression();
      this.expect(KIND[")"], 0x29);
      this.trivia();
    }
    const names = this.out.mark();
    do {
      this.attr();
      this.trivia();
    } while (this.code() !== 0x3b);
    this.close(KIND.inherited_attrs, names);
    this.token(KIND[";"], 1);
    this.close(isFrom ? KIND.inherit_from : KIND.inherit_binding, mark);
  }

  private attrpath(): void {
    const mark = this.out.mark();
    this.attr();
    for (this.trivia(); this.code() === 0x2e && this.pathEnd() === 0; this.trivia()) {
      this.token(KIND["."], 1);
      this.trivia();
      this.attr();
    }
    this.close(KIND.attrpath, mark);
  }

  private attr(): void {
    const code = this.code();
    if (code === 0x22) this.string(this.out.mark());
    else if (code === 0x24) this.interpolation();
    else this.identifier();
  }

  private string(mark: number): boolean {
    this.token(KIND['"'], 1);
    for (this.fragment(0x22, 0x5c); this.code() !== 0x22; this.fragment(0x22, 0x5c)) {
      if (this.code() === 0x24) this.interpolation();
      else this.escape(1);
    }
    this.token(KIND['"'], 1);
    return this.close(KIND.string_expression, mark);
  }

  private indentedString(mark: number): boolean {
    if (this.code(this.at + 1) !== 0x27) throw OTHER;
    this.token(KIND["''"], 2);
    for (;;) {
      this.fragment(0x27, 0x27);
      const next = this.code(this.at + 2);
      if (this.code() === 0x24) this.interpolation();
      else if (next === 0x27) this.token(KIND.escape_sequence, 3);
      else if (next === 0x24) this.escape(2);
      else if (next === 0x5c) this.escape(3);
      else break;
    }
    if (this.code() !== 0x27) throw OTHER;
    this.token(KIND["''"], 2);
    return this.close(KIND.indented_string_expression, mark);
  }

  /** What stands in a string up to an end or an escape: one of two characters, or twice the same. */
  private fragment(stop: number, other: number): void {
    let end = this.at;
    for (; end < this.text.length; end++) {
      const code = this.code(end);
      if ((code === stop || code === other) && (stop !== other || this.code(end + 1) === stop)) break;
      if (code !== 0x24) continue;
      const next = this.code(end + 1);
      if (next === 0x7b) break;
      // The second of two dollars begins nothing.
      if (next !== stop && next !== other) end++;
    }
    if (end > this.at) this.token(KIND.string_fragment, end - this.at);
  }

  /** An escape whose own characters are `length`. */
  private escape(length: number): void {
    const next = this.code(this.at + length);
    // Nothing to escape, or half of a character.
    if (next === 0 || (next >= 0xd800 && next < 0xe000)) throw OTHER;
    if (next !== 0x24) this.token(KIND.escape_sequence, length + 1);
    else {
      this.token(KIND.dollar_escape, length);
      this.token(KIND.string_fragment, 1);
    }
  }
}
