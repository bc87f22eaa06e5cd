/** That what is installed is what was looked at, and that installing runs nothing. */
import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

interface Locked {
  readonly version: string;
  readonly integrity?: string;
  readonly resolved?: string;
  readonly dev?: boolean;
  readonly devOptional?: boolean;
  readonly hasInstallScript?: boolean;
}

const root = fileURLToPath(new URL("../../", import.meta.url));
const project = JSON.parse(readFileSync(`${root}package.json`, "utf8")) as Record<
  "dependencies" | "devDependencies",
  Record<string, string>
> & { readonly scripts: Record<string, string> };
const lock = JSON.parse(readFileSync(`${root}package-lock.json`, "utf8")) as {
  readonly packages: Record<string, Locked>;
};
const locked = Object.entries(lock.packages).filter(([path]) => path !== "");

test("each dependency is one version", () => {
  for (const [name, wanted] of Object.entries({ ...project.dependencies, ...project.devDependencies })) {
    // A second TypeScript goes by another name.
    const version = wanted.replace(/^npm:typescript@/, "");
    expect(version, name).toMatch(/^\d+\.\d+\.\d+(?:-[\w.]+)?$/);
    expect(lock.packages[`node_modules/${name}`]?.version).toBe(version);
  }
});

test("each locked package has the digest of its bytes, and comes over TLS from one place", () => {
  expect(
    locked.filter(([, { integrity }]) => !integrity?.startsWith("sha512-")).map(([path]) => path),
  ).toEqual([]);
  const places = locked.flatMap(([, { resolved }]) =>
    resolved === undefined ? [] : [new URL(resolved).origin],
  );
  expect(new Set(places).size).toBeLessThanOrEqual(1);
  for (const place of places) expect(place).toMatch(/^https:/);
});

test("nothing that users install has an install script, nor has the project", () => {
  const scripted = locked.filter(
    ([, { hasInstallScript, dev, devOptional }]) => hasInstallScript && !dev && !devOptional,
  );
  expect(scripted.map(([path]) => path)).toEqual([]);
  expect(
    Object.keys(project.scripts).filter((name) => /^(?:pre|post)?install$|^prepare$/.test(name)),
  ).toEqual([]);
});

test("what is built runs with its locked dependencies and nothing else", () => {
  const folder = mkdtempSync(join(tmpdir(), "verifod-installed-"));
  try {
    mkdirSync(join(folder, "dist"));
    cpSync(`${root}dist`, join(folder, "dist"), { recursive: true });
    writeFileSync(join(folder, "package.json"), '{ "type": "module" }\n');
    const run = (...args: string[]) =>
      execFileSync(process.execPath, [join(folder, "dist/cli.mjs"), ...args], {
        cwd: folder,
        env: { PATH: process.env.PATH ?? "", HOME: "/nonexistent" },
        encoding: "utf8",
      });
    expect(run("--version").trim()).toMatch(/^\d+\.\d+\.\d+$/);
    expect(run("rules").length).toBeGreaterThan(1_000);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
