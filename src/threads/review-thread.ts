/**
 * A thread that reviews changes, one after the other. It has no token: what is not of this machine's git, it asks of
 * review-threads.ts.
 */
import { parentPort } from "node:worker_threads";
import { type ByteCache, byteCache } from "../change/cache.ts";
import type { Change, Content, Entry, Tree } from "../change/change.ts";
import { openGitPair } from "../change/git.ts";
import { openGitDirectory, type Repository } from "../change/repository.ts";
import { repositoryTree } from "../change/tree.ts";
import type { Config } from "../config.ts";
import { messageOf, VerifodError } from "../errors.ts";
import type { Memory } from "../facts/gather.ts";
import { loadConfig, readConfigFile } from "../load-config.ts";
import type { KnownPin } from "../pair/reuse.ts";
import { review } from "../review.ts";
import { createTools } from "../tools.ts";
import type {
  Answer,
  MemoryQuestion,
  Question,
  ReviewTask,
  ThreadMessage,
  TreeName,
  TreeQuestion,
  UpstreamQuestion,
} from "./review-threads.ts";
import { type UpstreamReply, upstreamThrough } from "./upstream.ts";

if (!parentPort) throw new Error("review-thread runs as a thread only");
const port = parentPort;
const tools = await createTools();
const waiting = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>();
let questions: Question[] = [];
let lastId = 0;

/** Asks together what is asked at the same time, so that GitHub is asked for it with one query. */
function ask(question: TreeQuestion | UpstreamQuestion | MemoryQuestion): Promise<unknown> {
  if (questions.length === 0) {
    setImmediate(() => {
      say({ kind: "ask", questions });
      questions = [];
    });
  }
  const id = ++lastId;
  questions.push({ id, ...question });
  return new Promise((resolve, reject) => waiting.set(id, { resolve, reject }));
}

function say(message: ThreadMessage): void {
  port.postMessage(message);
}

/** As for a local repository: what is read again, as for evaluation, is not sent and held twice. */
const KEPT_BYTES = 64_000_000;
/** What one takes beside its text. */
const CONTENT_BYTES = 1_000;

type Contents = ByteCache<Promise<Content>>;

function readAsked(tree: TreeName, entry: Entry): Promise<Content> {
  return ask({ tree, method: "read", argument: entry }) as Promise<Content>;
}

function askedTree(
  name: TreeName,
  { commit, remote }: ReviewTask["trees"][TreeName],
  contents: Contents,
): Tree {
  return {
    commit,
    remote,
    entry: (path) => ask({ tree: name, method: "entry", argument: path }) as Promise<Entry | null>,
    list: (path) => ask({ tree: name, method: "list", argument: path }) as Promise<readonly Entry[]>,
    read: (entry) => {
      // Its id may be that of any file.
      if (entry.kind === "submodule") return readAsked(name, entry);
      const known = contents.get(entry.oid);
      if (known !== undefined) return known;
      const reading = readAsked(name, entry);
      contents.set(entry.oid, reading, CONTENT_BYTES);
      return reading.then((content) => {
        const characters = content.kind === "text" ? content.text.length : 0;
        contents.set(entry.oid, reading, CONTENT_BYTES + characters * 2);
        return content;
      });
    },
    size: (entry) => ask({ tree: name, method: "size", argument: entry }) as Promise<number | null>,
  };
}

/** Opens a git directory that this process has opened before: only its kind of hash is left to find out. */
function openAgain(gitDirectory: string, commit: string): Repository {
  return openGitDirectory({ gitDirectory, shallow: false, hash: commit.length === 64 ? "sha256" : "sha1" });
}

/** A tree of this machine's git. @throws VerifodError (outside) when it is gone by now */
async function readTree(repository: Repository, commit: string): Promise<Tree> {
  if (commit === repository.emptyTree) return repositoryTree(repository, commit, commit);
  const found = await repository.commit(commit);
  if (found === null) throw new VerifodError("outside", `the repository lacks the commit ${commit}`);
  return repositoryTree(repository, commit, found.tree);
}

/** The change between two commits. Without a repository it fails: nobody may think that nothing differs. */
function compared(repository: Repository | null, base: string, head: string): Promise<Change> {
  if (!repository) throw new Error("only what is of this machine's git can be compared here");
  return openGitPair(repository, base, head);
}

const upstream = upstreamThrough((changes) => ask({ method: "upstream", changes }) as Promise<UpstreamReply>);
const memory: Memory = {
  pinsWith: (hashes) => ask({ method: "memory", hashes }) as Promise<readonly KnownPin[]>,
};

function configOf({ config }: ReviewTask, tip: Tree): Promise<Config> {
  return config.of === "machine" ? readConfigFile(config.path) : loadConfig(tip, config.path);
}

async function run(task: ReviewTask): Promise<void> {
  const { trees, directory, files, unchecked, subjects } = task;
  const [before, after] = [trees.base.commit, trees.head.commit];
  let repository: Repository | null = null;
  try {
    repository = directory === null ? null : openAgain(directory, after);
    const contents: Contents = byteCache(KEPT_BYTES);
    const treeOf = async (name: TreeName): Promise<Tree> =>
      repository ? readTree(repository, trees[name].commit) : askedTree(name, trees[name], contents);
    const [base, head, tip] = await Promise.all([treeOf("base"), treeOf("head"), treeOf("tip")]);
    const listed = files && { base, head, files, unchecked, subjects };
    const change = listed ?? (await compared(repository, before, after));
    const result = await review(change, tools, {
      config: await configOf(task, tip),
      upstream: task.asks ? upstream : null,
      memory: task.remembers ? memory : null,
    });
    say({ kind: "done", result });
  } catch (error) {
    const fault = error instanceof VerifodError ? error.fault : null;
    const stack = error instanceof Error ? (error.stack ?? null) : null;
    say({ kind: "failed", fault, message: messageOf(error), stack });
  } finally {
    repository?.close();
  }
}

function take({ id, outcome }: Answer): void {
  const asked = waiting.get(id);
  waiting.delete(id);
  if (outcome.kind === "value") asked?.resolve(outcome.value);
  else asked?.reject(new VerifodError("outside", outcome.message));
}

port.on("message", (message: ReviewTask | readonly Answer[]) => {
  if ("trees" in message) void run(message);
  else for (const answer of message) take(answer);
});
