/** A package set in small, as nixpkgs is in large: by-name packages, fetchers, and derivations that use them. */
import { createHash } from "node:crypto";
import type { TestFile } from "../../support/repository.ts";

export type FetcherKind = "builtin" | "shell" | "recursive";
export const FETCHERS: readonly FetcherKind[] = ["builtin", "shell", "recursive"];

const SET = `{ system ? builtins.currentSystem, config ? { } }:
let
  fetchers = import ./pkgs/build-support/fetchers.nix { inherit system; };
  mkPackage =
    attrs:
    derivation (
      {
        inherit system;
        builder = "/bin/sh";
        args = [ "-c" "echo built > $out; exit 0" ];
      }
      // attrs
    );
  scope = fetchers // { inherit mkPackage config; } // packages;
  callPackage =
    path: args:
    let
      f = import path;
    in
    f (builtins.intersectAttrs (builtins.functionArgs f) scope // args);
  root = ./pkgs/by-name;
  shards = builtins.attrNames (builtins.readDir root);
  byName = builtins.listToAttrs (
    builtins.concatMap (
      shard:
      map (name: {
        inherit name;
        value = callPackage (root + "/\${shard}/\${name}/package.nix") { };
      }) (builtins.attrNames (builtins.readDir (root + "/\${shard}")))
    ) shards
  );
  packages = byName // import ./pkgs/top-level/all-packages.nix { inherit callPackage; };
in
packages
`;

// curl and the shell are the machine's own: a real fetcher has its tools from the store.
const FETCHERS_NIX = `{ system }:
let
  curl = "/usr/bin/curl --fail --silent --show-error --location --max-redirs 5 --connect-timeout 3";
  proxies = [ "http_proxy" "https_proxy" ];
in
rec {
  # Nix's own downloader.
  builtin = { url, hash, name ? baseNameOf url, ... }:
    derivation {
      inherit name url;
      system = "builtin";
      builder = "builtin:fetchurl";
      outputHashMode = "flat";
      outputHashAlgo = "sha256";
      outputHash = hash;
      executable = false;
      unpack = false;
    };
  # Tries its locations in turn, and hashed mirrors in the end, as nixpkgs' builder does.
  shell = { url ? "", urls ? [ url ], hash, name ? baseNameOf (builtins.head urls), system ? args.system, script ? "", hashedMirrors ? "" }:
    derivation {
      inherit name urls system script hashedMirrors;
      builder = "/bin/sh";
      args = [ "-c" ''
        for url in $urls; do
          if \${curl} --output "$out" "$url"; then eval "$script"; exit 0; fi
        done
        for mirror in ''\${NIX_HASHED_MIRRORS:-$hashedMirrors}; do
          if \${curl} --output "$out" "$mirror/sha256/$outputHash"; then exit 0; fi
        done
        eval "$script"
        exit 1
      '' ];
      outputHashMode = "flat";
      outputHashAlgo = "sha256";
      outputHash = hash;
      impureEnvVars = proxies ++ [ "NIX_HASHED_MIRRORS" ];
    };
  # A folder with the file in it, as fetchzip makes.
  recursive = { url, hash, name ? "source", system ? args.system, script ? "" }:
    derivation {
      inherit name url system script;
      builder = "/bin/sh";
      args = [ "-c" ''
        /bin/mkdir "$out"
        \${curl} --output "$out/file" "$url" || { eval "$script"; exit 1; }
        eval "$script"
        exit 0
      '' ];
      outputHashMode = "recursive";
      outputHashAlgo = "sha256";
      outputHash = hash;
      impureEnvVars = proxies;
    };
  args = { inherit system; };
}
`;

/** The files of the set without packages. */
export const SET_FILES: Readonly<Record<string, TestFile>> = {
  "default.nix": SET,
  "pkgs/build-support/fetchers.nix": FETCHERS_NIX,
  "pkgs/top-level/all-packages.nix": "{ callPackage }:\n{\n}\n",
  "pkgs/by-name/ze/zero/package.nix": '{ mkPackage }:\n\nmkPackage { name = "zero-0"; }\n',
};

export function packagePath(name: string): string {
  return `pkgs/by-name/${name.slice(0, 2)}/${name}/package.nix`;
}

/** A by-name package whose `src` a fetcher gives. `more`: further arguments of the fetcher, as Nix. */
export function packageNix(
  name: string,
  version: string,
  fetcher: FetcherKind,
  source: { readonly url: string; readonly hash: string; readonly more?: string },
): string {
  return `{ mkPackage, ${fetcher} }:

mkPackage {
  name = "${name}-${version}";
  src = ${fetcher} {
    url = "${source.url}";
    hash = "${source.hash}";${source.more ? `\n    ${source.more}` : ""}
  };
}
`;
}

/** The hash of what a fetcher makes of a content. */
export function hashFor(fetcher: FetcherKind, content: string): string {
  if (fetcher !== "recursive") return `sha256-${createHash("sha256").update(content).digest("base64")}`;
  // The NAR of a folder with one file: https://nix.dev/manual/nix/2.28/protocols/nix-archive
  const text = (value: string): Buffer => {
    const bytes = Buffer.from(value);
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(bytes.length));
    return Buffer.concat([length, bytes, Buffer.alloc((8 - (bytes.length % 8)) % 8)]);
  };
  const file = ["(", "type", "regular", "contents", content, ")"];
  const words = [
    "nix-archive-1",
    "(",
    "type",
    "directory",
    "entry",
    "(",
    "name",
    "file",
    "node",
    ...file,
    ")",
    ")",
  ];
  return `sha256-${createHash("sha256")
    .update(Buffer.concat(words.map(text)))
    .digest("base64")}`;
}
