/**
 * Takes each guard away, one after the other, in a copy of the project, and runs the test file that must fail then. Says
 * which were not missed.
 *
 *   npm run flips [-- --only PATTERN] [--log FILE]
 *
 * `--log`: a file that remembers what was caught; what it has, with the same guard and tests, is not tried again.
 */
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { flipped, type Guard } from "./flips/guard.ts";
import { GUARDS } from "./flips/guards.ts";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const LEFT_OUT = new Set(["node_modules", "dist", ".git"]);
/** What takes four times as long without its guard, and this, has been noticed too. */
const MORE_MS = 60_000;
/** With its guards a test file takes seconds, on a machine that does much else some minutes. */
const LONGEST_MS = 600_000;

/** What became of a run of a test file. `broken`: nothing was tested, as when a file cannot be read. */
type Result =
  | { readonly kind: "passed" | "hung" | "broken" }
  | { readonly kind: "failed"; readonly by: string };

interface Report {
  readonly numPassedTests: number;
  readonly testResults: readonly {
    readonly assertionResults: readonly { readonly fullName: string; readonly status: string }[];
  }[];
}

const { values } = parseArgs({
  options: { only: { type: "string", default: "" }, log: { type: "string", default: "" } },
});
const wanted = GUARDS.filter(({ keeps, file }) => `${file} ${keeps}`.includes(values.only));
const known = new Set(
  existsSync(values.log)
    ? readFileSync(values.log, "utf8")
        .split("\n")
        .map((line) => line.split(" ", 1)[0])
    : [],
);
const copy = mkdtempSync(join(tmpdir(), "verifod-flips-"));
process.on("exit", () => rmSync(copy, { recursive: true, force: true }));

cpSync(root, copy, {
  recursive: true,
  filter: (path) => !LEFT_OUT.has(path.slice(root.length + 1).split("/")[0] ?? ""),
});
symlinkSync(join(root, "node_modules"), join(copy, "node_modules"));

// What a test leaves behind when it is ended goes with the copy.
const temporary = join(copy, "temporary");
mkdirSync(temporary);

const left = wanted.filter((guard) => !known.has(keyOf(guard)));
const longest = new Map<string, number>();
for (const test of new Set(left.map((guard) => guard.test))) {
  let started = performance.now();
  let { kind } = await run(test, LONGEST_MS);
  if (kind !== "passed") {
    // On a machine that does much else, once may be chance.
    started = performance.now();
    ({ kind } = await run(test, LONGEST_MS));
  }
  if (kind !== "passed") throw new Error(`${test} has ${kind} as it is: nothing can be told by it`);
  longest.set(test, 4 * (performance.now() - started) + MORE_MS);
}
let missed = 0;
for (const [index, guard] of left.entries()) {
  const result = await runWithout(guard);
  const found = result.kind === "failed" || result.kind === "hung";
  const how = result.kind === "failed" ? result.by : result.kind;
  console.log(
    `${index + 1}/${left.length} ${found ? "caught" : "SURVIVED"}: ${guard.keeps} (${guard.file}): ${how}`,
  );
  if (!found) missed += 1;
  else if (values.log !== "") appendFileSync(values.log, `${keyOf(guard)} ${guard.keeps}: ${how}\n`);
}
console.log(`${wanted.length - missed} of ${wanted.length} flips are caught`);
process.exitCode = missed === 0 ? 0 : 1;

function keyOf(guard: Guard): string {
  const hash = createHash("sha256").update(withoutIt(guard));
  return hash
    .update(readFileSync(join(copy, guard.test)))
    .digest("hex")
    .slice(0, 16);
}

function withoutIt(guard: Guard): string {
  return flipped(guard, readFileSync(join(copy, guard.file), "utf8"));
}

function runWithout(guard: Guard): Promise<Result> {
  const path = join(copy, guard.file);
  const text = readFileSync(path, "utf8");
  writeFileSync(path, withoutIt(guard));
  return run(guard.test, longest.get(guard.test) ?? LONGEST_MS).finally(() => writeFileSync(path, text));
}

async function run(test: string, milliseconds: number): Promise<Result> {
  const report = join(copy, "report.json");
  rmSync(report, { force: true });
  const child = spawn(
    process.execPath,
    [
      join(copy, "node_modules/vitest/vitest.mjs"),
      ...["run", "--bail", "1", "--reporter", "json", "--outputFile", report, test],
    ],
    // A group of its own: a test that loops is ended with the process that runs it.
    { cwd: copy, env: { ...process.env, TMPDIR: temporary }, stdio: "ignore", detached: true },
  );
  let hung = false;
  const timer = setTimeout(() => {
    hung = true;
    process.kill(-(child.pid ?? 0), "SIGKILL");
  }, milliseconds);
  const status = await new Promise<number | null>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", resolve);
  });
  clearTimeout(timer);
  if (hung) return { kind: "hung" };
  if (!existsSync(report)) return { kind: "broken" };
  const { numPassedTests, testResults } = JSON.parse(readFileSync(report, "utf8")) as Report;
  const failed = testResults
    .flatMap(({ assertionResults }) => assertionResults)
    .find((each) => each.status === "failed");
  if (failed !== undefined) return { kind: "failed", by: failed.fullName };
  return { kind: status === 0 && numPassedTests > 0 ? "passed" : "broken" };
}
