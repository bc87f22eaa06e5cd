import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";

it("the demo reviews an honest bump in silence, and finds what stands beside it", () => {
  const folder = mkdtempSync(join(tmpdir(), "verifod-demo-test-"));
  const script = fileURLToPath(new URL("../../scripts/demo.mjs", import.meta.url));
  const env = { PATH: process.env.PATH, HOME: folder, TMPDIR: folder };
  const output = execFileSync(process.execPath, [script], { env, encoding: "utf8" });
  rmSync(folder, { recursive: true });
  const [, ...steps] = output.split("\n── ");
  const found = steps.map((step) =>
    [...step.matchAll(/^ {2}\d+:\d+ .* {2}([a-z-]+)$/gm)].map(([, rule]) => rule),
  );
  expect(found).toEqual([
    [],
    ["stale-hash-on-bump"],
    ["hash-changed-alone"],
    ["lookalike-host-or-owner"],
    ["url-changed-hash-kept"],
    ["obfuscated-payload"],
  ]);
  expect(output).toMatch(/The repository of this demo is .*verifod-demo-/);
});
