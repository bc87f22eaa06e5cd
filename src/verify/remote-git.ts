/** Runs git against a remote repository that a change names: public hosts only, with nothing of ours sent along. */
import { VerifodError } from "../errors.ts";
import { anySignal } from "../signals.ts";
import { openEgress } from "./egress.ts";
import { type RunResult, run } from "./process.ts";
import { type AllowedHosts, checkUrl, isAllowed } from "./urls.ts";

export interface RemoteGitOptions {
  /** The repository. */
  readonly url: string;
  /** A directory of our own. */
  readonly work: string;
  readonly allowedHosts: AllowedHosts;
  readonly seconds: number;
  /** Bytes that may come from the network. */
  readonly bytes: number;
  readonly signal?: AbortSignal | undefined;
}

export interface RemoteGit {
  run(...args: readonly string[]): Promise<RunResult>;
  /** Why a run failed by our own limits or rules; null: it did not fail by these. */
  failure(result: RunResult): string | null;
  close(): Promise<void>;
}

/**
 * The caller closes it.
 * @throws VerifodError (usage) for a URL that is never asked
 */
export async function openRemoteGit(options: RemoteGitOptions): Promise<RemoteGit> {
  const { url, work, allowedHosts, seconds, bytes } = options;
  const checked = checkUrl(url, allowedHosts);
  if (checked.kind !== "ok") throw new VerifodError("usage", checked.reason);
  if (!checked.secure && !isAllowed(checked.host, checked.port, allowedHosts))
    throw new VerifodError("usage", "whoever is on the way could change it; use https");
  // The proxy resolves names and checks each connection, so also after redirects and a second answer of DNS.
  const egress = await openEgress({ allowed: allowedHosts, bytes });
  const { tooMuch } = egress;
  const settings = {
    "http.proxy": egress.url,
    "http.lowSpeedLimit": "1000",
    "http.lowSpeedTime": "30",
    "credential.helper": "",
    "core.askPass": "",
    "core.hooksPath": "/dev/null",
    "core.fsmonitor": "false",
    "fetch.recurseSubmodules": "false",
    "gc.auto": "0",
    "maintenance.auto": "false",
  };
  const given = Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
  return {
    run: (...args) =>
      run("git", [...given, ...args], {
        cwd: work,
        // Nothing of ours: no configuration, no credentials, no way to ask for them, no protocol but HTTP.
        env: {
          PATH: process.env.PATH ?? "",
          HOME: work,
          LC_ALL: "C",
          GIT_CONFIG_NOSYSTEM: "1",
          GIT_CONFIG_GLOBAL: "/dev/null",
          GIT_CEILING_DIRECTORIES: work,
          GIT_TERMINAL_PROMPT: "0",
          GIT_ASKPASS: "/bin/false",
          GIT_ALLOW_PROTOCOL: checked.secure ? "https" : "http:https",
        },
        seconds,
        fileSize: bytes * 2,
        signal: anySignal(options.signal, tooMuch),
      }),
    failure({ ended }) {
      if (tooMuch.aborted) return `it sends more than ${bytes} bytes`;
      if (ended === "time") return `it took more than ${seconds} s`;
      return egress.transfers().find((transfer) => transfer.refused)?.failure ?? null;
    },
    close: () => egress.close(),
  };
}
