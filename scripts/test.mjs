// Checks and tests at the same time: `npm test [-- WHAT VITEST TAKES]`. Fails when either does.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** What it prints on stdout is shown at once when `stdout` is inherit. */
function start(stdout, ...args) {
  return spawn(process.execPath, args, { cwd: root, stdio: ["inherit", stdout, "inherit"] });
}

const check = start("pipe", "scripts/check.mjs");
const tests = start("inherit", "node_modules/vitest/vitest.mjs", "run", ...process.argv.slice(2));
// Kept for the end, where it is read: not between the lines of tests.
let checked = "";
check.stdout.setEncoding("utf8").on("data", (text) => {
  checked += text;
});
const [[checkStatus], [testStatus]] = await Promise.all([once(check, "close"), once(tests, "close")]);
process.stdout.write(`\n${checked}${checkStatus === 0 ? "Checked" : "The check FAILED"}\n`);
process.exitCode = checkStatus === 0 && testStatus === 0 ? 0 : 1;
