import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CONFIG_PATH } from "../../src/config.ts";
import { type Review, SCHEMA } from "../../src/report/review.ts";
import { verifod } from "../support/cli.ts";
import { makeRepository, type TestRepository } from "../support/repository.ts";

const PATH = "pkgs/by-name/fr/frob/package.nix";

function frob(version: string, letter: string, extra = ""): string {
  return `{ stdenv, fetchurl }:
stdenv.mkDerivation rec {
  pname = "frob";
  version = "${version}";
  src = fetchurl {
    url = "https://example.org/frob-\${version}.tar.gz";
    hash = "sha256-${letter.repeat(43)}=";
  };
  ${extra}
}
`;
}

/** A bump, then text that reads from right to left. */
const honest = frob("1.1", "E");
const attack = frob("1.1", "E", 'meta.description = "x\u202ey";');

let repository: TestRepository;
let folder: string;
beforeAll(() => {
  repository = makeRepository(
    { [PATH]: frob("1.0", "A"), "a.txt": "a" },
    { [PATH]: honest },
    { [PATH]: attack },
  );
  folder = mkdtempSync(join(tmpdir(), "verifod-cli-"));
});
afterAll(() => {
  repository.remove();
  rmSync(folder, { recursive: true });
});

const review = (...args: string[]) => verifod(["review", ...args], { cwd: repository.directory });

function parsed(stdout: string): Review {
  const result: Review = JSON.parse(stdout);
  expect(result.schema).toBe(SCHEMA);
  return result;
}

describe("verifod review", () => {
  it("of an honest bump says what changed, and ends with 0", async () => {
    const { status, stdout, stderr } = await review("HEAD~2..HEAD~1");
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    expect(stdout).toBe(`${PATH}
  ~ src (fetchurl) changed
      version 1.0 → 1.1
      url     https://example.org/frob-1.0.tar.gz → https://example.org/frob-1.1.tar.gz
      hash    sha256-${"A".repeat(43)}= → sha256-${"E".repeat(43)}=

no findings; 1 source pin changed
`);
  });

  it("of the last commit finds what it does, and ends with 1", async () => {
    const { status, stdout, stderr } = await review();
    expect({ status, stderr }).toEqual({ status: 1, stderr: "" });
    expect(stdout).toContain("hidden-unicode");
    expect(stdout).not.toContain("\u202e");
  });

  it("as JSON is the public form, the same bytes each time but for the milliseconds", async () => {
    const runs = await Promise.all([review("--format", "json"), review("--format", "json")]);
    const [first, second] = runs.map(({ stdout }) => stdout.replace(/"milliseconds": \d+/, ""));
    expect(first).toBe(second);
    const result = parsed(runs[0]?.stdout ?? "");
    expect(result).toMatchObject({
      base: repository.git("rev-parse", "HEAD^"),
      head: repository.git("rev-parse", "HEAD"),
      complete: true,
      findings: [{ rule: "hidden-unicode", path: PATH, side: "head", startLine: 9, attrs: ["frob"] }],
      stats: { files: 1 },
    });
  });

  it.each([
    [["--format", "json", "HEAD~2...HEAD~1"], 0],
    [["--fail-on", "never"], 0],
    [["--fail-on", "low"], 1],
    [["--format", "sarif"], 0],
    [["--format", "github"], 1],
    [["--format", "markdown"], 1],
    [["--offline"], 1],
  ])("%j ends with %i", async (args, status) => {
    const run = await review(...args);
    expect(run).toMatchObject({ status, stderr: "" });
    expect(run.stdout).not.toBe("");
  });

  it("takes a bare repository, and one that is elsewhere", async () => {
    const bare = join(repository.folder(), "bare.git");
    repository.git("clone", "--quiet", "--bare", ".", bare);
    expect(await verifod(["review", "--repo", bare], { cwd: folder })).toMatchObject({ status: 1 });
  });

  it.each([
    ["an unknown revision", ["nope..HEAD"], "the repository knows no revision nope"],
    ["an option as revision", ["--", "--all"], "is not a revision"],
    ["two ranges", ["HEAD", "HEAD"], "too many arguments"],
    ["an unknown option", ["--colour"], "unknown option '--colour'"],
    ["an unknown format", ["--format", "xml"], "Allowed choices are text, json, sarif, github, markdown"],
    ["an unknown severity", ["--fail-on", "severe"], "Allowed choices are block, high, medium, low, never"],
    ["no repository", ["--repo", "/"], "is not a git repository"],
    ["no directory", ["--repo", "none"], "is not a directory"],
    ["no configuration", ["--config", "none.yml"], "cannot read the configuration"],
    ["a report that cannot be written", ["--output", "none/report"], "cannot write the report"],
  ])("with %s says so on stderr alone, and ends with 2", async (_, args, message) => {
    const { status, stdout, stderr } = await review(...args);
    expect({ status, stdout }).toEqual({ status: 2, stdout: "" });
    expect(stderr).toContain(message);
    expect(stderr).not.toMatch(/^\s+at /m);
  });

  it("writes the report to a file, whole or not at all", async () => {
    const file = join(folder, "report.json");
    writeFileSync(file, "old");
    const { status, stdout } = await review("--format", "json", "--output", file);
    expect({ status, stdout }).toEqual({ status: 1, stdout: "" });
    expect(parsed(readFileSync(file, "utf8")).findings).toHaveLength(1);
    expect(readdirSync(folder)).toEqual(["report.json"]);
  });

  it("keeps the status when the reader of stdout leaves early", async () => {
    const many = makeRepository(
      { "a.nix": "1" },
      Object.fromEntries(
        Array.from({ length: 300 }, (_, index) => [`pkgs/${index}.nix`, `# \u202e${"x".repeat(500)}\n`]),
      ),
    );
    const script = 'node "$0" review --format json | head -c 1; echo " ${PIPESTATUS[0]}"';
    const { execFileSync } = await import("node:child_process");
    const program = new URL("../../dist/cli.mjs", import.meta.url).pathname;
    const output = execFileSync("bash", ["-c", script, program], { cwd: many.directory, encoding: "utf8" });
    many.remove();
    expect(output).toBe("{ 1\n");
  });

  it.each([
    ["stdout, on a full disk", '"$@" review >/dev/full', 2, "cannot write the report: ENOSPC"],
    ["stdout, of the help", '"$@" --help >/dev/full', 2, "cannot write the report: ENOSPC"],
    ["stderr, on a full disk", '"$@" review nope 2>/dev/full', 2, ""],
    ["stderr, that nobody reads", '("$@" review nope; exit $?) 2> >(exec 0<&-; sleep 1)', 2, ""],
  ])(
    "says what it cannot write to %s, and never ends as for a finding",
    async (_, script, status, message) => {
      const program = new URL("../../dist/cli.mjs", import.meta.url).pathname;
      const run = spawnSync("bash", ["-c", script, "bash", process.execPath, program], {
        cwd: repository.directory,
        encoding: "utf8",
      });
      expect(run).toMatchObject({ status, stderr: message && expect.stringContaining(message) });
      expect(run.stderr).not.toMatch(/^\s+at /m);
    },
  );

  it("has colours when asked, and never in a file or under NO_COLOR", async () => {
    const run = (env: Record<string, string>, ...args: string[]) =>
      verifod(["review", ...args], { cwd: repository.directory, env });
    expect((await run({ FORCE_COLOR: "1" })).stdout).toContain("\x1b[");
    expect((await run({ FORCE_COLOR: "1" }, "--format", "markdown")).stdout).not.toContain("\x1b[");
    expect((await run({ NO_COLOR: "1" })).stdout).not.toContain("\x1b[");
    await run({ FORCE_COLOR: "1" }, "--output", join(folder, "plain"));
    expect(readFileSync(join(folder, "plain"), "utf8")).not.toContain("\x1b[");
    rmSync(join(folder, "plain"));
  });
});

describe("the configuration", () => {
  it("of the base counts, of the head it does not", async () => {
    const own = makeRepository(
      { [PATH]: honest, [CONFIG_PATH]: "fail-on: never\n" },
      { [PATH]: attack, [CONFIG_PATH]: "unreadable: true\n" },
      { [PATH]: honest },
    );
    expect(await verifod(["review", "HEAD~2..HEAD~1"], { cwd: own.directory })).toMatchObject({ status: 0 });
    const broken = await verifod(["review"], { cwd: own.directory });
    expect(broken).toMatchObject({ status: 2, stdout: "" });
    expect(broken.stderr).toBe("verifod: .github/verifod.yml:1:1: unknown key unreadable\n");
    own.remove();
  });

  it("can be named, and gives way to options", async () => {
    const file = join(folder, "own.yml");
    writeFileSync(file, "rules: { hidden-unicode: low }\n");
    expect(await review("--config", file)).toMatchObject({ status: 0 });
    expect(await review("--config", file, "--fail-on", "low")).toMatchObject({ status: 1 });
    writeFileSync(file, "rules: { hidden-unicode: off }\n");
    expect(await review("--config", file, "--fail-on", "low")).toMatchObject({ status: 0 });
    rmSync(file);
  });
});

describe("bad input", () => {
  const bomb = `{ x = ${"a.".repeat(50_000)}b\n`;
  it.each([
    ["a parser bomb", bomb, "parsing took longer"],
    ["a binary named .nix", new Uint8Array([0, 1, 2, 3]), "not a text"],
    ["a huge file", `# ${"x".repeat(20_000_001)}\n`, "are more than the 20 MB that are read"],
  ])("%s is told as not checked, and the rest reviewed", async (_, content, reason) => {
    const own = makeRepository({ [PATH]: frob("1.0", "A") }, { "bad.nix": content, [PATH]: honest });
    const run = await verifod(["review", "--format", "json"], { cwd: own.directory });
    own.remove();
    const result = parsed(run.stdout);
    expect(result.unchecked).toContainEqual({ what: "bad.nix", reason: expect.stringContaining(reason) });
    expect(result.sources).toHaveLength(1);
    expect(result.complete).toBe(false);
    expect(run.status).toBe(result.findings.some(({ severity }) => /high|block/.test(severity)) ? 1 : 3);
  });

  it("a symlink, a submodule, an odd name and an executable do no harm", async () => {
    const own = makeRepository(
      { [PATH]: frob("1.0", "A") },
      {
        "pkgs/a/package.nix": { symlink: "/etc/passwd" },
        "pkgs/sub": { submodule: "1".repeat(40) },
        "pkgs/::error::\x1b[31m \n.nix": "{ }\n",
        "pkgs/run.sh": { executable: "#!/bin/sh\n" },
        [PATH]: honest,
      },
    );
    const run = await verifod(["review"], { cwd: own.directory });
    own.remove();
    expect(run.stderr).toBe("");
    expect(run.stdout).toContain("1.0 → 1.1");
    expect(run.stdout).not.toMatch(/\x1b|^\s*::/m);
    expect([0, 1]).toContain(run.status);
  });

  it("a git repository that cannot be read is told", async () => {
    const own = makeRepository({ "a.nix": "1" }, { "a.nix": "2" });
    const objects = join(own.directory, ".git", "HEAD");
    writeFileSync(objects, "garbage");
    const run = await verifod(["review"], { cwd: own.directory });
    own.remove();
    expect(run).toMatchObject({ status: 2, stdout: "" });
  });
});
