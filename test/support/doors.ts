/** One change through each of the three doors, as their users have them. */
import type { Review } from "../../src/report/review.ts";
import { type FakeGitHub, startFakeGitHub } from "../fake-github/server.ts";
import { reviewPull } from "./action.ts";
import { deliver, pullEvent, registerApp, spawnApp, until } from "./app.ts";
import { verifod } from "./cli.ts";
import { NO_USAGE, type Usage, watch } from "./measure.ts";
import type { KnownRepository } from "./repository.ts";

export const DOORS = ["cli", "action", "app"] as const;
export type Door = (typeof DOORS)[number];

export interface Passage {
  /** From the event, or the start of the program, to the end of it or of the check run. */
  readonly usage: Usage;
  /** `complete`, `open`, or what else is to be said of it. */
  readonly outcome: string;
  /** How the program ended, or the check run. */
  readonly conclusion: string;
  /** The paths with findings that are told of. */
  readonly paths: readonly string[];
  /** What the check run or the report says. */
  readonly told: string;
  /** What the fake GitHub saw that it should not have. */
  readonly faults: readonly string[];
}

export interface DoorOptions {
  readonly repository: KnownRepository;
  readonly base: string;
  readonly head: string;
  /** Of the program. */
  readonly env?: Readonly<Record<string, string>>;
  /** How long the App has for a finished check run. */
  readonly limitMs?: number;
}

/** Reviews a change; of the App and the Action as a pull request of a GitHub of our own. */
export async function pass(door: Door, options: DoorOptions): Promise<Passage> {
  if (door === "cli") return passCli(options);
  const { repository, base, head } = options;
  const fake = await startFakeGitHub({ repository });
  try {
    const pull = fake.openPull({ head, tip: base });
    // What the event says is asked of git before anything is measured.
    fake.pullData(pull);
    return await (door === "action" ? passAction : passApp)(fake, options);
  } finally {
    await fake.close();
  }
}

async function passCli({ repository, base, head, env = {} }: DoorOptions): Promise<Passage> {
  const watching: (() => Usage)[] = [];
  const run = await verifod(
    ["review", `${base}..${head}`, "--repo", repository.directory, "--format", "json"],
    {
      env,
      onSpawn: (child) => watching.push(watch(child)),
    },
  );
  const review = run.stdout === "" ? null : (JSON.parse(run.stdout) as Review);
  return {
    usage: ended(watching),
    outcome: review === null ? run.stderr.slice(0, 200) : review.complete ? "complete" : "open",
    conclusion: String(run.status),
    paths: review?.findings.map(({ path }) => path) ?? [],
    told: run.stdout,
    faults: [],
  };
}

async function passAction(fake: FakeGitHub, { env = {} }: DoorOptions): Promise<Passage> {
  const [pull] = fake.pulls.values();
  if (!pull) throw new Error("no pull request was opened");
  const watching: (() => Usage)[] = [];
  const run = await reviewPull(fake, pull, { env, onSpawn: (child) => watching.push(watch(child)) });
  return { usage: ended(watching), ...checkOf(fake, `${run.stderr}${run.status}`) };
}

async function passApp(fake: FakeGitHub, { env = {}, limitMs = 120_000 }: DoorOptions): Promise<Passage> {
  const [pull] = fake.pulls.values();
  if (!pull) throw new Error("no pull request was opened");
  registerApp(fake);
  // The pull request is there when the App starts: what it looks for by itself would be ahead of the event.
  pull.state = "closed";
  const app = await spawnApp(fake, env);
  try {
    await until(() => app.output().includes("looked for what is unfinished"), app.output);
    pull.state = "open";
    const event = pullEvent(fake, pull, "opened");
    const usage = watch(app.child);
    await deliver(app.url, event);
    await until(() => fake.checkRuns.some(({ status }) => status === "completed"), app.output, limitMs);
    return { usage: usage(), ...checkOf(fake, app.output().slice(-200)) };
  } finally {
    app.child.kill();
    await app.ended;
  }
}

function ended(watching: readonly (() => Usage)[]): Usage {
  const [usage] = watching.map((done) => done());
  return usage ?? NO_USAGE;
}

/** What a fake GitHub's check run says. */
function checkOf(fake: FakeGitHub, otherwise: string): Omit<Passage, "usage"> {
  const [check] = fake.checkRuns;
  const { title, summary, text } = check?.output ?? { title: "", summary: "", text: "" };
  const told = [title, summary, text].join("\n");
  const isOpen = told.includes("### Not checked");
  return {
    outcome: check?.status === "completed" ? (isOpen ? "open" : "complete") : otherwise,
    conclusion: String(check?.conclusion),
    paths: check?.annotations.map(({ path }) => path) ?? [],
    told,
    faults: fake.faults,
  };
}
