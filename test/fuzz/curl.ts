/** URLs as curl reads them, from one long-lived process. */
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

export interface CurlUrl {
  readonly host: string | null;
  readonly user: string | null;
  readonly port: string | null;
}

export interface CurlParser {
  /** Null: curl refuses it. */
  read(url: string): Promise<CurlUrl | null>;
  close(): void;
}

export function openCurl(): CurlParser {
  const child = spawn("python3", [fileURLToPath(new URL("curl-url.py", import.meta.url))], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const waiting: { answer: (url: CurlUrl | null) => void; fail: (error: Error) => void }[] = [];
  createInterface({ input: child.stdout }).on("line", (line) => {
    waiting.shift()?.answer(JSON.parse(line) as CurlUrl | null);
  });
  const end = (error: Error) => {
    for (const { fail } of waiting.splice(0)) fail(error);
  };
  child.on("error", end).on("close", () => end(new Error("the URL reader of curl has ended")));
  return {
    read: (url) =>
      new Promise((answer, fail) => {
        waiting.push({ answer, fail });
        child.stdin.write(`${JSON.stringify(url)}\n`);
      }),
    close: () => child.stdin.end(),
  };
}
