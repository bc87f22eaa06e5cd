/** Versions and names as Nix splits and orders them: https://nix.dev/manual/nix/2.28/command-ref/nix-env/upgrade#versions */

import { asSet } from "../evaluate.ts";
import type { Session } from "../session.ts";
import { knownText, list, set, type TextPart, textValue, type Value } from "../value.ts";
import { type Library, numberAt, ofStrings, predicate, stringAt, valueAt } from "./support.ts";

/** The components of a version: runs of digits or of anything else between dots and dashes. */
export function splitVersion(version: string): readonly string[] {
  return version.match(/\d+|[^\d.-]+/g) ?? [];
}

/** -1, 0 or 1, as `builtins.compareVersions`. */
export function compareVersions(a: string, b: string): -1 | 0 | 1 {
  const [left, right] = [splitVersion(a), splitVersion(b)];
  for (let index = 0; index < Math.max(left.length, right.length); index++) {
    const [x, y] = [left[index] ?? "", right[index] ?? ""];
    if (componentLess(x, y)) return -1;
    if (componentLess(y, x)) return 1;
  }
  return 0;
}

function componentLess(a: string, b: string): boolean {
  const [x, y] = [isNumber(a), isNumber(b)];
  if (x && y) return Number(a) < Number(b);
  if (a === "" && y) return true;
  if (a === "pre" && b !== "pre") return true;
  if (b === "pre") return false;
  if (y) return !x;
  if (x) return false;
  return a < b;
}

/** A greater number is text to Nix, which reads it into 32 bits: a date with a time of day. */
const GREATEST_NUMBER = 2_147_483_647;

function isNumber(text: string): boolean {
  return /^\d+$/.test(text) && Number(text) <= GREATEST_NUMBER;
}

/** A derivation name in two: the version starts after the first dash that no letter follows. */
export function parseName(full: string): { readonly name: string; readonly version: string } {
  const dash = /-(?![a-zA-Z]|$)/.exec(full);
  return dash
    ? { name: full.slice(0, dash.index), version: full.slice(dash.index + 1) }
    : { name: full, version: "" };
}

/**
 * The version in a name of which parts are unknown: null when an unknown part could be where the version starts.
 * In `ocaml${ocaml.version}-frob-1.2` it cannot: what is unknown there holds no dash before a digit.
 */
export function versionInName(parts: readonly TextPart[]): string | null {
  const text = parts.map((part) => (part.known ? part.text : UNKNOWN)).join("");
  const { version } = parseName(text);
  return version === "" || version.includes(UNKNOWN) ? null : version;
}

const UNKNOWN = "\u{10ffff}";

/** `lib.getName` and `lib.getVersion`: of a name or of a package. */
function nameOrVersion(session: Session, value: Value, wanted: "name" | "version"): Value | undefined {
  const text = knownText(value);
  if (text !== null) return textValue(parseName(text)[wanted]);
  const attributes = asSet(session, value)?.entries;
  const direct = attributes?.get(wanted === "name" ? "pname" : "version");
  if (direct) return direct();
  const name = attributes?.get("name");
  const full = name && knownText(name());
  return typeof full === "string" ? textValue(parseName(full)[wanted]) : undefined;
}

const component = (index: number) => ofStrings(1, (version) => splitVersion(version)[index] ?? null);

export const VERSIONS: Library = {
  major: component(0),
  minor: component(1),
  patch: component(2),
  majorMinor: ofStrings(1, (version) => {
    const [major, minor] = splitVersion(version);
    return major !== undefined && minor !== undefined ? `${major}.${minor}` : null;
  }),
  // pkgs.gnome.versionBranch, and gnome3.versionBranch before.
  versionBranch: ofStrings(1, (version) => version.split(".").slice(0, 2).join(".")),
  splitVersion: {
    arity: 1,
    run: (_, args) => {
      const version = stringAt(args, 0);
      return version === null ? undefined : list(splitVersion(version).map((part) => textValue(part)));
    },
  },
  pad: {
    arity: 2,
    run: (_, args) => {
      const count = numberAt(args, 0);
      const version = stringAt(args, 1);
      if (count === null || count > 100 || version === null) return undefined;
      // What follows the first dash stays behind: `pad 3 "1.2-rc1"` is 1.2.0-rc1.
      const [plain = ""] = version.split("-", 1);
      const components = splitVersion(plain).slice(0, count);
      while (components.length < count) components.push("0");
      return textValue(`${components.join(".")}${version.slice(plain.length)}`);
    },
  },
  compareVersions: {
    arity: 2,
    run: (_, args) => {
      const a = stringAt(args, 0);
      const b = stringAt(args, 1);
      return a === null || b === null ? undefined : { kind: "number", value: compareVersions(a, b) };
    },
  },
  versionAtLeast: predicate(2, (a, b) => compareVersions(a, b) >= 0),
  versionOlder: predicate(2, (a, b) => compareVersions(a, b) < 0),
  // Not of lib: what a set of variants tells each of them about its version, https://github.com/ekala-project/corepkgs
  packageBetween: predicate(
    3,
    (version, lower, higher) => compareVersions(version, lower) >= 0 && compareVersions(version, higher) < 0,
  ),
  getVersion: { arity: 1, run: (session, args) => nameOrVersion(session, valueAt(args, 0), "version") },
  getName: { arity: 1, run: (session, args) => nameOrVersion(session, valueAt(args, 0), "name") },
  parseDrvName: {
    arity: 1,
    run: (_, args) => {
      const full = stringAt(args, 0);
      if (full === null) return undefined;
      const { name, version } = parseName(full);
      return set([
        ["name", () => textValue(name)],
        ["version", () => textValue(version)],
      ]);
    },
  },
};
