/** Which lockfile a path is. */
import type { Source } from "../../nix/model.ts";
import { isGem } from "../../nix/pin.ts";
import type { LockFormat } from "./entry.ts";
import { gemset } from "./gemset.ts";
import { missingHashes, npm, pnpm, yarn } from "./javascript.ts";
import { cargo, composer, deps, flake, goSum, pub, python, swift } from "./others.ts";

const BY_NAME: readonly (readonly [RegExp, LockFormat])[] = [
  [/(?:^|[/.-])Cargo\.lock$/, cargo],
  [/(?:^|[/.-])package-lock\.json$/, npm],
  [/(?:^|\/)npm-shrinkwrap\.json$/, npm],
  [/(?:^|[/.-])yarn\.lock$/, yarn],
  [/(?:^|\/)missing-hashes\.json$/, missingHashes],
  [/(?:^|[/.-])pnpm-lock\.ya?ml$/, pnpm],
  [/(?:^|[/.-])(?:poetry|uv|pdm)\.lock$/, python],
  [/(?:^|\/)gemset\.nix$/, gemset],
  [/(?:^|[/.-])composer\.lock$/, composer],
  [/(?:^|[/.-])(?:nuget-)?deps\.json$/, deps],
  [/(?:^|[/.-])pubspec\.lock(?:\.json)?$/, pub],
  [/(?:^|\/)Package\.resolved$/, swift],
  [/(?:^|\/)go\.sum$/, goSum],
  [/(?:^|\/)flake\.lock$/, flake],
];

/** Null: not the name of a lockfile that is known here. */
export function lockFormatOf(path: string): LockFormat | null {
  return BY_NAME.find(([pattern]) => pattern.test(path))?.[1] ?? null;
}

/** Whether a pin is an entry of a lockfile of gems: where it comes from, `lockfile-poisoning` compares. */
export function isLockedGem(source: Source): boolean {
  return isGem(source) && lockFormatOf(source.path) !== null;
}
