// Makes a small repository in a temporary folder, with a commit for each of the examples/, and reviews them.
import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readdirSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const examples = join(root, "examples");
const repository = mkdtempSync(join(tmpdir(), "verifod-demo-"));

const identity = ["-c", "user.name=Demo", "-c", "user.email=demo@example.org", "-c", "commit.gpgsign=false"];
function git(...args) {
  const { status, stderr } = spawnSync("git", ["-C", repository, ...identity, ...args], { encoding: "utf8" });
  if (status !== 0) {
    console.error(`git ${args.join(" ")} failed: ${stderr}`);
    process.exit(1);
  }
}

function commit(folder, message) {
  cpSync(join(examples, folder), repository, {
    recursive: true,
    filter: (path) => !path.endsWith("MESSAGE"),
  });
  git("add", "--all");
  git("commit", "--quiet", "--message", message);
}

git("init", "--quiet", "--initial-branch=main");
commit("base", "The packages as they are");
git("tag", "start");
const steps = readdirSync(examples)
  .filter((name) => /^\d/.test(name))
  .sort();
for (const step of steps) commit(step, readFileSync(join(examples, `${step}/MESSAGE`), "utf8").trim());

steps.forEach((step, index) => {
  const back = steps.length - index - 1;
  const head = back === 0 ? "HEAD" : `HEAD~${back}`;
  const subject = readFileSync(join(examples, `${step}/MESSAGE`), "utf8").trim();
  console.log(`\n── ${subject}\n   verifod review ${head}^..${head}\n`);
  const args = [join(root, "dist/cli.mjs"), "review", "--repo", repository, `${head}^..${head}`];
  const { status } = spawnSync(process.execPath, args, { stdio: "inherit" });
  // 0: nothing to say, 1: findings. Anything else is a failure of the demo.
  if (status !== 0 && status !== 1) process.exit(status ?? 1);
});

console.log(`
The repository of this demo is ${repository}: look at its commits with git log -p.
In your own: npx verifod review BASE..HEAD`);
