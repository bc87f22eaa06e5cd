/** Where `mirror://` leads by the base's list, since the head's list is part of what is checked. */
import { existsSync } from "node:fs";
import type { EvaluationLimits } from "./evaluate.ts";
import type { Nix } from "./nix.ts";
import type { Mirrors } from "./plan.ts";

const LISTS = [
  "pkgs/build-support/fetchurl/mirrors.nix",
  "pkgs/fetchurl/mirrors.nix",
  "build-support/fetchurl/mirrors.nix",
];

/** The mirrors of a tree on disk; none when it has no list that evaluates to plain data. */
export async function readMirrors(
  nix: Nix,
  tree: string,
  roots: string,
  limits: EvaluationLimits,
): Promise<Mirrors> {
  const list = LISTS.find((path) => existsSync(`${tree}/${path}`));
  if (list === undefined) return {};
  const { status, stdout } = await nix.run(
    "nix-instantiate",
    ["-I", `trees=${roots}`, "--eval", "--strict", "--json", `${tree}/${list}`],
    limits,
  );
  if (status !== 0) return {};
  try {
    const parsed: unknown = JSON.parse(stdout);
    if (typeof parsed !== "object" || parsed === null) return {};
    const lists = Object.entries(parsed).filter((entry): entry is [string, string[]] => isTexts(entry[1]));
    return Object.fromEntries(lists);
  } catch {
    return {};
  }
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === "string");
}
