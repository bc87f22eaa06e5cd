/** What the workflow says: inputs, the event, and where the runner keeps things. */
import { readFileSync } from "node:fs";
import * as core from "@actions/core";
import * as z from "zod";
import type { RepositoryName } from "../change/github-api.ts";
import { messageOf, VerifodError } from "../errors.ts";
import { upstreamApi } from "../provenance/open.ts";
import { THRESHOLDS, type Threshold } from "../report/status.ts";

export const MODES = ["review", "analyze", "publish"] as const;
const VERIFY = ["auto", "always", "never"] as const;
const ASK = ["auto", "never"] as const;

export interface Inputs {
  /** "" in the mode `analyze`, which has none. */
  readonly token: string;
  readonly mode: (typeof MODES)[number];
  /** Null: as configured. */
  readonly verify: (typeof VERIFY)[number] | null;
  /** Null: as configured. */
  readonly ask: (typeof ASK)[number] | null;
  /** The path of the configuration in the base branch; null: the usual one. */
  readonly config: string | null;
  /** Null: as configured. */
  readonly failOn: Threshold | null;
  /** Hosts that `analyze` may fetch from even when they are private, as `mirror.example:8080`. */
  readonly allowHosts: readonly string[];
  /** The file of the index of the base's pins; null: none. */
  readonly index: string | null;
  readonly report: string | null;
  readonly sarif: string | null;
}

/**
 * The inputs of the step. The token is taken out of the environment: what is started later does not see it.
 * @throws VerifodError (usage) for values that mean nothing
 */
export function readInputs(): Inputs {
  const mode = choice("mode", MODES) ?? "review";
  const token = core.getInput("token");
  delete process.env.INPUT_TOKEN;
  if (token !== "") core.setSecret(token);
  if (mode === "analyze" && token !== "") {
    throw new VerifodError("usage", "mode analyze runs code of the pull request: leave out the input token");
  }
  if (mode !== "analyze" && token === "") {
    throw new VerifodError("usage", `mode ${mode} publishes: give it the input token: \${{ github.token }}`);
  }
  return {
    token,
    mode,
    verify: choice("verify", VERIFY),
    ask: choice("ask", ASK),
    config: core.getInput("config") || null,
    failOn: choice("fail-on", THRESHOLDS),
    allowHosts: core.getInput("allow-hosts").split(/\s+/).filter(Boolean),
    index: core.getInput("index") || null,
    report: core.getInput("report") || null,
    sarif: core.getInput("sarif") || null,
  };
}

function choice<T extends string>(name: string, values: readonly T[]): T | null {
  const text = core.getInput(name);
  if (text === "") return null;
  const found = values.find((value) => value === text);
  if (found === undefined)
    throw new VerifodError("usage", `the input ${name} is one of: ${values.join(", ")}`);
  return found;
}

export interface Runner {
  readonly repository: RepositoryName;
  readonly apiUrl: string;
  /** Whether that is the API of github.com, so that the token may ask there about anybody's repositories. */
  readonly asksUpstream: boolean;
  readonly workspace: string;
  /** The page of this run. */
  readonly details: string;
  /** Grows with each run and each attempt. */
  readonly run: number;
  /** What stretches the pauses between requests: 1, as GitHub asks, outside of tests. */
  readonly pace: number;
}

/** @throws VerifodError (usage) outside of a workflow */
export function readRunner(environment: NodeJS.ProcessEnv): Runner {
  const {
    GITHUB_REPOSITORY = "",
    GITHUB_API_URL,
    GITHUB_SERVER_URL,
    GITHUB_RUN_ID,
    GITHUB_RUN_ATTEMPT,
    VERIFOD_TEST_PACE,
  } = environment;
  const [, owner, name] = /^([^/]+)\/([^/]+)$/.exec(GITHUB_REPOSITORY) ?? [];
  const id = Number(GITHUB_RUN_ID);
  if (owner === undefined || name === undefined || !GITHUB_API_URL || !Number.isSafeInteger(id)) {
    throw new VerifodError("usage", "this program is an action: elsewhere use verifod review");
  }
  return {
    repository: { owner, name },
    apiUrl: GITHUB_API_URL,
    asksUpstream: GITHUB_API_URL === upstreamApi(environment),
    workspace: environment.GITHUB_WORKSPACE ?? process.cwd(),
    details: `${GITHUB_SERVER_URL ?? "https://github.com"}/${GITHUB_REPOSITORY}/actions/runs/${id}`,
    run: id * 100 + Math.min(Number(GITHUB_RUN_ATTEMPT ?? 1), 99),
    pace: VERIFOD_TEST_PACE === undefined ? 1 : Number(VERIFOD_TEST_PACE),
  };
}

const sha = z.string().regex(/^(?:[0-9a-f]{40}|[0-9a-f]{64})$/);

const pullEvent = z.object({
  pull_request: z.object({
    number: z.int(),
    title: z.string(),
    head: z.object({ sha }),
    base: z.object({ sha, repo: z.object({ full_name: z.string() }) }),
  }),
});
export type PullEvent = z.infer<typeof pullEvent>["pull_request"];

const runEvent = z.object({
  workflow_run: z.object({
    event: z.string(),
    head_sha: sha,
    head_branch: z.string().nullable(),
    conclusion: z.string().nullable(),
    head_repository: z.object({ id: z.int(), owner: z.object({ login: z.string() }) }).nullable(),
  }),
});
export type RunEvent = z.infer<typeof runEvent>["workflow_run"];

/**
 * The pull request of the event.
 * @throws VerifodError (usage) for other events, and for a pull request of another repository
 */
export function readPullEvent(environment: NodeJS.ProcessEnv): PullEvent {
  const { pull_request: pull } = readEvent(environment, pullEvent, "pull_request or pull_request_target");
  if (pull.base.repo.full_name !== environment.GITHUB_REPOSITORY) {
    throw new VerifodError(
      "usage",
      `the pull request is one of ${pull.base.repo.full_name}, not of this repository`,
    );
  }
  return pull;
}

/** The finished run of the event. @throws VerifodError (usage) for other events */
export function readRunEvent(environment: NodeJS.ProcessEnv): RunEvent {
  return readEvent(environment, runEvent, "workflow_run").workflow_run;
}

function readEvent<T>(environment: NodeJS.ProcessEnv, schema: z.ZodType<T>, expected: string): T {
  const name = environment.GITHUB_EVENT_NAME ?? "(none)";
  let event: unknown;
  try {
    event = JSON.parse(readFileSync(environment.GITHUB_EVENT_PATH ?? "", "utf8"));
  } catch (error) {
    throw new VerifodError("outside", `cannot read the event: ${messageOf(error)}`);
  }
  const parsed = schema.safeParse(event);
  if (parsed.success) return parsed.data;
  throw new VerifodError("usage", `this mode runs on ${expected}, not on ${name}`);
}
