/** Hash literals in texts: evaluation must have seen each one that a change brings. */
import { isHashAlgorithm, toSri } from "../nix/hash.ts";

/** A hash, as SRI, and where it stands: lines and columns from 1, `endColumn` after the last character. */
export interface HashLiteral {
  readonly hash: string;
  readonly line: number;
  readonly startColumn: number;
  readonly endColumn: number;
}

const TOKEN =
  /(?:(?<![\w'-])([\w'-]+)"?\s*[=:]\s*)?"((?:(?:md5|sha1|sha256|sha512)[-:])?[A-Za-z0-9+/]{22,128}={0,2})"/g;
/** Attribute names whose value of 32 or 40 bare hex digits is a hash, not a git revision. */
const HASH_NAME = /hash|sha1|md5/i;

/** The hashes in a text that stand between quotes. */
export function hashLiterals(text: string): readonly HashLiteral[] {
  const found: HashLiteral[] = [];
  let line = 1;
  let lineStart = 0;
  let counted = 0;
  for (const match of text.matchAll(TOKEN)) {
    const [, name = "", value = ""] = match;
    const bare = !/^(md5|sha1|sha256|sha512)[-:]/.test(value);
    if (bare && value.length <= 40 && !HASH_NAME.test(name)) continue;
    const algorithm = isHashAlgorithm(name) ? name : undefined;
    const hash = toSri(value, algorithm);
    if (hash === null) continue;
    const end = match.index + match[0].length - 1;
    const start = end - value.length;
    for (; counted < start; counted++) {
      if (text.charCodeAt(counted) !== 10) continue;
      line++;
      lineStart = counted + 1;
    }
    found.push({ hash, line, startColumn: start - lineStart + 1, endColumn: end - lineStart + 1 });
  }
  return found;
}

/** The texts of the changed files, by path; files without a text are not there. */
export interface ChangedTexts {
  readonly base: ReadonlyMap<string, string>;
  readonly head: ReadonlyMap<string, string>;
}

/** The hashes that stand in the base's texts. */
export function hashesBefore({ base }: ChangedTexts): ReadonlySet<string> {
  return new Set([...base.values()].flatMap((text) => hashLiterals(text).map(({ hash }) => hash)));
}

/** The hashes of a text of the head that are not among those before. */
export function newLiterals(head: string, before: ReadonlySet<string>): readonly HashLiteral[] {
  return hashLiterals(head).filter(({ hash }) => !before.has(hash));
}
