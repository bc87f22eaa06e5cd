/** How Nix names what a fixed-output derivation makes. https://nix.dev/manual/nix/2.28/protocols/store-path */
import { createHash } from "node:crypto";
import { type Hash, toNix32 } from "../nix/hash.ts";
import type { HashMode } from "./drv.ts";

/** The store path of a fixed output: name and hash decide it, the location of the bytes does not. */
export function fixedOutputPath(storeDirectory: string, name: string, mode: HashMode, hash: Hash): string {
  const hex = hash.bytes.toString("hex");
  if (mode === "recursive" && hash.algorithm === "sha256") {
    return storePath(storeDirectory, "source", hex, name);
  }
  const method = mode === "recursive" ? "r:" : "";
  const inner = sha256(`fixed:out:${method}${hash.algorithm}:${hex}:`).toString("hex");
  return storePath(storeDirectory, "output:out", inner, name);
}

function storePath(storeDirectory: string, type: string, hex: string, name: string): string {
  const digest = sha256(`${type}:sha256:${hex}:${storeDirectory}:${name}`);
  const folded = Buffer.alloc(20);
  digest.forEach((byte, n) => {
    folded[n % 20] = (folded[n % 20] as number) ^ byte;
  });
  return `${storeDirectory}/${toNix32(folded)}-${name}`;
}

function sha256(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
