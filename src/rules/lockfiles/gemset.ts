/** `gemset.nix`, as bundix writes it, in whatever layout: attribute sets, lists and texts, and nothing that is evaluated. */
import { entry, hostOf, integrityOf, type LockEntry, type LockFormat, listOf, textOf } from "./entry.ts";

const REGISTRY = "rubygems.org";

type Token = { readonly kind: "mark" | "word" | "text" | "path"; readonly text: string };

const BLANK = /\s+/y;
const TEXT = /"((?:[^"\\$]|\\[\s\S]|\$(?!\{)){0,2000})"/y;
const WORD = /[A-Za-z_][\w'-]*/y;
const NUMBER = /-?\d[\d.]*/y;
const PATH = /\.{0,2}\/[\w.+/-]*/y;
const MARKS = "{}[]=;.";
/** A gem's sets and lists are three or four deep. */
const DEEPEST = 20;

/** The tokens of a text. @throws Error at what no gemset holds */
function* tokensOf(text: string): Generator<Token> {
  let at = 0;
  const take = (expression: RegExp): string | null => {
    expression.lastIndex = at;
    const found = expression.exec(text);
    if (found === null) return null;
    at = expression.lastIndex;
    return found[1] ?? found[0];
  };
  while (at < text.length) {
    if (take(BLANK) !== null) continue;
    const end = text.startsWith("#", at) ? "\n" : text.startsWith("/*", at) ? "*/" : null;
    if (end !== null) {
      const found = text.indexOf(end, at + 2 - end.length);
      at = found < 0 ? text.length : found + end.length;
      continue;
    }
    const quoted = take(TEXT);
    if (quoted !== null) {
      yield { kind: "text", text: quoted.replace(/\\([\s\S])/g, "$1") };
      continue;
    }
    const path = take(PATH);
    if (path !== null) {
      yield { kind: "path", text: path };
      continue;
    }
    const word = take(WORD) ?? take(NUMBER);
    if (word !== null) {
      yield { kind: "word", text: word };
      continue;
    }
    const mark = text.charAt(at);
    if (!MARKS.includes(mark)) throw new Error(`no gemset holds ${mark}`);
    at += 1;
    yield { kind: "mark", text: mark };
  }
}

/** An attribute set: what a name stands for. */
type Fields = Map<string, unknown>;

/** The one value of a text. @throws Error on anything else */
function readValue(text: string): unknown {
  const tokens = tokensOf(text);
  let token = next();
  function next(): Token | null {
    const { value, done } = tokens.next();
    return done ? null : value;
  }
  const isMark = (mark: string) => token?.kind === "mark" && token.text === mark;
  const expect = (mark: string) => {
    if (!isMark(mark)) throw new Error(`expected ${mark}`);
    token = next();
  };
  function name(): string {
    if (token === null || (token.kind !== "word" && token.kind !== "text"))
      throw new Error("expected a name");
    const { text: found } = token;
    token = next();
    return found;
  }
  function set(depth: number): Fields {
    const fields: Fields = new Map();
    expect("{");
    while (!isMark("}")) {
      // `source.sha256 = …` is a name in a set, too.
      let into = fields;
      let last = name();
      while (isMark(".")) {
        token = next();
        const inner = into.get(last) ?? new Map<string, unknown>();
        if (!(inner instanceof Map)) throw new Error(`${last} is no set`);
        into.set(last, inner);
        into = inner as Fields;
        last = name();
      }
      expect("=");
      if (into.has(last)) throw new Error(`${last} stands twice`);
      into.set(last, value(depth + 1));
      expect(";");
    }
    expect("}");
    return fields;
  }
  function value(depth: number): unknown {
    if (depth > DEEPEST || token === null) throw new Error("nested too deeply, or cut off");
    if (isMark("{")) return set(depth);
    if (isMark("[")) {
      const items: unknown[] = [];
      token = next();
      while (!isMark("]")) items.push(value(depth + 1));
      expect("]");
      return items;
    }
    const { kind, text: found } = token;
    token = next();
    if (kind === "text" || kind === "path") return found;
    if (kind === "word" && /^(?:true|false|null|-?\d.*)$/.test(found)) return null;
    throw new Error(`no gemset holds ${found}`);
  }
  const whole = value(0);
  if (token !== null) throw new Error("more than one value");
  return whole;
}

/** The sets in a gem's set that say from where something is fetched: its source, and those of platforms. */
function sourcesOf(value: unknown): Fields[] {
  if (Array.isArray(value)) return value.flatMap(sourcesOf);
  if (!(value instanceof Map)) return [];
  const fields = value as Fields;
  const own = ["sha256", "hash", "remotes", "url", "path"].some((key) => fields.has(key)) ? [fields] : [];
  return [...own, ...[...fields.values()].flatMap(sourcesOf)];
}

function readGemset(text: string): readonly LockEntry[] {
  const gems = readValue(text);
  if (!(gems instanceof Map)) throw new Error("no attribute set");
  return [...(gems as Fields)].flatMap(([name, gem]) => {
    if (!(gem instanceof Map)) throw new Error(`${name} is no attribute set`);
    const version = textOf((gem as Fields).get("version"));
    const sources = sourcesOf(gem);
    return (sources.length === 0 ? [new Map<string, unknown>()] : sources).map((fields) => {
      const git = textOf(fields.get("url"));
      const path = textOf(fields.get("path"));
      const remotes = listOf(fields.get("remotes")).flatMap((remote) => textOf(remote) ?? []);
      return entry({
        name,
        version,
        // Of several registries, the one that does not go without saying.
        location: git ?? remotes.find((remote) => hostOf(remote) !== REGISTRY) ?? remotes[0] ?? path,
        origin: git !== null ? "git" : path !== null ? "path" : "registry",
        hashes: integrityOf(fields.get("sha256") ?? fields.get("hash")),
      });
    });
  });
}

export const gemset: LockFormat = { ecosystem: "gem", registries: [REGISTRY], read: readGemset };
