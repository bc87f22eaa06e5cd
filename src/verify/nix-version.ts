/** Which versions of Nix may run a builder that a pull request wrote. */

/**
 * The first release of each series in which all known ways out of the sandbox are closed. The last was
 * CVE-2026-39860 (https://github.com/NixOS/nix/security/advisories/GHSA-g3g9-5vj6-r3gj): a fixed-output builder
 * overwrites files outside through a symlink. Series that are not here, and are older than the newest, got no fix.
 */
const FIXED: Readonly<Record<string, number>> = {
  "2.28": 6,
  "2.29": 3,
  "2.30": 4,
  "2.31": 4,
  "2.32": 7,
  "2.33": 4,
  "2.34": 5,
};
const NEWEST_LISTED = 34;

/** Since 2.24.8 and 2.25 `builtin:fetchurl` verifies TLS. https://github.com/NixOS/nix/pull/11585 */
export function verifiesTls(version: string): boolean {
  const [major, minor, patch] = numbers(version);
  return major > 2 || minor > 24 || (minor === 24 && patch >= 8);
}

/** Why this Nix must not run untrusted builders; null when nothing is known against it. */
export function sandboxWeakness(version: string): string | null {
  const [major, minor, patch] = numbers(version);
  if (major > 2 || minor > NEWEST_LISTED) return null;
  const fixed = FIXED[`${major}.${minor}`];
  if (fixed !== undefined && patch >= fixed) return null;
  return `Nix ${version} has known ways out of its sandbox (fixed in ${Object.entries(FIXED)
    .map(([series, first]) => `${series}.${first}`)
    .join(", ")})`;
}

function numbers(version: string): readonly [number, number, number] {
  const [major = 0, minor = 0, patch = 0] = version
    .split(/[.+-]/)
    .map((part) => Number.parseInt(part, 10) || 0);
  return [major, minor, patch];
}
