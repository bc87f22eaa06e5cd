// Needs: nix
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { afterEach, describe, expect, test } from "vitest";
import { sandboxWeakness, verifiesTls } from "../../src/verify/nix-version.ts";
import { DEFAULTS } from "../../src/verify/options.ts";
import { selfTest } from "../../src/verify/self-test.ts";
import { withNix } from "../../src/verify/verify.ts";
import { makeRepository } from "../support/repository.ts";
import { SET_FILES } from "./support/packages.ts";
import { NIXES, verifyLast } from "./support/verification.ts";

const cleanups: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

describe.each(NIXES)("$label", ({ bin }) => {
  test("passes, in a private store", async () => {
    const options = { ...DEFAULTS, environment: { PATH: process.env.PATH }, nix: { ...DEFAULTS.nix, bin } };
    const results = await withNix(options, (nix) => selfTest(nix));
    expect(results.map(({ failure }) => failure)).toEqual([null, null, null, null]);
  });
});

/** A folder of commands that stand before Nix's own. */
async function commands(scripts: Readonly<Record<string, string>>): Promise<string> {
  const folder = await mkdtemp(`${tmpdir()}/verifod-test-`);
  cleanups.push(() => rm(folder, { recursive: true }));
  for (const [name, script] of Object.entries(scripts)) {
    await writeFile(`${folder}/${name}`, `#!/bin/sh\n${script}\n`);
    await chmod(`${folder}/${name}`, 0o755);
  }
  return folder;
}

const REAL = 'PATH=$(echo "$PATH" | sed "s,^[^:]*:,,")';

test.each([
  [
    "takes any hash for right",
    `case "$*" in *--realise*) exit 0;; esac; ${REAL}; exec nix-store "$@"`,
    /made up|error/,
  ],
  [
    "says nothing of hashes",
    `case "$*" in *--realise*) exit 102;; esac; ${REAL}; exec nix-store "$@"`,
    /self-test/,
  ],
  [
    "reports without a record of its own",
    `case "$*" in *--realise*) echo "error: hash mismatch in fixed-output derivation" >&2; exit 102;; esac; ${REAL}; exec nix-store "$@"`,
    /self-test/,
  ],
])("a Nix that %s is not used", async (_, script, message) => {
  const bin = await commands({
    "nix-store": script,
    "nix-instantiate": `${REAL}; exec nix-instantiate "$@"`,
  });
  const repository = makeRepository(SET_FILES, { x: "1" });
  cleanups.push(repository.remove);
  const run = verifyLast(repository, {
    environment: { PATH: process.env.PATH },
    nix: { bin, substituters: [], trustedKeys: [], allowedUris: [] },
  });
  await expect(run).rejects.toThrow(/fails the self-test/);
  await expect(run).rejects.toThrow(message);
});

test.each([
  ["no Nix at all", { "nix-store": "exit 127" }, /was not found/],
  ["something else", { "nix-store": "echo hello" }, /does not tell a version/],
])("%s is told as such", async (_, scripts, message) => {
  const bin = await commands(scripts);
  const options = { ...DEFAULTS, environment: { PATH: "/usr/bin:/bin" }, nix: { ...DEFAULTS.nix, bin } };
  await expect(withNix(options, () => Promise.resolve())).rejects.toThrow(message);
});

test.each([
  ["2.8.0", true],
  ["2.18.9", true],
  ["2.26.3", true],
  ["2.28.3", true],
  ["2.28.6", false],
  ["2.29.2", true],
  ["2.31.4", false],
  ["2.34.4", true],
  ["2.34.5pre20260401", false],
  ["2.35.0", false],
  ["3.0.0", false],
])("Nix %s has known ways out of its sandbox: %s", (version, weak) => {
  expect(sandboxWeakness(version) !== null).toBe(weak);
});

test.each([
  ["2.8.0", false],
  ["2.24.7", false],
  ["2.24.8", true],
  ["2.26.3", true],
])("Nix %s verifies TLS: %s", (version, verifies) => {
  expect(verifiesTls(version)).toBe(verifies);
});
