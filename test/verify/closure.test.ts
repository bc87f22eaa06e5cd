import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { expect, test } from "vitest";
import { derivationReader } from "../../src/verify/closure.ts";

test("a derivation with more inputs than a call takes arguments is read", () => {
  const store = mkdtempSync(join(tmpdir(), "verifod-closure-"));
  try {
    const path = (name: string) => `/nix/store/${"0".repeat(32)}-${name}.drv`;
    const write = (name: string, inputs: readonly string[]) => {
      const listed = inputs.map((input) => `("${path(input)}",["out"])`).join(",");
      writeFileSync(
        join(store, basename(path(name))),
        `Derive([("out","/nix/store/x-a","","")],[${listed}],[],"s","/bin/sh",[],[])`,
      );
    };
    write(
      "root",
      Array.from({ length: 300_000 }, (_, index) => `input${index}`),
    );
    // What is missing in a store is told by its name; what has too many arguments is not.
    expect(() => derivationReader(store).closure(path("root"))).toThrow(/input299999/);
  } finally {
    rmSync(store, { recursive: true });
  }
});
