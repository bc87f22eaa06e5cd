/** Objects by name from one long-lived `git cat-file`: https://git-scm.com/docs/git-cat-file#_batch_output */
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { VerifodError } from "../errors.ts";
import { cannotRun, complaint, GIT_TIMEOUT_MS, gitEnvironment, gitOptions } from "./git-process.ts";

/** What git answers for a name. */
export type ObjectAnswer =
  /** `data` is null for an object over the limit. */
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
  /**
   * Asks for an object name without line breaks. Questions may overlap; answers come in their order. Of an object of more
   * than `most` bytes only the size is wanted.
   */
  ask(name: string, most?: number): Promise<ObjectAnswer>;
  /** Ends the process. Open questions are answered `failed`. */
  close(): void;
}

interface Question {
  readonly name: string;
  readonly most: number;
  readonly answer: (answer: ObjectAnswer) => void;
  readonly fail: (error: Error) => void;
}

/**
 * A reader of the objects of `gitDirectory`. The process is started at the first question, and again when git ends
 * over one (that question alone fails) or begins to send an object of more bytes than are wanted, or than `limit`.
 */
export function openObjectReader(gitDirectory: string, limit: number): ObjectReader {
  const questions: Question[] = [];
  let running: { readonly git: ChildProcessWithoutNullStreams; readonly watchdog: NodeJS.Timeout } | null =
    null;
  let closed = false;

  function start() {
    // Beyond this threshold git streams: it need not inflate all of a blob whose size alone is wanted.
    const options = [...gitOptions, "-c", `core.bigFileThreshold=${limit}`, `--git-dir=${gitDirectory}`];
    const git = spawn("git", [...options, "cat-file", "--batch"], { env: gitEnvironment(), stdio: "pipe" });
    let stderr = "";
    let abandoned = false;
    const watchdog = setTimeout(() => {
      if (questions.length === 0) return;
      stderr = `fatal: git did not answer within ${GIT_TIMEOUT_MS / 1000} s`;
      git.kill("SIGKILL");
    }, GIT_TIMEOUT_MS).unref();
    const mostWanted = () => questions[0]?.most ?? limit;
    const receive = answerParser(mostWanted, (answer) => {
      questions.shift()?.answer(answer);
      abandoned = answer.kind === "object" && answer.data === null;
      if (abandoned) git.kill("SIGKILL");
    });
    git.stdout.on("data", (chunk: Buffer) => {
      watchdog.refresh();
      if (!abandoned) receive(chunk);
    });
    git.stderr.setEncoding("utf8").on("data", (text: string) => {
      stderr = (stderr + text).slice(-4000);
    });
    // A broken pipe says the same as the end of the process, with less of a reason.
    git.stdin.on("error", () => {});
    git.on("error", (error) => {
      for (const question of questions.splice(0)) question.fail(cannotRun(error));
    });
    git.on("close", () => {
      clearTimeout(watchdog);
      if (!abandoned) questions.shift()?.answer({ kind: "failed", reason: complaint(stderr) });
      running = questions.length === 0 ? null : start();
      running?.git.stdin.write(questions.map(({ name }) => `${name}\n`).join(""));
    });
    return { git, watchdog };
  }

  return {
    ask(name, most = limit) {
      if (closed) return Promise.reject(new VerifodError("outside", "the repository was closed"));
      return new Promise((answer, fail) => {
        running ??= start();
        if (questions.length === 0) running.watchdog.refresh();
        questions.push({ name, most: Math.min(most, limit), answer, fail });
        const { stdin } = running.git;
        // Questions of one turn go out in one write.
        if (stdin.writableCorked === 0) {
          stdin.cork();
          process.nextTick(() => stdin.uncork());
        }
        stdin.write(`${name}\n`);
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

const LINE_FEED = 10;

/** An object being received: its parts so far, and how many bytes are to come, with the line feed after it. */
interface Body {
  readonly header: { readonly oid: string; readonly type: string; readonly size: number };
  readonly parts: Buffer[];
  wanted: number;
}

/** A consumer of git's output that gives each answer, in order; the last one is of an object of more than is wanted. */
function answerParser(
  mostWanted: () => number,
  give: (answer: ObjectAnswer) => void,
): (chunk: Buffer) => void {
  let headerParts: Buffer[] = [];
  let body: Body | null = null;

  return (chunk) => {
    let at = 0;
    while (at < chunk.length) {
      if (body !== null) {
        const part = chunk.subarray(at, at + body.wanted);
        body.parts.push(part);
        body.wanted -= part.length;
        at += part.length;
        if (body.wanted > 0) return;
        const { header, parts } = body;
        body = null;
        give({ kind: "object", ...header, data: Buffer.concat(parts, header.size) });
        continue;
      }
      const end = chunk.indexOf(LINE_FEED, at);
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
      const [, oid = "", type = "", size = ""] = match;
      const header = { oid, type, size: Number(size) };
      if (header.size > mostWanted()) {
        give({ kind: "object", ...header, data: null });
        return;
      }
      body = { header, parts: [], wanted: header.size + 1 };
    }
  };
}
