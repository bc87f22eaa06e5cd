/** Objects by name from one long-lived `git cat-file`: https://git-scm.com/docs/git-cat-file#_batch_output */
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { VerifodError } from "../errors.ts";
import { cannotRun, complaint, gitEnvironment, gitOptions, gitTimeoutMs } from "./git-process.ts";

/** What git answers for a name. */
export type ObjectAnswer =
  /** `data` is null with `--batch-check`, and for an object over the limit. */
  | {
      readonly kind: "object";
      readonly oid: string;
      readonly type: string;
      readonly size: number;
      readonly data: Buffer | null;
    }
  | { readonly kind: "missing" }
  | { readonly kind: "ambiguous" }
  /** git ended over it: a corrupt object, or one that git before 2.45 wanted to fetch. */
  | { readonly kind: "failed"; readonly reason: string };

export interface ObjectReader {
  /** Asks for an object name without line breaks. Questions may overlap; answers come in their order. */
  ask(name: string): Promise<ObjectAnswer>;
  /** Ends the process. Open questions are answered `failed`. */
  close(): void;
}

interface Question {
  readonly name: string;
  readonly answer: (answer: ObjectAnswer) => void;
  readonly fail: (error: Error) => void;
}

const lineFeed = 10;
/** Chunks of an object being received; `wanted` includes the line feed after it. */
interface Body {
  readonly header: { readonly oid: string; readonly type: string; readonly size: number };
  readonly chunks: Buffer[] | null;
  wanted: number;
}

/**
 * A reader of the objects of `gitDirectory`. Content over `limit` bytes passes by without being kept.
 * The process is started at the first question, and again when git ends over one: that question alone fails.
 */
export function openObjectReader(
  gitDirectory: string,
  mode: "--batch" | "--batch-check",
  limit: number,
): ObjectReader {
  const questions: Question[] = [];
  let running: { readonly git: ChildProcessWithoutNullStreams; readonly watchdog: NodeJS.Timeout } | null =
    null;
  let closed = false;

  function start() {
    const git = spawn("git", [...gitOptions, `--git-dir=${gitDirectory}`, "cat-file", mode], {
      env: gitEnvironment(),
      stdio: "pipe",
    });
    let stderr = "";
    const watchdog = setTimeout(() => {
      if (questions.length === 0) return;
      stderr = `fatal: git did not answer within ${gitTimeoutMs / 1000} s`;
      git.kill("SIGKILL");
    }, gitTimeoutMs).unref();
    const receive = answerParser(mode, limit, (answer) => questions.shift()?.answer(answer));
    git.stdout.on("data", (chunk: Buffer) => {
      watchdog.refresh();
      receive(chunk);
    });
    git.stderr.setEncoding("utf8").on("data", (text: string) => {
      stderr = (stderr + text).slice(-4000);
    });
    // A broken pipe says the same as the end of the process, later and less.
    git.stdin.on("error", () => {});
    git.on("error", (error) => {
      for (const question of questions.splice(0)) question.fail(cannotRun(error));
    });
    git.on("close", () => {
      clearTimeout(watchdog);
      running = null;
      questions.shift()?.answer({ kind: "failed", reason: complaint(stderr) });
      if (questions.length === 0) return;
      running = start();
      for (const question of questions) running.git.stdin.write(`${question.name}\n`);
    });
    return { git, watchdog };
  }

  return {
    ask(name) {
      if (closed) return Promise.reject(new VerifodError("outside", "the repository was closed"));
      return new Promise((answer, fail) => {
        running ??= start();
        if (questions.length === 0) running.watchdog.refresh();
        questions.push({ name, answer, fail });
        running.git.stdin.write(`${name}\n`);
      });
    },
    close() {
      closed = true;
      for (const question of questions.splice(0)) {
        question.answer({ kind: "failed", reason: "the repository was closed" });
      }
      running?.git.kill();
    },
  };
}

/** A consumer of git's output that gives each answer, in order. */
function answerParser(
  mode: "--batch" | "--batch-check",
  limit: number,
  give: (answer: ObjectAnswer) => void,
): (chunk: Buffer) => void {
  let headerParts: Buffer[] = [];
  let body: Body | null = null;

  return (chunk) => {
    let at = 0;
    while (at < chunk.length) {
      if (body !== null) {
        const part = chunk.subarray(at, at + body.wanted);
        body.chunks?.push(part);
        body.wanted -= part.length;
        at += part.length;
        if (body.wanted > 0) return;
        const { header, chunks } = body;
        body = null;
        const data = chunks === null ? null : Buffer.concat(chunks).subarray(0, header.size);
        give({ kind: "object", ...header, data });
        continue;
      }
      const end = chunk.indexOf(lineFeed, at);
      if (end === -1) {
        headerParts.push(chunk.subarray(at));
        return;
      }
      const line = Buffer.concat([...headerParts, chunk.subarray(at, end)]).toString("utf8");
      headerParts = [];
      at = end + 1;
      const match = /^([0-9a-f]{40,64}) (\w+) (\d+)$/.exec(line);
      if (match === null) {
        give({ kind: line.endsWith(" ambiguous") ? "ambiguous" : "missing" });
        continue;
      }
      const [, oid = "", type = "", digits = ""] = match;
      const header = { oid, type, size: Number(digits) };
      if (mode === "--batch-check") give({ kind: "object", ...header, data: null });
      else body = { header, chunks: header.size > limit ? null : [], wanted: header.size + 1 };
    }
  };
}
