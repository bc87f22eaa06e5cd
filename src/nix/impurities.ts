/** What makes evaluation read its machine or the network: https://nix.dev/manual/nix/2.28/language/builtins */
import { type Built, builtRead, importedModule, MAY_READ_BUILT } from "./builds.ts";
import { appliedFunction, bindsName, boundTo } from "./code-text.ts";
import type { Impurity } from "./model.ts";
import { inPieces } from "./pieces.ts";
import { computedName } from "./places.ts";
import type { CodeFile } from "./scripts.ts";
import {
  attrName,
  attrNames,
  bare,
  bindingsOf,
  isAttrset,
  nodeAt,
  parts,
  type Region,
  type SyntaxNode,
  visitIn,
} from "./syntax.ts";

/** When there are as many, it is said that there may be more: a flood of harmless ones hides no grave one. */
const MOST_FOUND = 1_000;

const BUILTINS: Readonly<Record<string, Impurity["kind"]>> = {
  getEnv: "environment",
  currentSystem: "environment",
  currentTime: "clock",
  nixPath: "search-path",
  exec: "execution",
  importNative: "execution",
  fetchurl: "fetch",
  fetchTarball: "fetch",
  fetchGit: "fetch",
  fetchMercurial: "fetch",
  fetchTree: "fetch",
  fetchClosure: "fetch",
  getFlake: "fetch",
  storePath: "path",
};

/** What each impurity below has in its file's text. Most files have none of it, and are not walked. */
const MAY_BE_IMPURE = new RegExp(
  [
    "builtins",
    "__[A-Za-z]",
    "fetch(?:Tarball|Git|Mercurial|Tree)\\b",
    "<[A-Za-z]", // <nixpkgs>
    "~/",
    '(?:^|[^\\w.$}"/]|(?<!\\$\\{[^{}]{0,80})\\})/[\\w.+${-]', // a path, /etc/passwd; `${x}/bin` is none
    '"/', // readFile "/etc/passwd"
  ].join("|"),
  "m",
);

/** The impurities of a Nix file that `regions` touch, in order. `onCut` is told when there are more than are looked at. */
export function impuritiesOf(
  file: CodeFile,
  regions: readonly Region[],
  onCut: (what: string) => void = () => {},
): readonly Impurity[] {
  if (file.kind !== "nix" || !(MAY_BE_IMPURE.test(file.text) || MAY_READ_BUILT.test(file.text))) return [];
  const { text } = file.document;
  const found = new Map<string, Impurity>();
  for (const region of inPieces(file.document, regions)) {
    visitIn(text, nodeAt(file.document.root, region.start, region.end), region, (node) => {
      const seen = impurityAt(text, node) ?? moduleAt(text, node);
      if (seen)
        found.set(`${node.start}-${node.end}`, {
          ...seen,
          argument: argumentOf(text, node, seen.kind),
          path: file.path,
          span: { path: file.path, start: node.start, end: node.end },
        });
      return found.size < MOST_FOUND;
    });
  }
  if (found.size >= MOST_FOUND)
    onCut("it reads its machine or the network in more places than are looked at");
  return [...found.values()].sort((a, b) => a.span.start - b.span.start);
}

type Seen = Pick<Impurity, "name" | "kind">;

/** What a function is called with, where that decides what comes of it. */
function argumentOf(source: string, node: SyntaxNode, kind: Impurity["kind"]): string {
  const isFetch = kind === "fetch" || kind === "revision";
  const call = isFetch ? node.parent : isBuild({ kind }) ? node : null;
  // A module of a list is all that it is.
  if (!isFetch && node.parent?.type === "list_expression")
    return source.slice(node.start, node.end).replace(/\s+/g, " ");
  const argument = call?.type === "apply_expression" ? parts(call).at(-1) : undefined;
  return argument ? source.slice(argument.start, argument.end).replace(/\s+/g, " ") : "";
}

/** Whether evaluation waits for something to be built. */
export function isBuild({ kind }: Pick<Impurity, "kind">): boolean {
  return kind === "build" || kind === "build-of-package";
}

const OF_MODULES: Readonly<Record<Built, Impurity["kind"]>> = {
  derivation: "build",
  package: "build-of-package",
  fetched: "modules",
};

function moduleAt(source: string, node: SyntaxNode): Seen | null {
  const built = importedModule(source, node);
  return built && { name: "imports", kind: OF_MODULES[built] };
}

function impurityAt(source: string, node: SyntaxNode): Seen | null {
  const text = () => source.slice(node.start, node.end);
  switch (node.type) {
    case "spath_expression":
      // `<nix/fetchurl.nix>` comes with Nix itself.
      return text().startsWith("<nix/") ? null : { name: text(), kind: "search-path" };
    case "hpath_expression":
      return { name: text(), kind: "path" };
    case "path_expression":
      return text().startsWith("/") ? { name: text(), kind: "path" } : null;
    case "string_expression":
      return readsAbsolute(source, node) ? { name: text().slice(1, -1), kind: "path" } : null;
    case "apply_expression": {
      const read = builtRead(source, node);
      return read && { name: read.reader, kind: read.built === "package" ? "build-of-package" : "build" };
    }
    case "select_expression": {
      const [from, path] = parts(node);
      if (!from || !path || !isBuiltins(source, from)) return null;
      const [attr] = parts(path);
      return attr ? builtin(source, node, attrName(source, attr) ?? computedName(source, attr)) : null;
    }
    case "inherit_from": {
      const [from, names] = parts(node);
      if (!from || !names || !isBuiltins(source, from)) return null;
      const [name] = parts(names)
        .flatMap((each) => attrName(source, each) ?? [])
        .filter((each) => Object.hasOwn(BUILTINS, each));
      return name === undefined ? null : builtin(source, node, name);
    }
    case "variable_expression": {
      const name = text();
      if (name.startsWith("__")) return builtin(source, node, name.slice(2));
      const known = Object.hasOwn(BUILTINS, name) && isFromBuiltins(source, node);
      return known ? builtin(source, node, name) : null;
    }
    default:
      return null;
  }
}

function builtin(source: string, node: SyntaxNode, name: string): Seen | null {
  if (name === "${…}") return { name: "builtins.${…}", kind: "execution" };
  const kind = Object.hasOwn(BUILTINS, name) ? BUILTINS[name] : undefined;
  if (!kind) return null;
  const pinned = kind === "fetch" ? pinOf(source, node) : null;
  // The hash is a pin, and known as one.
  if (pinned === "hash") return null;
  return { name: `builtins.${name}`, kind: pinned ?? kind };
}

/** `builtins`, by whatever name a `let` gives it. */
function isBuiltins(source: string, given: SyntaxNode): boolean {
  const node = bare(given);
  const text = source.slice(node.start, node.end);
  if (text === "builtins") return true;
  if (node.type !== "variable_expression") return /^(lib|pkgs)\.builtins$|^builtins\.builtins$/.test(text);
  const bound = boundTo(source, node);
  return bound !== null && source.slice(bound.start, bound.end) === "builtins";
}

/** Builtins that have their plain name everywhere: https://nix.dev/manual/nix/2.28/language/builtins */
const GLOBAL = new Set(["fetchTarball", "fetchGit", "fetchMercurial", "fetchTree"]);

/**
 * A plain `getEnv` is the built-in one when `with builtins;` gives it and nothing else binds the name: a `with` never
 * hides a binding further out. `inherit (builtins)` is found where it stands.
 */
function isFromBuiltins(source: string, node: SyntaxNode): boolean {
  const name = source.slice(node.start, node.end);
  let given = GLOBAL.has(name);
  for (let up = node.parent; up; up = up.parent) {
    if (bindsName(source, up, name)) return false;
    if (up.type !== "with_expression") continue;
    const [environment] = parts(up);
    if (environment && environment !== node && isBuiltins(source, environment)) given = true;
  }
  return given;
}

const HASHES = new Set(["sha256", "hash", "narHash"]);

/** What fixes the result of a fetch: a hash, or else a `rev`, which has to be a full commit id; null: nothing. */
function pinOf(source: string, node: SyntaxNode): "hash" | "revision" | null {
  const call = node.parent;
  if (call?.type !== "apply_expression" || appliedFunction(call) !== node) return null;
  const last = parts(call).at(-1);
  const argument = last && bare(last);
  if (!argument || !isAttrset(argument)) return null;
  const names = bindingsOf(argument).flatMap((binding) =>
    binding.kind === "binding"
      ? (attrNames(source, binding.attrpath)[0] ?? "")
      : binding.names.map((name) => attrName(source, name) ?? ""),
  );
  if (names.some((name) => HASHES.has(name))) return "hash";
  return names.includes("rev") ? "revision" : null;
}

/** `readFile "/etc/x"`, `import "/home/x"`. */
function readsAbsolute(source: string, node: SyntaxNode): boolean {
  if (source[node.start + 1] !== "/" || node.parent?.type !== "apply_expression") return false;
  const head = appliedFunction(node.parent);
  return /(^|\.)(readFile|readDir|import|scopedImport|importJSON|importTOML|path|pathExists|filterSource)$/.test(
    source.slice(head.start, head.end),
  );
}
