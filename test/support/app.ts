/** The App against a fake GitHub: in this process, or as its users run it. Deliveries are signed as GitHub signs them. */
import { type ChildProcess, spawn } from "node:child_process";
import { createHmac, generateKeyPairSync, randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { fileURLToPath } from "node:url";
import { parse } from "yaml";
import { createLog } from "../../src/app/log.ts";
import { type RunningApp, startApp } from "../../src/app/server.ts";
import type { AppSettings } from "../../src/app/settings.ts";
import type { FakeGitHub, Identity, Pull } from "../fake-github/server.ts";
import type { Said } from "../fake-github/state.ts";

const cli = fileURLToPath(new URL("../../dist/cli.mjs", import.meta.url));
const manifest = parse(readFileSync(new URL("../../app.yml", import.meta.url), "utf8")) as {
  readonly default_permissions: Identity["permissions"];
};
const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2_048 });
const pem = privateKey.export({ type: "pkcs1", format: "pem" }).toString();
export const SECRET = "canary-of-the-webhook-secret";
export const CANARIES = [SECRET, pem.split("\n")[3] ?? ""];
const appId = 4_321;
export const INSTALLATION = 77;

/** Registers the App, with the permissions of its manifest, and installs it. */
export function registerApp(fake: FakeGitHub, installation = INSTALLATION): Identity {
  const identity: Identity = {
    login: "verifod[bot]",
    id: 901,
    app: { id: appId, slug: "verifod" },
    permissions: manifest.default_permissions,
  };
  fake.apps.push({ identity, publicKey, installation });
  fake.identities.set(identity.login, identity);
  return identity;
}

export function settingsOf(fake: FakeGitHub, more: Partial<AppSettings> = {}): AppSettings {
  return {
    role: "all",
    appId,
    privateKey: pem,
    secret: SECRET,
    database: null,
    apiUrl: `${fake.url}/api/v3`,
    host: "127.0.0.1",
    port: 0,
    webhookPath: "/api/github/webhooks",
    logLevel: "debug",
    threads: 2,
    pace: 0,
    asksUpstream: false,
    upstreamPlaces: {},
    cache: null,
    sweepMs: 3_600_000,
    ...more,
  };
}

export interface TestApp extends RunningApp {
  /** All that it logged. */
  readonly log: () => string;
}

const threadProgram = new URL("../../dist/review-thread.mjs", import.meta.url);

/** Starts the App in this process; its reviews run on threads as built. Resolves once it has looked for the unfinished. */
export async function startTestApp(fake: FakeGitHub, more: Partial<AppSettings> = {}): Promise<TestApp> {
  const lines: string[] = [];
  const log = createLog("debug", { write: (line: string) => void lines.push(line) });
  const app = await startApp(settingsOf(fake, more), log, { threadProgram, graceMs: 5_000 });
  const told = () => lines.join("");
  await until(() => told().includes("looked for what is unfinished"), told);
  return { ...app, log: told };
}

/** Waits until an App has no job left. */
export async function idle({ url }: Pick<RunningApp, "url">): Promise<void> {
  for (;;) {
    const counts = (await (await fetch(`${url}/health`)).json()) as { waiting: number; running: number };
    if (counts.waiting + counts.running === 0) return;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

export interface SpawnedApp {
  readonly child: ChildProcess;
  readonly url: string;
  readonly output: () => string;
  /** Resolves when it listens, or has ended. */
  readonly ready: Promise<void>;
  /** Resolves with how it ended. */
  readonly ended: Promise<number | NodeJS.Signals | null>;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise<void>((resolve) => server.close(() => resolve()));
  return port;
}

/** Starts `verifod serve` as built, in an environment of its own; resolves when it listens. */
export async function spawnApp(
  fake: FakeGitHub,
  env: Readonly<Record<string, string>> = {},
  options: readonly string[] = [],
): Promise<SpawnedApp> {
  const app = await launchApp(fake, env, options);
  await app.ready;
  return app;
}

/** The same, without waiting for it. */
export async function launchApp(
  fake: FakeGitHub,
  env: Readonly<Record<string, string>>,
  options: readonly string[],
): Promise<SpawnedApp> {
  const port = await freePort();
  const child = spawn(process.execPath, [cli, "serve", ...options], {
    env: {
      PATH: process.env.PATH,
      HOME: "/nonexistent",
      APP_ID: String(appId),
      PRIVATE_KEY: pem,
      WEBHOOK_SECRET: SECRET,
      GHE_HOST: fake.url.replace("http://", ""),
      GHE_PROTOCOL: "http",
      HOST: "127.0.0.1",
      PORT: String(port),
      VERIFOD_PACE: "0",
      VERIFOD_THREADS: "1",
      ...env,
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  const ended = new Promise<number | NodeJS.Signals | null>((resolve) =>
    child.on("close", (code, signal) => resolve(signal ?? code)),
  );
  const url = `http://127.0.0.1:${port}`;
  const ready = new Promise<void>((resolve) => {
    const take = (chunk: Buffer) => {
      output += chunk.toString();
      if (output.includes("the App listens")) resolve();
    };
    child.stdout.on("data", take);
    child.stderr.on("data", take);
    void ended.then(() => resolve());
  });
  return { child, url, output: () => output, ready, ended };
}

export interface Delivery {
  readonly event: string;
  readonly payload: object;
  readonly id?: string;
  readonly secret?: string;
}

/** Delivers an event as GitHub does; the status of the answer. */
export async function deliver(
  url: string,
  { event, payload, id = randomUUID(), secret = SECRET }: Delivery,
): Promise<number> {
  const body = JSON.stringify(payload);
  const signature = `sha256=${createHmac("sha256", secret).update(body).digest("hex")}`;
  const response = await fetch(`${url}/api/github/webhooks`, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      "user-agent": "GitHub-Hookshot/1",
      "x-github-event": event,
      "x-github-delivery": id,
      "x-hub-signature-256": signature,
    },
    body,
    // GitHub waits no longer.
    signal: AbortSignal.timeout(10_000),
  });
  await response.text();
  return response.status;
}

/** What all payloads of the fake's repository have. */
export function common(fake: FakeGitHub): object {
  return {
    installation: { id: fake.apps[0]?.installation ?? INSTALLATION },
    repository: { id: fake.repositoryId, name: fake.name, owner: { login: fake.owner } },
    sender: { id: 77, login: "contributor", type: "User" },
  };
}

/** An account as payloads show it. */
export function userOf({ id, login, app }: Identity): object {
  return { id, login, type: app ? "Bot" : "User" };
}

/** Somebody said something on a pull request, or changed or deleted it. */
export function commentEvent(fake: FakeGitHub, pull: Pull, said: Said, action = "created"): Delivery {
  const { id, nodeId, by, body } = said;
  const issue = { number: pull.number, state: "open", pull_request: {}, user: userOf(pull.author) };
  const comment = { id, node_id: nodeId, body, user: userOf(by) };
  const payload = { action, issue, comment, ...common(fake), sender: userOf(by) };
  return { event: "issue_comment", payload };
}

export function pullEvent(fake: FakeGitHub, pull: Pull, action: string, more: object = {}): Delivery {
  const payload = {
    action,
    number: pull.number,
    pull_request: fake.pullData(pull),
    ...common(fake),
    ...more,
  };
  return { event: "pull_request", payload };
}

/** Waits until `done`, which is asked often. @throws when it takes too long, with what `state` says */
export async function until(
  done: () => boolean,
  state: () => unknown = () => "",
  limitMs = 20_000,
): Promise<void> {
  const started = performance.now();
  while (!done()) {
    if (performance.now() - started > limitMs) throw new Error(`waited in vain: ${JSON.stringify(state())}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
