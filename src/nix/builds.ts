/** Import from derivation: what evaluation can go on with only when something is built or fetched. */
import { appliedFunction, bindsName, boundTo, lastName } from "./code-text.ts";
import { attrNames, bare, bindingsOf, isAttrset, parts, type SyntaxNode, stringPieces } from "./syntax.ts";

/** What is read: made by the text itself, a package of the package set, or what evaluation fetches with a pin. */
export type Built = "derivation" | "package" | "fetched";

/** Functions that read the file which is their (last) argument; `callPackage` is given others behind it. */
const READERS =
  /^(?:import|scopedImport|readFile|readDir|pathExists|importJSON|importTOML|fileContents|callPackages?)$/;

/** Such a function before something other than a path: most files have none, and are not walked. */
export const MAY_READ_BUILT =
  /\bimports\b|\b(?:(?:import|readFile|readDir|pathExists|importJSON|importTOML|fileContents)\s+["(a-zA-Z]|scopedImport\s|callPackages?\s+(?:"\$\{|\(\s*(?:[\w.]+\s*\+|[\w.]*(?:fetch|runCommand|write))))/;

/** Functions of the package set whose value is a derivation. Those of `builtins` fetch while evaluating. */
const BUILDERS =
  /^(?:runCommand\w*|mkDerivation|write(?:Text|Script|Shell|JSON|YAML|TOML)\w*|fetch(?:From\w+|git|url|zip|patch2?|pypi|svn|hg|cvs|Crate|NpmDeps|CargoVendor)|applyPatches|symlinkJoin|linkFarm\w*|buildEnv|substitute(?:All)?|replaceVars\w*)$/;

/** Attributes of `pkgs` that are no packages: its path, its library, sources that evaluation fetches. */
const NO_PACKAGES = /^(?:path|lib|inputs|sources|flakes?|nixpkgs|config|system|callPackages?|newScope)$/;

const MOST_STEPS = 12;

/** What a call makes evaluation wait for; null: nothing that the text shows, or no reader's call. */
export function builtRead(source: string, node: SyntaxNode): { reader: string; built: Built } | null {
  const [callee, argument] = parts(node);
  if (node.type !== "apply_expression" || !callee || !argument) return null;
  const reader = lastName(source, appliedFunction(node));
  const isSecond = bare(callee).type === "apply_expression";
  if (!READERS.test(reader) || isSecond !== (reader === "scopedImport")) return null;
  const built = builtIn(source, argument, 0);
  // Without a path behind it, `pkgs.frob` may also be a function, or a path itself.
  const isPath = /^(?:string|binary)_expression$/.test(bare(argument).type);
  // What evaluation fetches has a pin, which is known as one.
  return built === null || built === "fetched" || (built === "package" && !isPath) ? null : { reader, built };
}

/** What around a list of modules passes it on to `imports`. */
const PASSES_ON =
  /^(?:(?:list|binary|parenthesized|if|let|with|apply)_expression|variable_expression|select_expression)$/;

/** What a module is that a list of `imports` names; null: a file of the repository, or nothing that the text shows. */
export function importedModule(source: string, node: SyntaxNode): Built | null {
  if (node.parent?.type !== "list_expression") return null;
  let up: SyntaxNode | null = node.parent;
  while (up && PASSES_ON.test(up.type)) up = up.parent;
  if (up?.type !== "binding") return null;
  const [path] = parts(up);
  if (!path || attrNames(source, path).at(-1) !== "imports") return null;
  const item = bare(node);
  const built = builtIn(source, item, 0);
  // `pkgs.formats`, `pkgs.path`: what has no path behind it may be anything.
  return built === "package" && !/^(?:string|binary)_expression$/.test(item.type) ? null : built;
}

/** Fetchers of evaluation, which have their plain name everywhere, or are of `builtins`. */
const PINNED = /\b(?:sha256|hash|narHash|rev)\b/;
const FETCHES = /^(?:fetch(?:Tarball|Git|Mercurial|Tree|Closure)|getFlake)$/;

/** Whether a path lies in a derivation. */
function builtIn(source: string, given: SyntaxNode, steps: number): Built | null {
  if (steps > MOST_STEPS) return null;
  const node = bare(given);
  const next = (inner: SyntaxNode | null | undefined) => (inner ? builtIn(source, inner, steps + 1) : null);
  switch (node.type) {
    case "string_expression": {
      const [first] = stringPieces(source, node);
      return first?.kind === "expression" ? next(first.expression) : null;
    }
    case "binary_expression":
      return node.children.some((child) => child.type === "+") ? next(parts(node)[0]) : null;
    case "let_expression":
    case "with_expression":
    case "assert_expression":
      return next(parts(node).at(-1));
    case "variable_expression":
      return next(boundTo(source, node));
    case "apply_expression": {
      const applied = appliedFunction(node);
      const name = lastName(source, applied);
      // Without a pin it is told by itself.
      if (FETCHES.test(name)) return PINNED.test(source.slice(node.start, node.end)) ? "fetched" : null;
      return BUILDERS.test(name) && !isOfBuiltins(source, applied) ? "derivation" : null;
    }
    case "select_expression":
      return selected(source, node, next);
    default:
      return null;
  }
}

/** `builtins.fetchurl`, and a `fetchurl` that `with builtins` or `inherit (builtins)` gives. */
function isOfBuiltins(source: string, node: SyntaxNode): boolean {
  const isBuiltins = (from: SyntaxNode | undefined) =>
    from !== undefined && /\bbuiltins$/.test(source.slice(from.start, from.end));
  if (node.type === "select_expression") return isBuiltins(parts(node)[0]);
  const name = source.slice(node.start, node.end);
  let given = false;
  for (let up = node.parent; up; up = up.parent) {
    if (up.type === "with_expression") given ||= isBuiltins(parts(up)[0]);
    if (!bindsName(source, up, name)) continue;
    // A `with` never hides a binding further out.
    return (
      up.type !== "function_expression" &&
      bindingsOf(up).some((each) => each.kind === "inherit-from" && isBuiltins(each.from))
    );
  }
  return given;
}

/** `pkgs.frob`, `pkgs.frob.src`, and `finalAttrs.src` of the set that has the name. */
function selected(
  source: string,
  node: SyntaxNode,
  next: (inner: SyntaxNode | null) => Built | null,
): Built | null {
  const [from, path] = parts(node);
  if (!from || path?.type !== "attrpath" || from.type !== "variable_expression") return null;
  const [name, ...more] = attrNames(source, path);
  if (!name) return null;
  const set = source.slice(from.start, from.end);
  if (set === "pkgs")
    return [name, ...more].some((each) => each && NO_PACKAGES.test(each)) ? null : "package";
  if (more.length > 0) return null;
  for (let up = node.parent; up; up = up.parent) {
    if (!isAttrset(up) || argumentOfSet(source, up) !== set) continue;
    const own = bindingsOf(up).find(
      (binding) => binding.kind === "binding" && attrNames(source, binding.attrpath).join(".") === name,
    );
    return own?.kind === "binding" ? next(own.value) : null;
  }
  return null;
}

/** The name that a set has for itself: `finalAttrs` of `(finalAttrs: { … })`. */
function argumentOfSet(source: string, set: SyntaxNode): string | null {
  const around = set.parent;
  const [argument] = around?.type === "function_expression" ? parts(around) : [];
  return argument?.type === "identifier" ? source.slice(argument.start, argument.end) : null;
}
