/** A source pin as plain data, from what evaluation found. */

import { overridesAttrs } from "./binders.ts";
import { asSet } from "./evaluate.ts";
import { type Fetcher, type FetcherArguments, fetcherNamed, type Location } from "./fetchers.ts";
import { isHashAlgorithm, toSri } from "./hash.ts";
import { algorithmOfName, isDependencyHash, isHashName } from "./hash-names.ts";
import { impliedLocation } from "./implied.ts";
import type { Argument, Source, SourceRole, Span, Text } from "./model.ts";
import type { PackageFacts } from "./packages.ts";
import { recipeOf } from "./recipe.ts";
import type { Session } from "./session.ts";
import { bindingPath } from "./sites.ts";
import type { NixFile, SourceFile } from "./source-file.ts";
import { attrNames, bindingsOf, isAttrset, nodeMemo, type SyntaxNode } from "./syntax.ts";
import { asText, knownText, type Origin, type SetValue, type Value } from "./value.ts";

export interface FoundPin {
  readonly session: Session;
  readonly file: NixFile;
  /** What the pin is, in `file`: a call or set, or the hash literal itself where a value was traced. */
  readonly node: SyntaxNode;
  /** The set literal (or argument, or literal) that carries the hash. */
  readonly carrier: SyntaxNode;
  readonly fetcher: string | null;
  readonly attributes: SetValue;
  readonly hashName: string;
  /** The attribute that the hash is written to, when it is handed on under another name. */
  readonly hashAttribute?: string;
  readonly hash: Value;
  readonly origin: Origin;
  readonly package: PackageFacts;
}

/** Where a pin stands and what stands with it, for a Nix file. */
export function makeSource(found: FoundPin): Source {
  const { file, node, carrier, hashName } = found;
  const dependency = isDependencyHash(hashName);
  const fetcher = fetcherNamed(found.fetcher);
  const path = bindingPath(file, dependency ? carrier : node);
  const [first = ""] = path;
  const { urlSpan, shape } = written(file, carrier, fetcher);
  return sourceAt(found, {
    names: dependency ? [hashName, ...path] : isHashName(first) ? path.slice(1) : path,
    span: pinSpan(found),
    urlSpan,
    shape: dependency ? [] : shape,
    packageSpan: found.package.node && spanOfNode(file, found.package.node),
  });
}

/** The place of a pin in its file, whatever the file's language. */
export interface PinPlace extends Pick<Source, "span" | "urlSpan" | "shape" | "packageSpan"> {
  /** The names that lead to it, innermost first. */
  readonly names: readonly string[];
}

/** A pin without its place in a Nix file. */
export type FoundValues = Omit<FoundPin, "file" | "node" | "carrier">;

/** A pin at a place, from the values found for it. */
export function sourceAt(found: FoundValues, place: PinPlace): Source {
  const { origin, hashName, attributes } = found;
  const dependency = isDependencyHash(hashName);
  const fetcher = fetcherNamed(found.fetcher);
  const args = argumentsOf(found.session, attributes);
  const { names, ...spans } = place;
  const location = locationOf(found, fetcher, args, names);
  const role = roleOf(dependency, found, fetcher?.role ?? "other", names);
  return {
    path: origin.file.path,
    binding: [...names].reverse().join("."),
    fetcher: found.fetcher,
    role,
    version: found.package.version,
    versionSpan: found.package.versionOrigin && spanOf(found.package.versionOrigin),
    pname: found.package.pname,
    name: nameOf(args, location),
    urls: location.urls,
    rev: location.rev,
    hash: hashOf(found.hash, hashName, args),
    hashAttribute: found.hashAttribute ?? hashName,
    hashSpan: spanOf(origin),
    recipe: recipeOf(found.session, attributes, found.fetcher, hashName, role),
    ...spans,
  };
}

/** nixpkgs took `stdenv.lib` away in 2021; before, fetchFromGitLab made other addresses, and which ones cannot be told. */
const BEFORE_2021 = /\bstdenv\.lib\b/;

/** Where the bytes are from: what the fetcher makes of its arguments, or what a set without one says. */
function locationOf(
  { hashName, fetcher: name, origin, package: around }: FoundValues,
  fetcher: Fetcher | undefined,
  args: FetcherArguments,
  names: readonly string[],
): Location {
  if (isDependencyHash(hashName)) return { urls: [], rev: null };
  const location = fetcher?.locate(args) ?? impliedLocation(args, names, around) ?? plainLocation(args);
  if (name !== "fetchFromGitLab" || !BEFORE_2021.test(origin.file.text)) return location;
  return { ...location, urls: location.urls.map(({ value }) => ({ value, resolved: false })) };
}

function plainLocation(args: FetcherArguments): Location {
  return { urls: args.texts("urls") ?? listOf(args.text("url")), rev: args.text("rev") };
}

/** Whether a pin is an entry of a `gemset.nix`, which says of what its hash is without a fetcher. */
export function isGem({ fetcher, shape }: Source): boolean {
  return fetcher === null && shape.some(({ name, text }) => name === "type" && text === '"gem"');
}

/** The name of what is fetched: the `name` argument, else the last part of the address. */
function nameOf(args: FetcherArguments, location: Location): string | null {
  const name = args.text("name") ?? location.urls[0];
  return name ? name.value.replace(/\/$/, "").replace(/^.*\//, "") : null;
}

function listOf(text: Text | null): readonly Text[] {
  return text ? [text] : [];
}

/** What holds the hash of dependencies under a plain name: `cargoDeps = old.cargoDeps.overrideAttrs { outputHash = …; }`. */
const HOLDS_DEPENDENCIES =
  /^(?:(?:cargo|npm|pnpm|yarn|bun|deno|zig|maven|nuget|mixFod)Deps|(?:yarnO|o)fflineCache|goModules|fetchAttrs|vendorStaging)$/;

function roleOf(
  dependency: boolean,
  { fetcher: name }: FoundValues,
  fetcher: SourceRole,
  names: readonly string[],
): SourceRole {
  if (dependency || fetcher === "dependencies") return "dependencies";
  if ((name === null || overridesAttrs(name)) && names.some((each) => HOLDS_DEPENDENCIES.test(each)))
    return "dependencies";
  if (names.includes("patches")) return "patch";
  return fetcher;
}

/** The pin itself where its hash stands: what hands on a hash of another file is not the pin. */
function pinSpan({ file, node, carrier, origin, hashName }: FoundPin): Span {
  if (origin.file.path !== file.path) return spanOf(origin);
  const pin = isAttrset(carrier) && carrier.start < node.start ? carrier : node;
  return spanOfNode(file, hashName === "outputHash" ? withLaterArguments(pin) : pin);
}

/** `runCommand "x" { outputHash = …; } "script"`: the script is part of what is pinned. */
function withLaterArguments(node: SyntaxNode): SyntaxNode {
  let call = node;
  while (call.parent?.type === "apply_expression" && call.parent.children[0] === call) call = call.parent;
  return call;
}

function spanOfNode(file: SourceFile, node: SyntaxNode): Span {
  return { path: file.path, start: node.start, end: node.end };
}

function spanOf(origin: Origin): Span {
  return { path: origin.file.path, start: origin.start, end: origin.end };
}

/**
 * The hash as SRI; a text that is no hash as it stands; null when empty or not known. An `outputHashAlgo` beside it names the
 * algorithm, as the attribute's own name does.
 */
function hashOf(value: Value, name: string, args: FetcherArguments): string | null {
  const text = knownText(value);
  if (text === null) return null;
  const stated = args.text("outputHashAlgo")?.value ?? "";
  if (text === "") return null;
  return toSri(text, algorithmOfName(name) ?? (isHashAlgorithm(stated) ? stated : undefined)) ?? text;
}

function argumentsOf(session: Session, attributes: SetValue): FetcherArguments {
  const get = (name: string): Value | null => attributes.entries.get(name)?.() ?? null;
  return {
    text(name) {
      const value = get(name);
      return value && asText(value);
    },
    texts(name) {
      const value = get(name);
      if (value?.kind !== "list") return value ? listOf(asText(value)) : null;
      const texts: Text[] = [];
      for (const item of value.items) {
        const text = asText(item());
        if (text) texts.push(text);
      }
      return texts;
    },
    flag(name) {
      const value = get(name);
      if (!value || value.kind === "null") return false;
      if (value.kind === "text" && knownText(value) === "") return false;
      if (value.kind === "list" && value.items.length === 0) return false;
      if (value.kind === "set" && asSet(session, value)?.entries.size === 0) return false;
      return value.kind !== "bool" || value.value;
    },
  };
}

type Written = Pick<Source, "urlSpan" | "shape">;
const knownWritten = nodeMemo<Map<Fetcher | undefined, Written>>();

/** What a carrier's own text says, worked out once: a map of hashes carries a pin for each of its entries. */
function written(file: SourceFile, carrier: SyntaxNode, fetcher: Fetcher | undefined): Written {
  const known = knownWritten.get(carrier) ?? new Map<Fetcher | undefined, Written>();
  knownWritten.set(carrier, known);
  let made = known.get(fetcher);
  if (!made) {
    made = {
      urlSpan: locationSpan(file, carrier, fetcher?.location ?? ["url", "urls"]),
      shape: shapeOf(file, carrier, fetcher?.location ?? ["url", "urls", "rev"]),
    };
    known.set(fetcher, made);
  }
  return made;
}

function locationSpan(file: SourceFile, carrier: SyntaxNode, names: readonly string[]): Span | null {
  if (!isAttrset(carrier)) return null;
  for (const binding of bindingsOf(carrier)) {
    if (binding.kind !== "binding") continue;
    const [name] = attrNames(file.text, binding.attrpath);
    if (typeof name === "string" && names.includes(name)) {
      return { path: file.path, start: binding.node.start, end: binding.node.end };
    }
  }
  return null;
}

/** The arguments that neither say where the bytes are from, nor which they are, nor only name the result. */
function shapeOf(file: SourceFile, carrier: SyntaxNode, location: readonly string[]): readonly Argument[] {
  if (!isAttrset(carrier)) return [];
  const shape: Argument[] = [];
  for (const binding of bindingsOf(carrier)) {
    if (binding.kind !== "binding") continue;
    const [name, ...rest] = attrNames(file.text, binding.attrpath);
    if (typeof name !== "string" || rest.length > 0) continue;
    if (
      location.includes(name) ||
      isHashName(name) ||
      ["name", "pname", "version", "meta", "passthru"].includes(name)
    ) {
      continue;
    }
    shape.push({
      name,
      text: plainText(file.text.slice(binding.value.start, binding.value.end)),
      span: { path: file.path, start: binding.value.start, end: binding.value.end },
    });
  }
  return shape.sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Source text without full-line comments and with white space folded, for comparing across reformatting. */
function plainText(text: string): string {
  return text
    .replace(/^[ \t]*#.*$/gm, "")
    .replace(/\s+/g, " ")
    .trim();
}
