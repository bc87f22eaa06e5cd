// Needs: strace
/** The built programs on a repository of every hostile tree that git can express. */
import { existsSync, mkdtempSync, readFileSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Review } from "../../src/report/review.ts";
import { actionsBot, type FakeGitHub, startFakeGitHub } from "../fake-github/server.ts";
import { runAction } from "../support/action.ts";
import { type CliRun, verifod } from "../support/cli.ts";
import { pass } from "../support/doors.ts";
import { NO_USAGE, type Usage, watch } from "../support/measure.ts";
import {
  addHostileConfiguration,
  makeNastyRepository,
  type NastyRange,
  type NastyRepository,
  NEEDLE,
  SECRET,
} from "../support/nasty-repository.ts";

const MOST_SECONDS = 60;
const MOST_MEGABYTES = 512;

/** What hides, reorders, or commands a terminal. Line feeds are ours. */
const RAW_CONTROLS =
  /[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202f\u2060-\u206f\ufeff\u{e0000}-\u{e0fff}]/u;

let plain: NastyRepository;
let configured: NastyRepository;

beforeAll(() => {
  plain = makeNastyRepository();
  configured = makeNastyRepository();
  addHostileConfiguration(configured);
});
afterAll(() => {
  expect(existsSync(plain.mark)).toBe(false);
  expect(existsSync(configured.mark)).toBe(false);
  plain.remove();
  configured.remove();
});

async function review(
  { base, head }: NastyRange,
  format = "json",
  dots = "..",
): Promise<CliRun & { readonly usage: Usage }> {
  let done: () => Usage = () => NO_USAGE;
  const run = await verifod(
    ["review", `${base}${dots}${head}`, "--repo", configured.directory, "--format", format],
    {
      // What Node takes for itself on a machine of 512 MB.
      env: { NODE_OPTIONS: "--max-old-space-size=320" },
      onSpawn: (child) => {
        done = watch(child);
      },
    },
  );
  const usage = done();
  expect(usage.seconds).toBeLessThan(MOST_SECONDS);
  expect(usage.megabytes).toBeLessThan(MOST_MEGABYTES);
  expect(run.stderr).toBe("");
  return { ...run, usage };
}

function reviewIn({ stdout }: CliRun): Review {
  return JSON.parse(stdout) as Review;
}

function swappedIn({ findings }: Pick<Review, "findings">): string[] {
  return findings.filter(({ rule }) => rule === "hash-changed-alone").map(({ path }) => path);
}

describe("from git", () => {
  test("every swapped hash is found, whatever name its file has", async () => {
    const run = await review(configured.entries);
    expect(run.status).toBe(1);
    const { complete, findings, unchecked } = reviewIn(run);
    expect(swappedIn({ findings }).sort()).toEqual([...configured.swapped].sort());
    expect([complete, unchecked]).toEqual([
      false,
      [{ what: "links/binary.nix", reason: "not a text (NUL byte)" }],
    ]);
    const special = findings.filter(({ rule }) => rule === "symlink-or-special-file").map(({ path }) => path);
    for (const path of ["evil", "plain", "links/default.nix", "links/package.nix", ".github/verifod.yml"]) {
      expect(special).toContain(path);
    }
  });

  test("objects that no honest git writes hide nothing that stands beside them", async () => {
    const run = await review(configured.malformed);
    expect(run.status).toBe(1);
    const { complete, findings, unchecked } = reviewIn(run);
    expect(swappedIn({ findings })).toEqual(expect.arrayContaining([...configured.swapped]));
    expect(complete).toBe(false);
    const open = unchecked.map(({ what }) => what);
    for (const what of ["..", "dots/..", "slashes/../../escape.nix", "twice/a.nix", "bytes/a\\377."])
      expect(open).toContain(what);
    for (const what of ["absent.nix", "corrupt.nix", "is-tree.nix", "is-blob/", "corrupt/", "cut/", "noise/"])
      expect(open).toContain(what);
  });

  test("a tree without end is cut in time, and said to be", async () => {
    const run = await review(configured.bomb);
    expect(run.status).toBe(3);
    const { complete, unchecked } = reviewIn(run);
    expect([complete, unchecked[0]]).toEqual([
      false,
      { what: "the rest of the change", reason: "more files differ than are looked at" },
    ]);
    for (const { reason } of unchecked.slice(1)) expect(reason).toMatch(/more files than the 25 thousand/);
  }, 90_000);

  test.each(["text", "json", "sarif", "github", "markdown"])(
    "as %s nothing of it commands a terminal, and nothing of the machine is told",
    async (format) => {
      for (const range of [configured.entries, configured.malformed]) {
        const { stdout } = await review(range, format);
        expect(stdout).not.toMatch(RAW_CONTROLS);
        expect(stdout).not.toContain(SECRET);
        expect(stdout.length).toBeGreaterThan(1_000);
      }
    },
  );

  test("git alone is run, by its three commands, and nothing is opened but the repository and the program", async () => {
    const folder = mkdtempSync(join(tmpdir(), "verifod-strace-"));
    try {
      const log = join(folder, "log");
      const { base, head } = configured.malformed;
      const trace = ["strace", "-f", "-qq", "-s", "4096", "-v", "-e", "trace=execve,open,openat,openat2"];
      const run = await verifod(
        ["review", `${base}...${head}`, "--repo", configured.directory, "--format", "json"],
        { under: [...trace, "-o", log], env: { GITHUB_TOKEN: SECRET, INPUT_TOKEN: SECRET } },
      );
      expect([run.status, run.stderr]).toEqual([1, ""]);
      const lines = whole(readFileSync(log, "utf8").split("\n"));
      const programs = lines.filter((line) => /\bexecve\(.* = 0$/.test(line)).slice(1);
      for (const line of programs) expect(line).not.toContain(SECRET);
      const commands = programs.map(
        (line) => /execve\("[^"]*\/git", \["git",.*?"(rev-parse|cat-file|merge-base)"/.exec(line)?.[1],
      );
      expect(new Set(commands)).toEqual(new Set(["rev-parse", "cat-file", "merge-base"]));
      expect(opened(lines).filter((path) => !isOurs(path, configured))).toEqual([]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test("what only a merge brings in is found, from whichever merge base", async () => {
    const { base, head } = configured.entries;
    const evil = configured.merged;
    for (const [from, to] of [
      [base, evil.merge],
      [evil.left, evil.octopus],
      [evil.crissLeft, evil.crissRight],
    ] as const) {
      const run = await review({ base: from, head: to }, "json", "...");
      expect(swappedIn(reviewIn(run))).toContain(NEEDLE);
    }
    // A graft that makes the head a root, and a replacement that makes it its base, are not looked at.
    expect(swappedIn(reviewIn(await review({ base, head }, "json", "...")))).toContain(NEEDLE);
  });
});

describe("from GitHub's API", () => {
  let fake: FakeGitHub;
  beforeAll(async () => {
    plain.git("update-ref", "refs/heads/main", plain.entries.base);
    fake = await startFakeGitHub({ repository: plain });
  });
  afterAll(() => fake.close());

  test("the same is found, or said to be open, and the checkout is not needed", async () => {
    const pull = fake.openPull({ head: plain.entries.head });
    const watching: (() => Usage)[] = [];
    const run = await runAction({
      inputs: {
        token: fake.token(actionsBot({ contents: "read", checks: "write", pull_requests: "write" })),
      },
      event: "pull_request_target",
      payload: {
        action: "opened",
        pull_request: { ...fake.pullData(pull), title: "$(touch pwned)\n::error::x" },
      },
      apiUrl: fake.url,
      onSpawn: (child) => watching.push(watch(child)),
    });
    for (const usage of watching.map((done) => done())) {
      expect(usage.seconds).toBeLessThan(MOST_SECONDS);
      expect(usage.megabytes).toBeLessThan(MOST_MEGABYTES);
    }
    expect(fake.faults).toEqual([]);
    expect([run.stderr, run.status]).toEqual(["", 0]);
    expect(run.stdout + run.summary).not.toMatch(RAW_CONTROLS);
    expect(run.commands).toEqual(["add-mask"]);
    const [check] = fake.checkRuns;
    expect(check).toMatchObject({ conclusion: "failure", status: "completed", head_sha: pull.head.sha });
    const found = check?.annotations.filter(({ title }) => title?.startsWith("hash-changed-alone")) ?? [];
    expect(found.map(({ path }) => path).sort()).toEqual([...plain.swapped].sort());
    expect(JSON.stringify([fake.checkRuns, fake.reviewComments, run])).not.toContain(SECRET);
  });

  test("the App finds the same", async () => {
    const { base, head } = plain.entries;
    const passage = await pass("app", { repository: plain, base, head });
    expect(passage.usage.seconds).toBeLessThan(MOST_SECONDS);
    expect(passage.usage.megabytes).toBeLessThan(MOST_MEGABYTES);
    expect(passage).toMatchObject({ conclusion: "failure", outcome: "open", faults: [] });
    expect(passage.paths).toEqual(expect.arrayContaining([...plain.swapped]));
    expect(passage.told).not.toMatch(RAW_CONTROLS);
    expect(passage.told).not.toContain(SECRET);
    expect(passage.told).toContain("not a text (NUL byte)");
  });
});

/** The files that were opened, from the calls that succeeded. */
/** Each call in one line: strace cuts one in two when another thread calls before it returns. */
function whole(lines: readonly string[]): string[] {
  const begun = new Map<string, string>();
  return lines.flatMap((line) => {
    const [, thread = "", call] = /^(\d+) (.*) <unfinished \.\.\.>$/.exec(line) ?? [];
    if (call !== undefined) {
      begun.set(thread, call);
      return [];
    }
    const [, back = "", rest = ""] = /^(\d+) <\.\.\. \w+ resumed>(.*)$/.exec(line) ?? [];
    return [back === "" ? line : `${back} ${begun.get(back) ?? ""}${rest}`];
  });
}

function opened(lines: readonly string[]): string[] {
  return lines.flatMap((line) => {
    const [, path] = /\bopen(?:at2?)?\((?:[^"(]*, )?"((?:[^"\\]|\\.)*)".* = \d+$/.exec(line) ?? [];
    return path === undefined ? [] : [path];
  });
}

const program = fileURLToPath(new URL("../../", import.meta.url));

function isOurs(path: string, { directory }: NastyRepository): boolean {
  const node = dirname(dirname(realpathSync(process.execPath)));
  const ours = [
    ".git/",
    `${directory}/.git`,
    `${program}dist`,
    `${program}node_modules`,
    `${program}package.json`,
    node,
  ];
  // What the loader, Node and git look at on every start.
  const system = [
    "/usr/lib",
    "/lib",
    "/usr/share/locale",
    "/usr/share/zoneinfo",
    "/usr/local/lib",
    "/etc/ld.so.",
    "/etc/resolv.conf",
    "/etc/nsswitch.conf",
    "/etc/ssl/openssl.cnf",
    "/etc/localtime",
    "/dev/null",
    "/sys/fs/cgroup",
    "/sys/devices/system/cpu",
    "/proc/meminfo",
    "/proc/stat",
    "/proc/cpuinfo",
    "/proc/version_signature",
    "/proc/sys/vm/overcommit_memory",
    "/proc/self/cgroup",
    "/proc/self/maps",
    "/proc/self/stat",
  ];
  return [...ours, ...system].some((start) => path === start || path.startsWith(start));
}
