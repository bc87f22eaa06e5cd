/** A thread that reviews changes, one after the other. It has no token: what it reads, it asks of review-threads.ts. */
import { parentPort } from "node:worker_threads";
import type { Content, Entry, Tree } from "../change/change.ts";
import { loadConfig } from "../config.ts";
import { messageOf, VerifodError } from "../errors.ts";
import { createTools, review } from "../review.ts";
import type {
  Answer,
  Question,
  ReviewTask,
  ThreadMessage,
  TreeName,
  TreeQuestion,
  UpstreamQuestion,
} from "./review-threads.ts";
import { type UpstreamReply, upstreamThrough } from "./upstream-thread.ts";

if (!parentPort) throw new Error("review-thread runs as a thread only");
const port = parentPort;
const tools = await createTools();
const waiting = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>();
let questions: Question[] = [];
let lastId = 0;

/** Asks together what is asked at the same time, so that GitHub is asked for it with one query. */
function ask(question: TreeQuestion | UpstreamQuestion): Promise<unknown> {
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

function treeOf(name: TreeName, { commit, remote }: ReviewTask["trees"][TreeName]): Tree {
  return {
    commit,
    remote,
    entry: (path) => ask({ tree: name, method: "entry", argument: path }) as Promise<Entry | null>,
    list: (path) => ask({ tree: name, method: "list", argument: path }) as Promise<readonly Entry[]>,
    read: (entry) => ask({ tree: name, method: "read", argument: entry }) as Promise<Content>,
  };
}

const upstream = upstreamThrough((changes) => ask({ method: "upstream", changes }) as Promise<UpstreamReply>);

async function run({ trees, files, unchecked, subjects, config: path, asks }: ReviewTask): Promise<void> {
  try {
    const config = await loadConfig(treeOf("tip", trees.tip), path);
    const change = {
      base: treeOf("base", trees.base),
      head: treeOf("head", trees.head),
      files,
      unchecked,
      subjects,
    };
    const result = await review(change, tools, { config, subjects, upstream: asks ? upstream : null });
    say({ kind: "done", result });
  } catch (error) {
    const fault = error instanceof VerifodError ? error.fault : null;
    const stack = error instanceof Error ? (error.stack ?? null) : null;
    say({ kind: "failed", fault, message: messageOf(error), stack });
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
