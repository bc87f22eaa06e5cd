/** Runs the built action as GitHub's runner does. */
import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { actionsBot, type FakeGitHub, type Identity, type Pull } from "../fake-github/server.ts";

const program = fileURLToPath(new URL("../../dist/action.mjs", import.meta.url));

export interface ActionRun {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly outputs: Readonly<Record<string, string>>;
  readonly summary: string;
  /** The commands that a runner would obey, as `error`. */
  readonly commands: readonly string[];
}

export interface ActionOptions {
  readonly inputs: Readonly<Record<string, string>>;
  readonly event: string;
  readonly payload: object;
  readonly apiUrl: string;
  /** What the runner checked out; an empty folder by default. */
  readonly workspace?: string;
  readonly runId?: number;
  readonly env?: Readonly<Record<string, string>>;
  /** What stretches the pauses of the action; 1: as outside of tests. */
  readonly pace?: number;
  /** Another Node, or another place of the program. */
  readonly node?: string;
  readonly program?: string;
  readonly onSpawn?: (child: ChildProcess) => void;
}

/** Runs the action in an empty folder, with the runner's environment and nothing else of the machine but PATH. */
export async function runAction(options: ActionOptions): Promise<ActionRun> {
  const folder = mkdtempSync(join(tmpdir(), "verifod-action-"));
  try {
    for (const name of ["event.json", "output", "summary", "env", "state"])
      writeFileSync(join(folder, name), "");
    writeFileSync(join(folder, "event.json"), JSON.stringify(options.payload));
    const inputs = Object.entries(options.inputs).map(([name, value]) => [
      `INPUT_${name.toUpperCase()}`,
      value,
    ]);
    const child = spawn(options.node ?? process.execPath, [options.program ?? program], {
      cwd: folder,
      env: {
        PATH: process.env.PATH,
        HOME: "/nonexistent",
        GITHUB_ACTIONS: "true",
        GITHUB_REPOSITORY: "NixOS/nixpkgs",
        GITHUB_API_URL: options.apiUrl,
        GITHUB_SERVER_URL: "https://github.example",
        GITHUB_EVENT_NAME: options.event,
        GITHUB_EVENT_PATH: join(folder, "event.json"),
        GITHUB_OUTPUT: join(folder, "output"),
        GITHUB_STEP_SUMMARY: join(folder, "summary"),
        GITHUB_ENV: join(folder, "env"),
        GITHUB_STATE: join(folder, "state"),
        GITHUB_RUN_ID: String(options.runId ?? 1),
        GITHUB_RUN_ATTEMPT: "1",
        GITHUB_WORKSPACE: options.workspace ?? folder,
        ACTIONS_RUNTIME_TOKEN: randomBytes(16).toString("hex"),
        VERIFOD_TEST_PACE: String(options.pace ?? 0),
        ...Object.fromEntries(inputs),
        ...options.env,
      },
      stdio: ["ignore", "pipe", "pipe"],
    });
    options.onSpawn?.(child);
    const ended = new Promise<number | null>((resolve, reject) => {
      child.on("error", reject);
      child.on("close", resolve);
    });
    const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
    return {
      status: await ended,
      stdout,
      stderr,
      outputs: parseOutputs(readFileSync(join(folder, "output"), "utf8")),
      summary: readFileSync(join(folder, "summary"), "utf8"),
      commands: [...stdout.matchAll(/^(?:::|##\[)([a-z-]+)/gm)].map(([, command]) => command ?? ""),
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands#multiline-strings */
function parseOutputs(file: string): Record<string, string> {
  const blocks = file.matchAll(/^([\w-]+)<<(.+)\n([\s\S]*?)\n?\2$/gm);
  return Object.fromEntries([...blocks].map(([, name, , value]) => [name, value]));
}

export interface ReviewOptions {
  readonly runId?: number;
  /** Default: the token of a workflow with the permissions that the examples give it. */
  readonly identity?: Identity;
  readonly inputs?: Readonly<Record<string, string>>;
  readonly workspace?: string;
  /** What the event says otherwise of the pull request. */
  readonly event?: Readonly<Record<string, unknown>>;
  readonly env?: Readonly<Record<string, string>>;
  readonly pace?: number;
  readonly program?: string;
  readonly onSpawn?: (child: ChildProcess) => void;
}

/** Runs the mode `review` for a pull request of a GitHub of our own. */
export function reviewPull(
  fake: FakeGitHub,
  pull: Pull,
  { identity, inputs, event, ...options }: ReviewOptions = {},
): Promise<ActionRun> {
  const whose = identity ?? actionsBot({ contents: "read", checks: "write", pull_requests: "write" });
  return runAction({
    inputs: { token: fake.token(whose), ...inputs },
    event: "pull_request_target",
    payload: { action: "synchronize", pull_request: { ...fake.pullData(pull), ...event } },
    apiUrl: fake.url,
    ...options,
  });
}
