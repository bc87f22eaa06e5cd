/** Runs the built command line as its users do. */
import { type ChildProcess, spawn } from "node:child_process";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";

const PROGRAM = fileURLToPath(new URL("../../dist/cli.mjs", import.meta.url));

export interface CliRun {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CliOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string;
  readonly onSpawn?: (child: ChildProcess) => void;
  /** Another place of the program. */
  readonly program?: string;
  /** A program to run it by, as a tracer, with its arguments. */
  readonly under?: readonly string[];
}

/** Runs `verifod ARGS`, in an environment that holds nothing of the machine's but PATH. */
export async function verifod(args: readonly string[], options: CliOptions = {}): Promise<CliRun> {
  const [command = process.execPath, ...rest] = [
    ...(options.under ?? []),
    process.execPath,
    options.program ?? PROGRAM,
    ...args,
  ];
  const child = spawn(command, rest, {
    cwd: options.cwd,
    env: { PATH: process.env.PATH, HOME: "/nonexistent", GIT_CONFIG_NOSYSTEM: "1", ...options.env },
    stdio: ["pipe", "pipe", "pipe"],
  });
  options.onSpawn?.(child);
  child.stdin.on("error", () => {});
  child.stdin.end(options.input ?? "");
  const status = new Promise<number | null>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", resolve);
  });
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
  return { status: await status, stdout, stderr };
}
