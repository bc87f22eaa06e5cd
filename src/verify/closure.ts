/** The derivations that a derivation needs, read from the store's `.drv` files. */
import { readFileSync, statSync } from "node:fs";
import { basename } from "node:path";
import { type Derivation, parseDerivation } from "./drv.ts";

/** More derivations than any package of nixpkgs needs (libreoffice: about 1,300; a NixOS system: about 15,000). */
const MAX_DERIVATIONS = 100_000;
/** The largest `.drv` of nixpkgs is a few megabytes (texlive). */
const MAX_BYTES = 64 * 1024 * 1024;

/** A derivation and everything below it, by store path. */
export type Closure = ReadonlyMap<string, Derivation>;

export interface DerivationReader {
  /** The derivation at a store path. Throws when there is none. */
  read(path: string): Derivation;
  closure(path: string): Closure;
}

/**
 * Reads derivations of a store, each once. `directory` is where the store's files are (a chroot store has `/nix/store` below its
 * root). Reads are synchronous: these are thousands of small files, and there is nothing else to do meanwhile.
 */
export function derivationReader(directory: string): DerivationReader {
  const known = new Map<string, Derivation>();
  const read = (path: string) => {
    let derivation = known.get(path);
    if (!derivation) {
      derivation = readDerivation(directory, path);
      known.set(path, derivation);
    }
    return derivation;
  };
  return {
    read,
    closure(path) {
      const closure = new Map<string, Derivation>();
      const pending = [path];
      for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
        if (closure.has(next)) continue;
        const derivation = read(next);
        closure.set(next, derivation);
        if (closure.size > MAX_DERIVATIONS) {
          throw new Error(`${path} needs more than ${MAX_DERIVATIONS} derivations`);
        }
        // Not spread: a recipe can have more inputs than a call takes arguments.
        for (const input of derivation.inputDerivations.keys()) pending.push(input);
      }
      return closure;
    },
  };
}

function readDerivation(directory: string, path: string): Derivation {
  // The path comes from Nix or from another derivation; only its last part names the file.
  const name = basename(path);
  if (!/^[a-z0-9]{32}-[\w+.?=-]+\.drv$/.test(name))
    throw new Error(`not the store path of a derivation: ${path}`);
  const file = `${directory}/${name}`;
  if (statSync(file).size > MAX_BYTES) throw new Error(`${path} is larger than ${MAX_BYTES} bytes`);
  return parseDerivation(path, readFileSync(file, "utf8"));
}
