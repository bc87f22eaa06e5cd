/** CODEOWNERS files: whom a path belongs to. https://docs.github.com/articles/about-code-owners */
import ignore from "ignore";
import type { Tree } from "../change/change.ts";

/** A line of a CODEOWNERS file, without its comment. Offsets are into the text. */
export interface OwnerLine {
  readonly pattern: string;
  /** As they stand; none: what matches belongs to nobody. */
  readonly owners: readonly string[];
  readonly start: number;
  readonly end: number;
}

/** GitHub does not read larger files. */
const LARGEST_FILE = 3_000_000;
/** The largest known has some hundred lines. */
const MOST_LINES = 20_000;

/** The lines of a CODEOWNERS file that say something, in order. */
export function ownerLines(text: string): readonly OwnerLine[] {
  const lines: OwnerLine[] = [];
  let start = 0;
  for (const line of text.split("\n", MOST_LINES)) {
    const words = (line.split(/(?:^|\s)#/, 1)[0] ?? "").match(/(?:\\.|[^\s\\])+/g) ?? [];
    const [pattern, ...owners] = words;
    if (pattern !== undefined) lines.push({ pattern, owners, start, end: start + line.length });
    start += line.length + 1;
  }
  return lines;
}

/** `@user` or `@organisation/team`: whom one can mention. Addresses of mail are owners too, and nobody we tell. */
export const MENTION = /^@[A-Za-z0-9][A-Za-z0-9_-]{0,99}(?:\/[A-Za-z0-9][A-Za-z0-9._-]{0,99})?$/;

export interface Owners {
  /** The path of the file. */
  readonly file: string;
  /** Whom a path belongs to, by the last line that matches it: what can be mentioned, each once. */
  of(path: string): readonly string[];
}

/** The owners that a CODEOWNERS file names. */
export function parseOwners(file: string, text: string): Owners {
  const lines = ownerLines(text)
    .flatMap(({ pattern, owners }) => {
      const matches = matcherOf(pattern);
      return matches === null ? [] : [{ matches, owners }];
    })
    .reverse();
  const known = new Map<string, readonly string[]>();
  return {
    file,
    of(path) {
      let owners = known.get(path);
      if (owners === undefined) {
        const line = lines.find(({ matches }) => matches(path));
        owners = [...new Set((line?.owners ?? []).filter((owner) => MENTION.test(owner)))];
        known.set(path, owners);
      }
      return owners;
    },
  };
}

/** Each star lets a match begin anew; nobody needs more. */
const MOST_STARS = 8;

/**
 * Whether a pattern matches a path; null for what GitHub does not take: negation and ranges. Patterns are those of
 * .gitignore, but `docs/*` does not reach into folders.
 */
export function matcherOf(pattern: string): ((path: string) => boolean) | null {
  if (/^!|[[\]]/.test(pattern) || (pattern.match(/\*/g) ?? []).length > MOST_STARS) return null;
  const matcher = ignore({ ignorecase: false, allowRelativePaths: true });
  try {
    matcher.add(pattern.startsWith("#") ? `\\${pattern}` : pattern);
  } catch {
    return null;
  }
  const matches = (path: string) => path !== "" && matcher.ignores(path);
  const isFlat = pattern.endsWith("/*");
  return (path) => matches(path) && !(isFlat && matches(path.slice(0, Math.max(0, path.lastIndexOf("/")))));
}

/** Where GitHub looks, in its order, and where nixpkgs keeps its own. */
export const OWNER_PLACES: readonly string[] = [
  ".github/CODEOWNERS",
  "CODEOWNERS",
  "docs/CODEOWNERS",
  "ci/OWNERS",
];

/**
 * The owners that a tree (of the base) names: in the file at `path`, or else in the first of the usual places. Null:
 * there is no such file, or it is none that can be read.
 */
export async function readOwners(tree: Tree, path: string | null): Promise<Owners | null> {
  for (const place of path === null ? OWNER_PLACES : [path]) {
    const entry = await tree.entry(place);
    if (entry?.kind !== "file" && entry?.kind !== "executable") continue;
    const content = await tree.read(entry);
    if (content.kind !== "text" || content.text.length > LARGEST_FILE) return null;
    return parseOwners(place, content.text);
  }
  return null;
}
