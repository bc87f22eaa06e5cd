/** Where a file mentions fetchers and hashes: found in the text first, so that big files are not walked whole. */

import { parseHash } from "./hash.ts";
import { algorithmOfName, isHashName } from "./hash-names.ts";
import type { NixFile, SourceFile } from "./source-file.ts";
import { attrName, isAttrset, nodeAt, parts, type Region, type SyntaxNode } from "./syntax.ts";

/** A place where a hash is handed to something: a call, or a bare attribute set. */
export interface Site {
  /** The call, `fetchurl { … }`; null for a set that nothing is called with. */
  readonly application: SyntaxNode | null;
  /** What carries the hash: the attribute set literal, or the argument as it stands. */
  readonly carrier: SyntaxNode;
}

/** A string literal that is a hash, with the name that says so. */
export interface HashLiteral {
  readonly node: SyntaxNode;
  /** The attribute that it is bound to, directly or through sets and lists; null for one without, that looks like a hash. */
  readonly name: string | null;
  /** The names of all bindings around it, innermost first. */
  readonly path: readonly string[];
  /** It is an argument of its own, as in `generic "1.2" "…"`, and nothing names it a hash. */
  readonly argument: boolean;
}

/** The conditions around a node that must hold (or not) for it to be reached. */
export function conditionsAround(
  node: SyntaxNode,
): readonly { readonly condition: SyntaxNode; readonly holds: boolean }[] {
  const conditions: { condition: SyntaxNode; holds: boolean }[] = [];
  let child = node;
  for (let up = node.parent; up; up = up.parent) {
    if (up.type === "if_expression") {
      const [condition, consequence, alternative] = parts(up);
      if (condition && child === consequence) conditions.push({ condition, holds: true });
      if (condition && child === alternative) conditions.push({ condition, holds: false });
    }
    child = up;
  }
  return conditions;
}

export const ANCHOR =
  /\b(?:fetch[A-Za-z0-9_]*|requireFile|pullImage|[A-Za-z0-9_-]{0,200}(?:[hH]ash|[sS]ha(?:1|256|512)|md5))\b/g;
/** What each of these holds: looked for first, as it is found sooner. */
const IN_ANCHOR = /fetch|requireFile|pullImage|[hH]ash|[sS]ha(?:1|256|512)|md5/g;
/** With a place of its own to go on from. */
const NEXT_ANCHOR = new RegExp(ANCHOR);
const OF_ANCHOR = /[A-Za-z0-9_-]/;
/** Digests are 26 (md5 in nix32) to 128 characters (sha512 in hex); SRI adds its prefix. */
export const LITERAL = /"(?:(?:sha(?:1|256|512)|md5)[-:])?([A-Za-z0-9+/]{26,128}={0,2})"/g;

/** The names of fetchers and hashes in a stretch of a text, with their places in the whole text. */
export function* anchorsIn(text: string, { start, end }: Region): Generator<Match> {
  const stretch = text.slice(start, end);
  let at = 0;
  for (;;) {
    IN_ANCHOR.lastIndex = at;
    const inner = IN_ANCHOR.exec(stretch);
    if (!inner) return;
    let first = inner.index;
    while (first > at && OF_ANCHOR.test(stretch[first - 1] as string)) first--;
    NEXT_ANCHOR.lastIndex = first;
    const match = NEXT_ANCHOR.exec(stretch);
    if (!match) return;
    at = match.index + match[0].length;
    yield { index: start + match.index, 0: match[0] };
  }
}

interface Match {
  readonly index: number;
  readonly 0: string;
}

/** The sites of a file, in order; of the stretches `within`, when not null. */
export function sitesOf(file: NixFile, within: readonly Region[] | null): readonly Site[] {
  const sites = new Map<SyntaxNode, Site>();
  const { text } = file.document;
  for (const region of within ?? [{ start: 0, end: text.length }]) {
    for (const match of anchorsIn(text, region)) {
      const node = nodeAt(file.document.root, match.index, match.index + match[0].length);
      const site = node.type === "identifier" ? siteOf(node, match[0]) : null;
      if (site) sites.set(site.application ?? site.carrier, site);
    }
  }
  return [...sites.values()].sort((a, b) => a.carrier.start - b.carrier.start);
}

function siteOf(identifier: SyntaxNode, name: string): Site | null {
  const parent = identifier.parent;
  if (parent?.type === "attrpath" && parent.parent?.type === "binding") {
    if (!isHashName(name) || parts(parent).at(-1) !== identifier) return null;
    // `sha256.x86_64-linux = …` is a map of hashes, not a pin.
    return parts(parent).length === 1 ? carrierSite(setAround(parent.parent)) : null;
  }
  if (parent?.type === "inherited_attrs") {
    return isHashName(name) && parent.parent ? carrierSite(setAround(parent.parent)) : null;
  }
  if (!name.startsWith("fetch") && name !== "requireFile" && name !== "pullImage") return null;
  const callee = parent?.type === "attrpath" ? parent.parent : parent;
  const application = callee?.parent;
  if (!callee || application?.type !== "apply_expression" || application.children[0] !== callee) return null;
  const argument = parts(application)[1];
  return argument ? { application, carrier: literalSet(argument) ?? argument } : null;
}

function setAround(binding: SyntaxNode): SyntaxNode | null {
  const set = binding.parent?.parent;
  return set && isAttrset(set) ? set : null;
}

function carrierSite(set: SyntaxNode | null): Site | null {
  return set && { application: applicationOf(set), carrier: set };
}

function literalSet(argument: SyntaxNode): SyntaxNode | null {
  let node = argument;
  while (node.type === "parenthesized_expression") {
    const [inner] = parts(node);
    if (!inner) return null;
    node = inner;
  }
  return isAttrset(node) ? node : null;
}

/** The call that a set is the argument of, also through parentheses, `//`, `finalAttrs:`, `let` and `with`. */
function applicationOf(set: SyntaxNode): SyntaxNode | null {
  let child = set;
  for (let up = set.parent; up; up = up.parent) {
    switch (up.type) {
      case "parenthesized_expression":
        break;
      case "binary_expression":
        if (up.children.some((operator) => operator.type === "++" || operator.type === "+")) return null;
        break;
      case "function_expression":
      case "let_expression":
      case "with_expression":
      case "assert_expression":
        if (parts(up).at(-1) !== child) return null;
        break;
      case "apply_expression":
        return parts(up)[1] === child ? up : null;
      default:
        return null;
    }
    child = up;
  }
  return null;
}

/** Matches of a pattern, in order, with places in the whole text. */
function* matchesIn(text: string, pattern: RegExp, within: readonly Region[] | null): Generator<Match> {
  for (const { start, end } of within ?? [{ start: 0, end: text.length }]) {
    for (const match of text.slice(start, end).matchAll(pattern))
      yield { index: start + match.index, 0: match[0] };
  }
}

/** SHA-256 in base 32 as Nix has it, or in hex. */
const DIGEST = /^(?:[0-9abcdfghijklmnpqrsvwxyz]{52}|[0-9a-f]{64})$/;

/** The hash literals of a file, in order; of the stretches `within`, when not null. */
export function hashLiteralsOf(file: NixFile, within: readonly Region[] | null): readonly HashLiteral[] {
  const literals: HashLiteral[] = [];
  for (const match of matchesIn(file.document.text, LITERAL, within)) {
    const node = nodeAt(file.document.root, match.index, match.index + match[0].length);
    if (node.type !== "string_expression") continue;
    const path = bindingPath(file, node);
    const name = path.find((candidate) => isHashName(candidate.replace(/(?:es|s)$/, ""))) ?? null;
    const text = match[0].slice(1, -1);
    const algorithm = name === null ? undefined : algorithmOfName(name.replace(/s$/, ""));
    const prefixed = /^(?:sha(?:1|256|512)|md5)[-:]/.test(text);
    const parent = node.parent?.type ?? "";
    const argument = name === null && !prefixed && parent === "apply_expression";
    // In a list, or under any name: `[ "https://…" "0abc…" ]`, `digest = "0abc…"`. What else is as long as these?
    const isLikely =
      name === null && !prefixed && DIGEST.test(text) && /^(?:binding|list_expression)$/.test(parent);
    if (
      (name !== null || prefixed || argument || isLikely) &&
      parseHash(text, prefixed ? undefined : algorithm)
    ) {
      literals.push({ node, name, path, argument });
    }
  }
  return literals;
}

/** The last name that a node is directly bound to; null when it is no binding's value. */
export function bindingName(file: SourceFile, node: SyntaxNode): string | null {
  const binding = node.parent;
  if (binding?.type !== "binding") return null;
  const [attrpath] = parts(binding);
  const attr = attrpath && attrpath !== node ? parts(attrpath).at(-1) : undefined;
  return attr ? attrName(file.text, attr) : null;
}

/** The names of the bindings around a node, innermost first; computed names are left out. */
export function bindingPath(file: SourceFile, node: SyntaxNode): readonly string[] {
  const names: string[] = [];
  for (let up = node.parent; up; up = up.parent) {
    if (up.type !== "binding") continue;
    const [attrpath] = parts(up);
    for (const attr of attrpath ? [...parts(attrpath)].reverse() : []) {
      const name = attrName(file.text, attr);
      if (name !== null) names.push(name);
    }
  }
  return names;
}
