/**
 * Tests that need more than Node and git say so in their first line: `// Needs: nix, strace`. Where a program is missing
 * they are left out, and that is told; with VERIFOD_REQUIRE_ALL=1, as in CI, nothing is left out.
 */
import { spawnSync } from "node:child_process";
import { accessSync, constants, existsSync, readdirSync, readFileSync } from "node:fs";
import { delimiter, join } from "node:path";

const test = new URL("..", import.meta.url).pathname;

/** The folder of PostgreSQL's server programs, which Debian keeps out of the PATH; null: none. */
export function postgresPrograms(): string | null {
  const root = "/usr/lib/postgresql";
  const versions = existsSync(root) ? readdirSync(root).sort((a, b) => Number(b) - Number(a)) : [];
  const installed = versions.map((version) => `${root}/${version}/bin`);
  return installed.find((bin) => existsSync(`${bin}/initdb`)) ?? null;
}

function isInPath(program: string): boolean {
  return (process.env.PATH ?? "").split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** Whether what a first line may name is here, and where it comes from. */
const PROGRAMS: Readonly<Record<string, { readonly isHere: () => boolean; readonly from: string }>> = {
  nix: {
    isHere: () => isInPath("nix-store"),
    from: "https://nixos.org/download, or apt-get install nix-bin",
  },
  postgresql: { isHere: () => postgresPrograms() !== null, from: "apt-get install postgresql" },
  strace: { isHere: () => isInPath("strace"), from: "apt-get install strace" },
  libcurl: {
    isHere: () =>
      spawnSync("python3", ["-c", 'import ctypes; ctypes.CDLL("libcurl.so.4")'], { stdio: "ignore" })
        .status === 0,
    from: "apt-get install python3 libcurl4",
  },
  packers: {
    isHere: () => ["xz", "bzip2", "zstd"].every(isInPath),
    from: "apt-get install xz-utils bzip2 zstd",
  },
};

/** What a test file says that it needs. */
export function needsOf(path: string): readonly string[] {
  const [first = ""] = readFileSync(path, "utf8").split("\n", 1);
  return /^\/\/ Needs: (.+)$/.exec(first)?.[1]?.split(", ") ?? [];
}

/** All test files, as absolute paths. */
export function testFiles(): readonly string[] {
  const files = readdirSync(test, { recursive: true, encoding: "utf8" });
  return files.filter((file) => file.endsWith(".test.ts")).map((file) => join(test, file));
}

/** The test files that cannot run here; says which programs are missing on stderr. */
export function leftOut(): readonly string[] {
  if (process.env.VERIFOD_REQUIRE_ALL === "1") return [];
  const missing = new Map<string, string[]>();
  for (const file of testFiles()) {
    for (const need of needsOf(file)) {
      const program = PROGRAMS[need];
      if (!program) throw new Error(`${file} needs ${need}, of which test/support/programs.ts knows nothing`);
      if (!program.isHere()) missing.set(need, [...(missing.get(need) ?? []), file]);
    }
  }
  for (const [need, files] of missing) {
    process.stderr.write(
      `${files.length} test files are NOT run: no ${need} here (${PROGRAMS[need]?.from})\n`,
    );
  }
  return [...new Set([...missing.values()].flat())];
}
