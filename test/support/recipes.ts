/** Recipes for tests of pins: distinct hashes, and what a recipe's pins must be. */
import { expect } from "vitest";
import { formatSri, parseHash, toNix32 } from "../../src/nix/hash.ts";
import type { Source } from "../../src/nix/model.ts";
import { pinsOf, plain } from "./pins.ts";

/** The SHA-256 hash of which each byte is `byte`, as SRI. */
export const sri = (byte: number) => formatSri({ algorithm: "sha256", bytes: Buffer.alloc(32, byte) });
export const [A, B, C, D] = [sri(1), sri(2), sri(3), sri(4)] as const;
export const hex = (text: string) => parseHash(text)?.bytes.toString("hex") ?? "";
export const nix32 = (text: string) => toNix32(parseHash(text)?.bytes ?? Buffer.alloc(0));

type Pin = ReturnType<typeof plain> & Pick<Source, "name" | "role">;
export type Expected = { readonly [K in keyof Pin]?: Pin[K] | undefined };
/** A recipe's text, or files by path. */
export type Recipe = string | Readonly<Record<string, string>>;

/** A call of fetchFromGitHub for one repository. */
export const github = (rest: string) => `fetchFromGitHub { owner = "acme"; repo = "frob"; ${rest} }`;

/** A package around a source. */
export const pkg = (src: string, rest = "") =>
  `stdenv.mkDerivation rec { pname = "frob"; version = "1.2"; src = ${src}; ${rest} }`;

/** What `github` with a revision gives in version 1.2. */
export const frob = (rev: string, hash: string = A): Expected => ({
  fetcher: "fetchFromGitHub",
  version: "1.2",
  rev,
  urls: [`https://github.com/acme/frob/archive/${rev}.tar.gz`],
  hash,
});

/** The pins of a recipe must be these, in order; each one's span must hold the literal of its hash. */
export async function expectPins(recipe: Recipe, expected: readonly Expected[], path = "p/package.nix") {
  const files = typeof recipe === "string" ? { [path]: recipe } : recipe;
  const pins = (await pinsOf(files, path)).map((pin) => {
    const made = { ...plain(pin, files), name: pin.name, role: pin.role };
    expect(made.at).toMatch(/^".*"$|^''.*''$/s);
    const algorithm = /(md5|sha1|sha256|sha512)$/i.exec(pin.hashAttribute)?.[1]?.toLowerCase();
    const stated = parseHash(made.at.replace(/^["']+|["']+$/g, ""), algorithm as "sha256" | undefined);
    if (stated) expect(formatSri(stated)).toBe(pin.hash);
    return made;
  });
  expect(pins).toEqual(expected.map((one) => expect.objectContaining(one)));
}
