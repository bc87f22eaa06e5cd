/** The commits of a range, for a backtest. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { VerifodError } from "../errors.ts";
import { splitRange } from "./git.ts";
import { complaint, gitEnvironment, gitOptions } from "./git-process.ts";
import type { Repository } from "./repository.ts";

/** Two commit ids for `openGitPair`; the base of a root commit is the id of the empty tree. */
export interface CommitPair {
  readonly base: string;
  readonly head: string;
}

/**
 * The commits of a range that are no merges, each with its parent, oldest first. A single revision: all of its
 * history. In a cut history the oldest parents are named all the same, and opening such a pair says what lacks.
 * @throws VerifodError (usage) for a range that cannot be resolved; (outside) when git cannot walk it.
 */
export async function* nonMergeCommits(repository: Repository, range = "HEAD"): AsyncGenerator<CommitPair> {
  const parts = splitRange(range);
  const head = await repository.resolve(parts?.head ?? range);
  const base = parts === null ? null : await repository.resolve(parts.base);
  const until = base === null ? [] : [`^${base.oid}`];
  // `A...B` lists what is new on the head's side alone: from the merge base that is the same as `A..B`.
  const args = ["rev-list", "--no-merges", "--reverse", "--topo-order", head.oid, ...until];
  const git = spawn("git", [...gitOptions, `--git-dir=${repository.directory}`, ...args], {
    env: gitEnvironment(),
    stdio: ["ignore", "pipe", "pipe"],
  });
  let stderr = "";
  git.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr = (stderr + text).slice(-4000);
  });
  const ended = once(git, "close");
  // Awaited at the end only; a failure to start must not count as unhandled before that.
  ended.catch(() => {});
  try {
    for await (const oid of createInterface({ input: git.stdout })) {
      // Not rev-list's `--parents`: in a shallow clone it hides the parents of the oldest commits.
      const commit = await repository.commit(oid);
      const parents = commit?.parents ?? [];
      if (parents.length <= 1) yield { base: parents[0] ?? repository.emptyTree, head: oid };
    }
    const [status] = await ended;
    if (status !== 0) throw new VerifodError("outside", `git cannot walk ${range}: ${complaint(stderr)}`);
  } finally {
    git.kill();
  }
}
