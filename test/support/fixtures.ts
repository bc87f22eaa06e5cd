/** The fixtures of the rules, and the examples on their pages, as pairs of trees. See docs/development.md. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { type TreeFile, type TreeFiles, type TreePair, textFile } from "./trees.ts";

export const root = fileURLToPath(new URL("../../", import.meta.url));

export interface Fixture {
  readonly rule: string;
  /** `bad-…`: the rule must find something. `ok-…`: a look-alike, on which it must stay silent. */
  readonly name: string;
  readonly directory: string;
  readonly trees: TreePair;
}

/** What a plain folder cannot hold everywhere: links, executables, submodules, odd names, bytes that are no text. */
interface Special {
  readonly mode?: TreeFile["mode"];
  readonly text?: string;
  readonly base64?: string;
}

type SpecialFile = Partial<Record<"base" | "head", Record<string, Special>>> & { readonly subject?: string };

function folders(directory: string): string[] {
  if (!existsSync(directory)) return [];
  return readdirSync(directory, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .sort();
}

function readTree(directory: string, special: Readonly<Record<string, Special>> = {}): TreeFiles {
  const files = new Map<string, TreeFile>();
  const walk = (prefix: string) => {
    for (const entry of readdirSync(`${directory}/${prefix}`, { withFileTypes: true })) {
      const path = `${prefix}${entry.name}`;
      if (entry.isDirectory()) walk(`${path}/`);
      else files.set(path, { mode: "100644", bytes: readFileSync(`${directory}/${path}`) });
    }
  };
  if (existsSync(directory)) walk("");
  for (const [path, { mode = "100644", text = "", base64 }] of Object.entries(special)) {
    files.set(path, {
      mode,
      bytes: base64 === undefined ? Buffer.from(text) : Buffer.from(base64, "base64"),
    });
  }
  return files;
}

/** All fixtures: `fixtures/<rule>/<case>/{base,head}`, and `special.json` where a folder cannot hold a file. */
export function fixtures(): Fixture[] {
  return folders(`${root}fixtures`).flatMap((rule) =>
    folders(`${root}fixtures/${rule}`).map((name) => {
      const directory = `${root}fixtures/${rule}/${name}`;
      const specialFile = `${directory}/special.json`;
      const forgeFile = `${directory}/forge.json`;
      const special: SpecialFile = existsSync(specialFile)
        ? JSON.parse(readFileSync(specialFile, "utf8"))
        : {};
      const trees = {
        base: readTree(`${directory}/base`, special.base),
        head: readTree(`${directory}/head`, special.head),
        subject: special.subject,
        upstream: existsSync(forgeFile) ? JSON.parse(readFileSync(forgeFile, "utf8")) : undefined,
      };
      return { rule, name, directory, trees };
    }),
  );
}

/** An example on a rule's page. */
export interface Example {
  readonly found: boolean;
  readonly trees: TreePair;
}

const EXAMPLE_PATH = "pkgs/by-name/fr/frob/package.nix";

/** The text of one side of a diff that shows a whole file; null when that side has no line. */
function sideOf(diff: string, mark: "-" | "+"): string | null {
  const lines = diff
    .split("\n")
    .filter((line) => line.startsWith(" ") || line.startsWith(mark) || line === "")
    .map((line) => line.slice(1));
  if (!diff.split("\n").some((line) => line.startsWith(mark) || line.startsWith(" "))) return null;
  return `${lines.join("\n")}\n`
    .replaceAll("<CR>", "\r")
    .replace(/<U\+([0-9A-F]{4,6})>/g, (_, code: string) => String.fromCodePoint(Number.parseInt(code, 16)));
}

/** `a{1..3}` as a1, a2, a3. */
function expanded(path: string): string[] {
  const [whole, from, to] = /\{(\d+)\.\.(\d+)\}/.exec(path) ?? [];
  if (whole === undefined) return [path];
  const numbers = Array.from({ length: Number(to) - Number(from) + 1 }, (_, index) => Number(from) + index);
  return numbers.map((number) => path.replace(whole, String(number)));
}

/**
 * The examples of a page: each ```diff block under "### Found" or "### Not found" is one change. A block shows whole
 * files; `diff path=…` names the file (and `mode=…` what it is, `subject="…"` the title of the commit; a path with `{1..30}` names thirty), and blocks joined by a line "and" are one change.
 * A ```json block after a change is what upstream says of it, as in a fixture's forge.json.
 * `<CR>` and `<U+XXXX>` stand for characters that cannot be seen.
 */
export function examples(page: string): Example[] {
  const found: Example[] = [];
  const section = /^### (Found|Not found)\n([\s\S]*?)(?=^##)/gm;
  for (const [, heading, body = ""] of `${page}\n##`.matchAll(section)) {
    let previousEnd = 0;
    let sides: {
      base: Map<string, TreeFile>;
      head: Map<string, TreeFile>;
      subject?: string;
      upstream?: TreePair["upstream"];
    } | null = null;
    for (const block of body.matchAll(/^```(?:diff|json) *(.*)\n([\s\S]*?)\n```$/gm)) {
      if (block[0].startsWith("```json")) {
        if (sides !== null) sides.upstream = JSON.parse(block[2] ?? "");
        previousEnd = block.index + block[0].length;
        continue;
      }
      const joined = body.slice(previousEnd, block.index).trim() === "and";
      previousEnd = block.index + block[0].length;
      if (sides === null || !joined) {
        sides = { base: new Map(), head: new Map() };
        found.push({ found: heading === "Found", trees: sides });
      }
      const [, info = "", diff = ""] = block;
      const subject = /\bsubject="([^"]*)"/.exec(info)?.[1];
      if (subject !== undefined) sides.subject = subject;
      const path = /\bpath=(\S+)/.exec(info)?.[1] ?? EXAMPLE_PATH;
      const mode = (/\bmode=(\d+)/.exec(info)?.[1] ?? "100644") as TreeFile["mode"];
      for (const [side, mark] of [
        ["base", "-"],
        ["head", "+"],
      ] as const) {
        const text = sideOf(diff, mark);
        for (const each of text === null ? [] : expanded(path))
          sides[side].set(each, { ...textFile(text ?? ""), mode });
      }
    }
  }
  return found;
}
