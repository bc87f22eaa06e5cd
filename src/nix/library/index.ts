/**
 * The functions of Nix and of nixpkgs' `lib` that source pins use, found by name: recipes reach them as
 * `lib.x`, `builtins.x`, `stdenv.lib.x`, by `with lib;` or `inherit (lib) x;`.
 * https://nixos.org/manual/nixpkgs/stable/#sec-functions-library
 */
import { charge, isExhausted, type Session } from "../session.ts";
import { type Thunk, unknown, type Value } from "../value.ts";
import { ATTRSETS } from "./attrsets.ts";
import { FUNCTIONS } from "./functions.ts";
import { LISTS } from "./lists.ts";
import { NUMBERS } from "./numbers.ts";
import { QUESTIONS } from "./questions.ts";
import { STRINGS } from "./strings.ts";
import type { Builtin } from "./support.ts";
import { VERSIONS } from "./versions.ts";

const LIBRARY: ReadonlyMap<string, Builtin> = new Map(
  [STRINGS, NUMBERS, VERSIONS, LISTS, ATTRSETS, QUESTIONS, FUNCTIONS].flatMap((part) => Object.entries(part)),
);

const HOMES = new Set([
  "lib",
  "builtins",
  "strings",
  "versions",
  "lists",
  "attrsets",
  "trivial",
  "customisation",
  "fixedPoints",
]);
/** Functions of package sets (`pkgs.callPackage`, `python3Packages.callPackage`), by any path. */
const ANYWHERE = new Set([
  "callPackage",
  "callPackages",
  "recurseIntoAttrs",
  "lowPrio",
  "hiPrio",
  "versionBranch",
]);

/** Whether a path of names leads to a library function. */
export function isBuiltin(path: readonly string[]): boolean {
  const name = path.at(-1);
  if (name === undefined || !LIBRARY.has(name)) return false;
  return path.length === 1 || ANYWHERE.has(name) || HOMES.has(path.at(-2) ?? "");
}

/** Applies a library function to the arguments at hand; too few make a function of the rest. */
export function applyBuiltin(session: Session, name: string, args: readonly Thunk[], text: string): Value {
  const builtin = LIBRARY.get(name);
  if (!builtin) return unknown(text);
  if (args.length < builtin.arity) return { kind: "builtin", name, arguments: args };
  if (isExhausted(session)) return unknown(text);
  return charge(session, builtin.run(session, args, text)) ?? unknown(text);
}
