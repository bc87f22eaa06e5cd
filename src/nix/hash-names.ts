/** Which attributes carry a hash, told by their names. */
import type { HashAlgorithm } from "./hash.ts";

/** `hash`, `sha256`, `vendorHash`, `cargoSha256`, `outputHash`. */
const HASH_NAME = /(?:^|[a-z0-9_-])(?:hash|sha(?:1|256|512)|md5)$/i;
/** Attributes so named that hold something else. */
const NOT_HASHES = new Set(["recursiveHash", "outputHashAlgo", "outputHashMode", "missingHashes"]);

export function isHashName(name: string): boolean {
  return HASH_NAME.test(name) && !NOT_HASHES.has(name);
}

/** The algorithm that an attribute's name gives to a bare digest: `sha1`, `cargoSha256`. */
export function algorithmOfName(name: string): HashAlgorithm | undefined {
  const match = /(md5|sha(?:1|256|512))$/i.exec(name);
  return match?.[1]?.toLowerCase() as HashAlgorithm | undefined;
}

/** Hash attributes of builders whose hash is that of dependencies fetched by the build. */
const DEPENDENCY_HASHES =
  /^(?:vendor|cargo|npmDeps|pnpmDeps|yarn(?:OfflineCache|Deps)?|mvn|mvnDeps|deps|nugetDeps|composer(?:Vendor|Repository)?|mixFodDeps|mixNix|fetchDeps|denoDeps|bunDeps|modules?|goModules|pubspecLock|zigDeps)(?:Hash|Sha256|Sha512)$/;

export function isDependencyHash(name: string): boolean {
  return DEPENDENCY_HASHES.test(name);
}
