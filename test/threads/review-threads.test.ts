import { expect, test } from "vitest";
import type { PullChange } from "../../src/change/api.ts";
import type { Content, Tree } from "../../src/change/change.ts";
import { openReviewThreads } from "../../src/threads/review-threads.ts";

/** A thread of a program: `task` is what it was given. */
const program = (text: string) =>
  new URL(
    `data:text/javascript,${encodeURIComponent(`import { parentPort as port } from "node:worker_threads"; port.on("message", (task) => { ${text} });`)}`,
  );
const tree: Tree = {
  commit: "a".repeat(40),
  entry: async (path) => ({ path, kind: "file", oid: "b".repeat(40) }),
  list: async () => {
    throw new Error("not listed");
  },
  read: async () => ({ kind: "text", text: "1\n" }),
};
const change: PullChange = { base: tree, head: tree, tip: tree, files: [], unchecked: [], subjects: null };
const about = (subjects: readonly string[]) => ({
  config: { of: "tip", path: "x.yml" } as const,
  subjects,
  upstream: null,
  memory: null,
});
const never = new AbortController().signal;

test("a thread asks here for what it reads, many things at once; a refusal is an answer", async () => {
  const threads = openReviewThreads({
    threads: 1,
    program: program(
      `if ("trees" in task) port.postMessage({ kind: "ask", questions: [
         { id: 1, tree: "head", method: "entry", argument: "x.nix" },
         { id: 2, tree: "tip", method: "list", argument: "" },
         { id: 3, tree: "base", method: "read", argument: { path: "x.nix", kind: "file", oid: "b" } } ] });
       else port.postMessage({ kind: "done", result: task });`,
    ),
  });
  expect(await threads.review(change, about([]), never)).toEqual([
    { id: 1, outcome: { kind: "value", value: { path: "x.nix", kind: "file", oid: "b".repeat(40) } } },
    { id: 2, outcome: { kind: "refused", message: "not listed" } },
    { id: 3, outcome: { kind: "value", value: { kind: "text", text: "1\n" } } },
  ]);
  await threads.close();
});

test("a large text that a thread was told is not held here", async () => {
  const threads = openReviewThreads({
    threads: 1,
    program: program(
      `const read = (path) => ({ id: 1, tree: "head", method: "read", argument: { path, kind: "file", oid: "b" } });
       if ("trees" in task) port.postMessage({ kind: "ask", questions: [read("large")] });
       else if (task[0].outcome.value.text.length > 1) port.postMessage({ kind: "ask", questions: [read("small")] });
       else port.postMessage({ kind: "done", result: "fine" });`,
    ),
  });
  const told: WeakRef<Content>[] = [];
  const isHeld: boolean[] = [];
  const read: Tree["read"] = async ({ path }) => {
    await new Promise((resolve) => setTimeout(resolve, 100));
    isHeld.push(told[0]?.deref() !== undefined);
    const content = { kind: "text", text: path === "large" ? "x".repeat(9_000_000) : "1" } as const;
    told.push(new WeakRef(content));
    return content;
  };
  expect(await threads.review({ ...change, head: { ...tree, read } }, about([]), never)).toBe("fine");
  expect(isHeld).toEqual([false, false]);
  await threads.close();
});

test("what waits for one of several answers does not think, and no clock goes on after a review", async () => {
  const threads = openReviewThreads({
    threads: 1,
    limitMs: 300,
    program: program(
      `const read = (path) => ({ id: 1, tree: "head", method: "read", argument: { path, kind: "file", oid: "b" } });
       if ("trees" in task) {
         globalThis.left = 2;
         port.postMessage({ kind: "ask", questions: [read("soon")] });
         port.postMessage({ kind: "ask", questions: [read("late")] });
       } else if (--left === 0) port.postMessage({ kind: "done", result: "fine" });`,
    ),
  });
  const read: Tree["read"] = async ({ path }) => {
    await new Promise((resolve) => setTimeout(resolve, path === "late" ? 600 : 0));
    return { kind: "text", text: "1" };
  };
  const waiting = { ...change, head: { ...tree, read } };
  expect(await threads.review(waiting, about([]), never)).toBe("fine");
  expect(await threads.review(waiting, about([]), never)).toBe("fine");
  await threads.close();
});

const MOODS = program(
  `if (task.subjects[0] === "hang") for (;;); if (task.subjects[0] === "die") process.exit(3);
   if (task.subjects[0] === "throw") throw new Error("thrown");
   port.postMessage({ kind: "done", result: "fine" });`,
);

test("a thread that hangs is ended", async () => {
  const threads = openReviewThreads({ threads: 1, limitMs: 300, program: MOODS });
  const hanging = threads.review(change, about(["hang"]), never);
  await expect(hanging).rejects.toThrow("the review took longer than 0.3 s");
  await threads.close();
});

test("one that dies or is stopped is replaced, and the next review goes on", async () => {
  const threads = openReviewThreads({ threads: 1, program: MOODS });
  const run = (what: string, signal = never) => threads.review(change, about([what]), signal);
  await expect(run("die")).rejects.toThrow("the review ended early, with status 3");
  await expect(run("throw")).rejects.toThrow("the review ended early: thrown");
  expect(await run("fine")).toBe("fine");
  const controller = new AbortController();
  const stopped = run("hang", controller.signal);
  const waiting = run("fine");
  controller.abort();
  await expect(stopped).rejects.toMatchObject({ fault: "outside", message: "the review was stopped" });
  expect(await waiting).toBe("fine");
  await threads.close();
  await expect(run("fine")).rejects.toThrow("stopped");
});

test("a review that asks without end is ended, too", async () => {
  const threads = openReviewThreads({
    threads: 1,
    longestMs: 500,
    program: program(
      `port.postMessage({ kind: "ask", questions: [{ id: 1, tree: "head", method: "entry", argument: "x" }] });`,
    ),
  });
  await expect(threads.review(change, about([]), never)).rejects.toThrow(
    "the review took longer than 0.5 s: review its commits one by one",
  );
  await threads.close();
});
