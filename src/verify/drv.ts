/**
 * Derivations as Nix stores them: `.drv` files in ATerm form, which is the same in every version of Nix, unlike the JSON of
 * `nix derivation show`. https://nix.dev/manual/nix/2.28/protocols/derivation-aterm
 */
import { type Hash, parseHash } from "../nix/hash.ts";

export interface DerivationOutput {
  readonly path: string;
  /** `sha256` or `r:sha256` for fixed outputs; "" otherwise. */
  readonly algorithm: string;
  /** The declared hash in hex; "" when the output is not fixed. */
  readonly hash: string;
}

export interface Derivation {
  /** Its own store path. */
  readonly path: string;
  readonly name: string;
  readonly outputs: ReadonlyMap<string, DerivationOutput>;
  /** Derivations that it needs, with the names of the needed outputs. */
  readonly inputDerivations: ReadonlyMap<string, readonly string[]>;
  readonly inputSources: readonly string[];
  readonly system: string;
  readonly builder: string;
  readonly args: readonly string[];
  readonly env: ReadonlyMap<string, string>;
}

export type HashMode = "flat" | "recursive" | "text";

/** What a fixed-output derivation promises. */
export interface FixedOutput {
  readonly path: string;
  readonly mode: HashMode;
  readonly hash: Hash;
}

/** A derivation from the text of its `.drv` file. Throws a `SyntaxError` for what Nix would not have written. */
export function parseDerivation(path: string, text: string): Derivation {
  const reader = new Reader(text);
  reader.expect("Derive(");
  const outputs = new Map<string, DerivationOutput>();
  reader.list(() => {
    const [name, output, algorithm, hash] = reader.tuple(4);
    outputs.set(name as string, {
      path: output as string,
      algorithm: algorithm as string,
      hash: hash as string,
    });
  });
  reader.expect(",");
  const inputDerivations = new Map<string, readonly string[]>();
  reader.list(() => {
    reader.expect("(");
    const input = reader.string();
    reader.expect(",");
    inputDerivations.set(input, reader.strings());
    reader.expect(")");
  });
  reader.expect(",");
  const inputSources = reader.strings();
  reader.expect(",");
  const system = reader.string();
  reader.expect(",");
  const builder = reader.string();
  reader.expect(",");
  const args = reader.strings();
  reader.expect(",");
  const env = new Map<string, string>();
  reader.list(() => {
    const [name, value] = reader.tuple(2);
    env.set(name as string, value as string);
  });
  reader.expect(")");
  const name = path.replace(/^.*\/[a-z0-9]{32}-/, "").replace(/\.drv$/, "");
  return { path, name, outputs, inputDerivations, inputSources, system, builder, args, env };
}

/** What the derivation promises, when it is a fixed-output derivation; null otherwise. */
export function fixedOutput(derivation: Derivation): FixedOutput | null {
  const output = derivation.outputs.get("out");
  if (derivation.outputs.size !== 1 || !output || output.hash === "") return null;
  const [, method, algorithm] = /^(r:|text:)?(.*)$/.exec(output.algorithm) ?? [];
  const hash = parseHash(`${algorithm}:${output.hash}`);
  if (!hash) return null;
  const mode = method === "r:" ? "recursive" : method === "text:" ? "text" : "flat";
  return { path: output.path, mode, hash };
}

/**
 * The attributes that the derivation was made of: its environment, or, with `__structuredAttrs`, the JSON in it. A recipe can
 * also write that variable itself, with anything in it: it then hides nothing of the environment.
 * https://nix.dev/manual/nix/2.28/language/advanced-attributes#adv-attr-structuredAttrs
 */
export function attributesOf({ env }: Derivation): Readonly<Record<string, unknown>> {
  const { __json: json, ...plain } = Object.fromEntries(env);
  return json === undefined ? plain : { ...plain, ...parsedSet(json) };
}

function parsedSet(json: string): object {
  try {
    const parsed: unknown = JSON.parse(json);
    return typeof parsed === "object" && parsed !== null ? parsed : {};
  } catch {
    return {};
  }
}

/** An attribute that is a text or a list of texts, as words, like nixpkgs' builders read `urls`. */
export function wordsOf(value: unknown): readonly string[] {
  if (typeof value === "string") return value.split(/\s+/).filter((word) => word !== "");
  return Array.isArray(value) ? value.filter((word) => typeof word === "string") : [];
}

const ESCAPES: Readonly<Record<string, string>> = { n: "\n", r: "\r", t: "\t" };

class Reader {
  private at = 0;
  private readonly text: string;
  constructor(text: string) {
    this.text = text;
  }

  expect(token: string): void {
    if (!this.text.startsWith(token, this.at)) {
      throw new SyntaxError(`not a derivation: expected ${JSON.stringify(token)} at ${this.at}`);
    }
    this.at += token.length;
  }

  string(): string {
    this.expect('"');
    const start = this.at;
    let end = this.text.indexOf('"', start);
    if (end === -1) throw new SyntaxError("not a derivation: a string does not end");
    const plain = this.text.slice(start, end);
    if (!plain.includes("\\")) {
      this.at = end + 1;
      return plain;
    }
    end = start;
    while (this.text[end] !== '"') {
      if (end >= this.text.length) throw new SyntaxError("not a derivation: a string does not end");
      end += this.text[end] === "\\" ? 2 : 1;
    }
    this.at = end + 1;
    return this.text
      .slice(start, end)
      .replace(/\\([\s\S])/g, (_, character: string) => ESCAPES[character] ?? character);
  }

  list(item: () => void): void {
    this.expect("[");
    while (this.text[this.at] !== "]") {
      if (this.text[this.at] === ",") this.at++;
      item();
    }
    this.at++;
  }

  strings(): readonly string[] {
    const items: string[] = [];
    this.list(() => items.push(this.string()));
    return items;
  }

  tuple(size: number): readonly string[] {
    const items: string[] = [];
    this.expect("(");
    for (let n = 0; n < size; n++) {
      if (n > 0) this.expect(",");
      items.push(this.string());
    }
    this.expect(")");
    return items;
  }
}
