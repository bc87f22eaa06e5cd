/** Many pull requests, one receiver, several workers on one PostgreSQL, and workers that are killed while they write. */
import { execFileSync } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { parseMarker } from "../../src/github/comment-text.ts";
import { parseMark } from "../../src/github/published.ts";
import { type FakeGitHub, type Pull, startFakeGitHub } from "../fake-github/server.ts";
import {
  type Delivery,
  deliver,
  idle,
  launchApp,
  pullEvent,
  registerApp,
  type SpawnedApp,
  spawnApp,
} from "./app.ts";
import { chance } from "./chance.ts";
import { startPostgres } from "./postgres.ts";
import { makeRepository, type TestRepository } from "./repository.ts";

export interface Trial {
  readonly pulls: number;
  readonly workers: number;
  /** How many times a worker is killed, at writes that `seed` chooses. */
  readonly kills: number;
  readonly seed: number;
  /** Milliseconds for which one worker is stopped in between, as a machine that hangs; 0: none. */
  readonly stallMs: number;
}

export interface TrialResult {
  /** From the first delivery until no job was left. */
  readonly seconds: number;
  readonly killed: number;
  /** Jobs that were taken from workers that were gone, as the workers at the end counted them. */
  readonly freed: number;
  /** What is not as it should be: empty when each result is visible once. */
  readonly faults: readonly string[];
}

const path = (number: number) => `pkgs/by-name/fr/frob${number}/package.nix`;
const nix = (version: string, hash: string) =>
  `{ fetchurl, stdenv }:\nstdenv.mkDerivation rec {\n  pname = "frob";\n  version = "${version}";\n  src = fetchurl {\n    url = "https://example.org/frob-\${version}.tar.gz";\n    hash = "sha256-${Buffer.from(hash.padEnd(32)).toString("base64")}";\n  };\n}\n`;

/** Every other pull request gives a version another hash, which has to fail; the rest are new versions. */
const fails = (number: number) => number % 2 === 1;

/** One commit for each pull request, all on main; their ids. */
function commits(made: TestRepository, count: number): readonly string[] {
  const from = made.git("rev-parse", "main");
  const parts = Array.from({ length: count }, (_, number) => {
    const text = nix(fails(number) ? "1.0" : "1.1", `new ${number}`);
    return `commit refs/heads/c${number}\ncommitter Ada <ada@example.org> 0 +0000\ndata 4\nfrob\nfrom ${from}\nM 644 inline ${path(number)}\ndata ${Buffer.byteLength(text)}\n${text}\n`;
  });
  const input = parts.join("\n");
  execFileSync("git", ["fast-import", "--quiet", "--force"], { cwd: made.directory, input });
  return made.git("rev-parse", ...parts.map((_, number) => `refs/heads/c${number}`)).split("\n");
}

/** Plays it with the program as built. */
export async function play(trial: Trial): Promise<TrialResult> {
  const { pulls: count, workers: size, kills, seed, stallMs } = trial;
  const files = Array.from({ length: count }, (_, number) => [path(number), nix("1.0", `old ${number}`)]);
  const made = makeRepository(Object.fromEntries(files) as Record<string, string>);
  made.git("checkout", "--quiet", "--detach");
  const heads = commits(made, count);
  const [postgres, fake] = await Promise.all([startPostgres(), startFakeGitHub({ repository: made })]);
  registerApp(fake);
  const env = {
    VERIFOD_DATABASE_URL: postgres.database(),
    VERIFOD_SWEEP_SECONDS: "86400",
    LOG_LEVEL: "warn",
  };
  const all: SpawnedApp[] = [];
  const launch = async (option: string, log = "info") => {
    const app = await launchApp(fake, { ...env, LOG_LEVEL: log }, [option]);
    all.push(app);
    return app;
  };
  try {
    const receiver = await spawnApp(fake, { ...env, LOG_LEVEL: "info" }, ["--receiver"]);
    all.push(receiver);
    if (receiver.child.exitCode !== null) throw new Error(receiver.output());
    const workers = await Promise.all(Array.from({ length: size }, () => launch("--worker")));
    await Promise.all(workers.map(({ ready }) => ready));
    const random = chance(seed);
    // Each pull request has at least two writes.
    const due = Array.from({ length: kills }, () => 1 + Math.floor(random() * (count * 2 - 2))).sort(
      (a, b) => a - b,
    );
    let writes = 0;
    let killed = 0;
    const stalled: Promise<void>[] = [];
    const respawned: Promise<unknown>[] = [];
    fake.before = ({ isWrite, path: at }) => {
      if (!isWrite || at.includes("access_tokens")) return;
      writes += 1;
      if (stallMs > 0 && stalled.length === 0 && writes > count / 2) {
        stalled.push(stall(workers[0], stallMs));
      }
      while ((due[0] ?? Number.POSITIVE_INFINITY) <= writes) {
        due.shift();
        const index = Math.floor(random() * size);
        workers[index]?.child.kill("SIGKILL");
        killed += 1;
        respawned.push(
          launch("--worker").then((worker) => {
            workers[index] = worker;
          }),
        );
      }
    };
    const opened = heads.map((head, number) => fake.openPull({ head, branch: `c${number}` }));
    const started = performance.now();
    for (const pull of opened) await tell(receiver, pullEvent(fake, pull, "opened"));
    await idle(receiver);
    const seconds = (performance.now() - started) / 1_000;
    await Promise.all(stalled);
    await Promise.all(respawned);
    // What a worker that was stopped still does, it does now.
    if (stallMs > 0) await sleep(5_000);
    await Promise.all(workers.map(({ ready }) => ready));
    const freed = await Promise.all(workers.map(freedBy));
    for (const { child } of all) child.kill("SIGTERM");
    await Promise.all(all.map(({ ended }) => ended));
    return { seconds, killed, freed: freed.reduce((a, b) => a + b, 0), faults: faultsIn(fake, opened) };
  } finally {
    for (const { child } of all) child.kill("SIGKILL");
    await Promise.all(all.map(({ ended }) => ended));
    await Promise.all([fake.close(), postgres.stop()]);
    made.remove();
  }
}

/** Delivers, again where the connection was lost or nothing came within GitHub's ten seconds, as on a machine under load. */
async function tell(receiver: SpawnedApp, delivery: Delivery): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    const status = await deliver(receiver.url, delivery).catch(() => null);
    if (status === 200) return;
    if (status !== null || tries === 10 || receiver.child.exitCode !== null) {
      throw new Error(`a delivery was answered with ${status}: ${receiver.output().slice(-2_000)}`);
    }
    await sleep(100 * tries);
  }
}

async function stall(worker: SpawnedApp | undefined, ms: number): Promise<void> {
  worker?.child.kill("SIGSTOP");
  await sleep(ms);
  worker?.child.kill("SIGCONT");
}

async function freedBy({ url }: SpawnedApp): Promise<number> {
  const text = await fetch(`${url}/metrics`).then(
    (response) => response.text(),
    () => "",
  );
  return Number(/^verifod_jobs_freed_total (\d+)$/m.exec(text)?.[1] ?? 0);
}

function faultsIn(fake: FakeGitHub, pulls: readonly Pull[]): readonly string[] {
  const faults = [...fake.faults];
  for (const { number, head } of pulls) {
    const wanted = fails(number - 1) ? "failure" : "success";
    const runs = fake.checkRuns.filter(({ external_id }) => parseMark(external_id)?.pull === number);
    const shown = runs.map(({ head_sha, conclusion }) => `${conclusion} on ${head_sha}`);
    if (shown.join() !== `${wanted} on ${head.sha}`)
      faults.push(`#${number}: ${wanted}, but ${shown.join() || "none"}`);
    const comments = fake.reviewComments.filter(({ pull }) => pull === number);
    const open = comments.filter(({ body }) => parseMarker(body)?.solved === false);
    if (comments.length !== open.length || open.length !== (wanted === "failure" ? 1 : 0)) {
      faults.push(`#${number}: ${comments.length} line comments, ${open.length} of them open`);
    }
  }
  if (fake.issueComments.length > 0) faults.push(`${fake.issueComments.length} comments`);
  return faults;
}
