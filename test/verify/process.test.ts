import { existsSync, readFileSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { afterEach, beforeEach, expect, test } from "vitest";
import { killMarked, run } from "../../src/verify/process.ts";

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(`${tmpdir()}/verifod-test-`);
});
afterEach(() => rm(directory, { recursive: true }));

const shell = (script: string, options: Partial<Parameters<typeof run>[2]> = {}) =>
  run("/bin/sh", ["-c", script], { env: { PATH: "/usr/bin:/bin" }, cwd: directory, seconds: 20, ...options });
/** Ended processes can stay listed, as zombies, until their parent looks. */
const isAlive = (pid: number) =>
  existsSync(`/proc/${pid}/stat`) && !/^\d+ \(.*\) Z /.test(readFileSync(`/proc/${pid}/stat`, "latin1"));
const pidIn = async (file: string) => Number((await readFile(`${directory}/${file}`, "utf8")).trim());

test("gives status and output, and nothing of our environment", async () => {
  process.env.VERIFOD_TEST_SECRET = "secret";
  const { status, stdout, stderr, ended } = await shell("env; echo oops >&2; exit 7");
  delete process.env.VERIFOD_TEST_SECRET;
  expect({ status, stderr, ended }).toEqual({ status: 7, stderr: "oops\n", ended: null });
  expect(stdout).not.toContain("secret");
});

test("arguments are no shell's", async () => {
  const { stdout } = await run("/bin/echo", ["$(id)", "; exit", "'"], {
    env: {},
    cwd: directory,
    seconds: 20,
  });
  expect(stdout).toBe("$(id) ; exit '\n");
});

test("keeps only so much output, and cuts long lines", async () => {
  const flood = await shell("i=0; while [ $i -lt 2000 ]; do echo xxxxxxxxxxxxxxxxxxxx; i=$((i+1)); done", {
    keep: 1_000,
  });
  expect(flood.stdout).toHaveLength(1_000);
  expect(flood.isCut).toBe(true);
  expect((await shell("printf %1000s x; echo 1 >&2", { keep: 1_000 })).isCut).toBe(false);
  const lines: number[] = [];
  await shell("head -c 200000 /dev/zero | tr '\\0' x >&2", { onLine: (line) => lines.push(line.length) });
  expect(lines).toEqual([65_536]);
});

test("of a line without end no more is kept than of others", async () => {
  const before = process.memoryUsage().heapUsed;
  let most = 0;
  const watch = setInterval(() => {
    most = Math.max(most, process.memoryUsage().heapUsed - before);
  }, 5);
  const lines: string[] = [];
  const script = "printf 'one\\ntwo\\n' >&2; head -c 300000000 /dev/zero | tr '\\0' x >&2";
  await shell(script, { onLine: (line) => lines.push(line) });
  clearInterval(watch);
  expect(lines.map(({ length }) => length)).toEqual([3, 3, 65_536]);
  expect(most).toBeLessThan(150_000_000);
});

test("ends what takes too long: the group, and descendants with sessions of their own that ignore signals", async () => {
  const stubborn = "trap '' TERM HUP INT; echo $$ > FILE; while :; do sleep 0.1; done";
  const script = `setsid sh -c "${stubborn.replace("FILE", "session").replaceAll("$", "\\$")}" & ${stubborn.replace("FILE", "self")}`;
  const { status, ended } = await shell(script, { seconds: 1 });
  expect({ status, ended }).toEqual({ status: null, ended: "time" });
  expect(isAlive(await pidIn("self"))).toBe(false);
  expect(isAlive(await pidIn("session"))).toBe(false);
});

test("what left its tree unseen, and holds its output, is not waited for", async () => {
  const script = `(setsid sh -c 'echo $$ > left; exec sleep 60' &) ; sleep 60`;
  const started = performance.now();
  expect((await shell(script, { seconds: 1 })).ended).toBe("time");
  expect(performance.now() - started).toBeLessThan(10_000);
  process.kill(await pidIn("left"));
});

test("an abort ends it at once, before or after its start", async () => {
  const controller = new AbortController();
  setTimeout(() => controller.abort(), 300);
  const started = performance.now();
  expect((await shell("sleep 20", { signal: controller.signal })).ended).toBe("aborted");
  expect((await shell("sleep 20", { signal: controller.signal })).ended).toBe("aborted");
  expect(performance.now() - started).toBeLessThan(8_000);
});

test("memory and files have limits", async () => {
  const memory = await run(process.execPath, ["-e", "Buffer.alloc(3e9)"], {
    env: {},
    cwd: directory,
    seconds: 20,
    memory: 1_000_000_000,
  });
  expect(memory.status).not.toBe(0);
  await shell("head -c 5000000 /dev/zero > big", { fileSize: 1_000_000 });
  expect((await readFile(`${directory}/big`)).length).toBeLessThanOrEqual(1_000_000 + 512);
});

test("finds what left its process tree by its environment", async () => {
  const mark = `verifod-mark-${process.pid}`;
  await shell("(setsid sh -c 'echo $$ > left; exec sleep 60' >/dev/null 2>&1 </dev/null &) ; sleep 0.5", {
    env: { PATH: "/usr/bin:/bin", MARK: mark },
  });
  expect(isAlive(await pidIn("left"))).toBe(true);
  killMarked(mark);
  await new Promise((soon) => setTimeout(soon, 200));
  expect(isAlive(await pidIn("left"))).toBe(false);
});

test("a program that is not there is a status of the shell", async () => {
  expect((await run("no-such-program", [], { env: {}, cwd: directory, seconds: 5 })).status).toBe(127);
});
