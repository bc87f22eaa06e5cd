/** What a release consists of: the same bytes wherever they are built, what they are made of, and nothing else. */
import { execFileSync } from "node:child_process";
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, expect, test } from "vitest";
import { parse } from "yaml";

interface Bundled {
  readonly name: string;
  readonly version: string;
  readonly licence: string;
  readonly purl: string | null;
}

const root = fileURLToPath(new URL("../../", import.meta.url));
const scratch = mkdtempSync(join(tmpdir(), "verifod-release-"));
afterAll(() => rmSync(scratch, { recursive: true }));

const filesIn = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((path) => statSync(join(folder, path)).isFile())
    .sort();
const listed = JSON.parse(readFileSync(`${root}dist/packages.json`, "utf8")) as readonly Bundled[];
const run = (program: string, ...args: string[]): string =>
  execFileSync(program, args, { cwd: root, encoding: "utf8", stdio: "pipe", maxBuffer: 64_000_000 });

/** Hard links are real files of their folder, and spare copying 400 MB where both are on one disk. */
function linkAll(from: string, to: string): void {
  try {
    run("cp", "-al", from, to);
  } catch {
    rmSync(to, { recursive: true, force: true });
    run("cp", "-a", from, to);
  }
}

test("the programs are the same bytes, built in another folder", () => {
  const other = join(scratch, "of", "another", "name");
  mkdirSync(other, { recursive: true });
  for (const path of ["src", "scripts", "package.json", "tsconfig.json"])
    cpSync(root + path, join(other, path), { recursive: true });
  linkAll(`${root}node_modules`, join(other, "node_modules"));
  execFileSync(process.execPath, [join(other, "scripts/build.mjs")], { cwd: scratch });
  expect(filesIn(join(other, "dist"))).toEqual(filesIn(`${root}dist`));
  for (const path of filesIn(`${root}dist`)) {
    const same = readFileSync(join(other, "dist", path)).equals(readFileSync(join(root, "dist", path)));
    expect(same, path).toBe(true);
    expect(readFileSync(join(root, "dist", path)).includes(root), path).toBe(false);
  }
});

/** The folders of packages that esbuild names above their code. */
function bundledFolders(): Set<string> {
  const programs = filesIn(`${root}dist`).filter((path) => path.endsWith(".mjs"));
  const texts = programs.map((path) => readFileSync(join(root, "dist", path), "utf8"));
  const named = texts.flatMap((text) => [
    ...text.matchAll(/^ *\/\/ (node_modules\/(?:.*\/node_modules\/)?(?:@[^/\n]+\/)?[^/\n]+)\//gm),
  ]);
  return new Set(named.map(([, folder = ""]) => folder));
}

test("all that is bundled is listed, with the text of its licence", () => {
  const text = readFileSync(`${root}dist/licenses.txt`, "utf8");
  const folders = bundledFolders();
  expect(folders.size).toBeGreaterThan(50);
  const names = new Set(listed.map(({ name, version }) => `${name}@${version}`));
  for (const folder of folders) {
    const { name, version } = JSON.parse(readFileSync(`${root}${folder}/package.json`, "utf8")) as Bundled;
    expect(names).toContain(`${name}@${version}`);
  }
  for (const file of filesIn(`${root}dist/wasm`))
    expect(text).toMatch(new RegExp(`^${file.slice(0, -5)} `, "m"));
  expect(names).toContain(`@cursorless/tree-sitter-wasms@0.7.0`);
  const parts = text.split(/^(.+ \S+ \(.+\))\n=+\n/m).slice(1);
  expect(parts.filter((_, index) => index % 2 === 0)).toEqual(
    listed.map(({ name, version, licence }) => `${name} ${version} (${licence})`),
  );
  for (const [index, part] of parts.entries()) {
    if (index % 2 === 1) expect(part, parts[index - 1]).toMatch(/permission|redistribut|free|licensed/i);
    if (index % 2 === 1) expect(part.length, parts[index - 1]).toBeGreaterThan(500);
  }
});

test("the bill of materials has each of them, and no tool that only builds or tests", () => {
  const bom = JSON.parse(run(process.execPath, "scripts/sbom.mjs")) as {
    readonly components: readonly {
      readonly name: string;
      readonly version: string;
      readonly purl: string;
    }[];
    readonly dependencies: readonly { readonly ref: string; readonly dependsOn: readonly string[] }[];
  };
  const names = bom.components.map(({ name, version }) => `${name}@${version}`);
  expect(new Set(names).size).toBe(names.length);
  expect(names).toEqual(expect.arrayContaining(listed.map(({ name, version }) => `${name}@${version}`)));
  const purls = bom.components.map(({ purl }) => purl);
  expect(purls.filter((purl) => purl.startsWith("pkg:github/")).map((purl) => purl.split("@")[0])).toEqual([
    "pkg:github/tree-sitter/tree-sitter-bash",
    "pkg:github/nix-community/tree-sitter-nix",
    "pkg:github/tree-sitter/tree-sitter-python",
  ]);
  for (const tool of ["esbuild", "vitest", "typescript", "eslint"])
    expect(names.filter((name) => name.startsWith(`${tool}@`))).toEqual([]);
  const refs = new Set(bom.dependencies.map(({ ref }) => ref));
  expect(bom.dependencies.flatMap(({ dependsOn }) => dependsOn).filter((ref) => !refs.has(ref))).toEqual([]);
});

test("the package for npm holds the programs, the pages and the schemas, and nothing else", () => {
  const [packed] = JSON.parse(run("npm", "pack", "--dry-run", "--json", "--ignore-scripts")) as [
    { readonly files: readonly { readonly path: string }[] },
  ];
  const expected = [
    ...["dist", "docs", "schema"].flatMap((folder) =>
      filesIn(root + folder).map((path) => `${folder}/${path}`),
    ),
    ...["LICENSE", "README.md", "app.yml", "package.json"],
  ];
  expect(packed.files.map(({ path }) => path).sort()).toEqual(expected.sort());
  expect(expected).toEqual(expect.arrayContaining(["dist/cli.mjs", "dist/action.mjs", "dist/licenses.txt"]));
  expect(expected.filter((path) => !/\.(?:mjs|txt|json|wasm|bin|nix|md|yml)$|^LICENSE$/.test(path))).toEqual(
    [],
  );
});

interface Workflow {
  readonly jobs: Readonly<Record<string, { readonly steps: readonly { name?: string; run?: string }[] }>>;
}

test("the release's commit is a child of the source with dist/ added, tagged; no branch moves", () => {
  const { jobs } = parse(readFileSync(`${root}.github/workflows/release.yml`, "utf8")) as Workflow;
  const steps = (jobs.release?.steps ?? []).filter(({ run: script }) => script !== undefined);
  const script = steps.find(({ run: text }) => text?.includes("git commit"))?.run ?? "";
  const [origin, source, clone] = ["origin.git", "source", "clone"].map((name) => join(scratch, name)) as [
    string,
    string,
    string,
  ];
  const git = (folder: string, ...args: string[]): string =>
    execFileSync("git", ["-C", folder, "-c", "user.name=a", "-c", "user.email=a@example.org", ...args], {
      encoding: "utf8",
    }).trim();
  run("git", "init", "--quiet", "--initial-branch=main", source);
  for (const [path, content] of [
    [".gitignore", "/dist/\n"],
    ["action.yml", "name: Verifod\n"],
  ] as const) {
    writeFileSync(join(source, path), content);
    git(source, "add", path);
    git(source, "commit", "--quiet", "--message", path);
  }
  run("git", "clone", "--quiet", "--bare", source, origin);
  // As actions/checkout leaves it: one commit deep, on no branch.
  run("git", "clone", "--quiet", "--depth=1", `file://${origin}`, clone);
  const sha = git(clone, "rev-parse", "HEAD");
  git(clone, "checkout", "--quiet", "--detach", sha);
  cpSync(`${root}dist`, join(clone, "dist"), { recursive: true });
  execFileSync("bash", ["--noprofile", "--norc", "-eo", "pipefail", "-c", script], {
    cwd: clone,
    env: { PATH: process.env.PATH, HOME: scratch, VERSION: "1.2.3", GITHUB_SHA: sha },
    stdio: "pipe",
  });
  const tagged = git(origin, "rev-parse", "v1.2.3^{commit}");
  expect(git(origin, "cat-file", "-t", "v1.2.3")).toBe("tag");
  expect(git(origin, "rev-parse", `${tagged}^@`)).toBe(sha);
  expect(git(origin, "rev-parse", "main")).toBe(sha);
  expect(git(origin, "diff", "--name-status", sha, tagged).split("\n").sort()).toEqual(
    filesIn(`${root}dist`)
      .map((path) => `A\tdist/${path}`)
      .sort(),
  );
  expect(git(origin, "log", "-1", "--format=%B", tagged)).toContain(sha);
});
