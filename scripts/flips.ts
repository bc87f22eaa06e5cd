/**
 * Takes each guard away, one after the other, in a copy of the project, and runs the test that must fail then. Says which
 * were not missed.
 *
 *   npm run flips [-- --only PATTERN]
 */
import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { GUARDS, type Guard } from "./flips/guards.ts";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const LEFT_OUT = new Set(["node_modules", "dist", ".git"]);
/** What takes longer than this without its guard has been noticed too. */
const LONGEST_MS = 120_000;

const { values } = parseArgs({ options: { only: { type: "string", default: "" } } });
const wanted = GUARDS.filter(({ keeps, file }) => `${file} ${keeps}`.includes(values.only));
const copy = mkdtempSync(join(tmpdir(), "verifod-flips-"));
process.on("exit", () => rmSync(copy, { recursive: true, force: true }));

cpSync(root, copy, {
  recursive: true,
  filter: (path) => !LEFT_OUT.has(path.slice(root.length + 1).split("/")[0] ?? ""),
});
symlinkSync(join(root, "node_modules"), join(copy, "node_modules"));

for (const test of new Set(wanted.map((guard) => guard.test))) {
  if (!passes(test)) throw new Error(`${test} fails as it is: nothing can be told by it`);
}
const missed = wanted.filter((guard, index) => {
  const found = isCaught(guard);
  console.log(
    `${index + 1}/${wanted.length} ${found ? "caught" : "SURVIVED"}: ${guard.keeps} (${guard.file})`,
  );
  return !found;
});
console.log(`${wanted.length - missed.length} of ${wanted.length} flips are caught`);
process.exitCode = missed.length === 0 ? 0 : 1;

/** Whether the test fails without the guard. */
function isCaught({ file, flips, test }: Guard): boolean {
  const path = join(copy, file);
  const text = readFileSync(path, "utf8");
  writeFileSync(
    path,
    flips.reduce((all, [from, to]) => all.replace(from, () => to), text),
  );
  try {
    return !passes(test);
  } finally {
    writeFileSync(path, text);
  }
}

function passes(test: string): boolean {
  const { status } = spawnSync(
    process.execPath,
    [join(copy, "node_modules/vitest/vitest.mjs"), "run", "--bail", "1", test],
    { cwd: copy, stdio: "ignore", timeout: LONGEST_MS, killSignal: "SIGKILL" },
  );
  return status === 0;
}
