import { tmpdir } from "node:os";
import { expect, test } from "vitest";
import type { Tree } from "../../src/change/change.ts";
import { findFods } from "../../src/verify/find-fods.ts";
import type { Nix } from "../../src/verify/nix.ts";
import { DEFAULTS } from "../../src/verify/options.ts";

test("a derivation that cannot be read is a reason, not the end of all", async () => {
  const tree: Tree = {
    commit: "a".repeat(40),
    entry: async () => null,
    list: async () => [],
    read: async () => ({ kind: "unavailable", reason: "there is none" }),
  };
  // A store from which a derivation has gone since it was evaluated.
  const nix = {
    store: { files: tmpdir() },
    run: async () => ({
      status: 0,
      stdout: `/nix/store/${"0".repeat(32)}-frob.drv\n`,
      stderr: "",
      isCut: false,
      ended: null,
    }),
  } as unknown as Nix;
  const path = "pkgs/by-name/fr/frob/package.nix";
  const written = { tree, directory: "/x", roots: "/", lists: new Map() };
  const found = await findFods(nix, written, [{ path, hash: "sha256-x", name: null }], DEFAULTS);
  expect(found.fods).toEqual([]);
  expect(found.missing.get(path)).toMatch(/^cannot be evaluated: frob: its derivations cannot be read: /);
});
