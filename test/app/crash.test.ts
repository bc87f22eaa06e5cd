/** The App as its users run it: killed, restarted, and asked for much at once. */
import { afterEach, beforeEach, expect, test } from "vitest";
import { parseMarker } from "../../src/github/comment-text.ts";
import { type FakeGitHub, startFakeGitHub } from "../fake-github/server.ts";
import {
  CANARIES,
  deliver,
  pullEvent,
  registerApp,
  type SpawnedApp,
  spawnApp,
  until,
} from "../support/app.ts";
import { makeRepository, type TestRepository } from "../support/repository.ts";

let made: TestRepository;
let fake: FakeGitHub;
let app: SpawnedApp | null = null;
const path = "pkgs/by-name/fr/frob/package.nix";
const nix = (version: string, letter: string) =>
  `{ fetchurl, stdenv }:\nstdenv.mkDerivation rec {\n  pname = "frob";\n  version = "${version}";\n  src = fetchurl {\n    url = "https://example.org/frob-\${version}.tar.gz";\n    hash = "sha256-${letter.repeat(43)}=";\n  };\n}\n`;

beforeEach(async () => {
  made = makeRepository({ [path]: nix("1.0", "B") });
  made.git("checkout", "--quiet", "--detach");
  fake = await startFakeGitHub({ repository: made });
  registerApp(fake);
});
afterEach(async () => {
  app?.child.kill("SIGKILL");
  await app?.ended;
  expect(fake.faults).toEqual([]);
  await fake.close();
  made.remove();
});

const state = () => [fake.checkRuns.map(({ status, conclusion }) => [status, conclusion]), app?.output()];

test("kill -9 at any request: never green, and the next process finishes it, saying nothing twice", async () => {
  app = await spawnApp(fake);
  const pull = fake.openPull({ head: "main" });
  const letters = "CDEFGHIJKLMN";
  let rounds = 0;
  for (let at = 1; at <= 9; at += 1) {
    // The hash changes and nothing else: what is not red is wrong.
    pull.head.sha = made.commit({ [path]: nix("1.0", letters[at] ?? "Z") }, "frob: another hash");
    const running: SpawnedApp = app;
    const first = fake.requests.length;
    fake.before = ({ index }) => {
      if (index === first + at) running.child.kill("SIGKILL");
    };
    // It may be gone before it takes it: then nobody has told of the push.
    const delivered = deliver(running.url, pullEvent(fake, pull, "synchronize")).catch(() => 0);
    await Promise.race([delivered, running.ended]);
    const own = () => fake.checkRuns.filter(({ head_sha }) => head_sha === pull.head.sha);
    const finished = () => own().some(({ conclusion }) => conclusion === "failure");
    const killed = running.ended.then(() => "killed" as const);
    await Promise.race([killed, until(finished, state)]);
    for (const { conclusion } of own()) expect([null, "failure"]).toContain(conclusion);
    fake.before = () => {};
    running.child.kill("SIGKILL");
    await running.ended;
    rounds += 1;
    app = await spawnApp(fake);
    await until(finished, state);
    expect(own().filter(({ status }) => status !== "completed")).toEqual([]);
    const open = fake.reviewComments.filter(({ body }) => parseMarker(body)?.solved === false);
    expect(open.length).toBe(1);
  }
  expect(rounds).toBeGreaterThanOrEqual(6);
  const fingerprints = fake.reviewComments.map(({ body }) => parseMarker(body)?.fingerprint);
  expect(new Set(fingerprints).size).toBe(fingerprints.length);
  for (const canary of CANARIES) expect(app.output()).not.toContain(canary);
}, 120_000);

test("SIGTERM ends the process once what runs has ended; what nobody told of is found at the next start", async () => {
  app = await spawnApp(fake);
  const pull = fake.openPull({ head: made.commit({ [path]: nix("1.1", "C") }, "frob: 1.1") });
  const running: SpawnedApp = app;
  fake.before = ({ path: at }) => {
    if (at.includes("/compare/")) running.child.kill("SIGTERM");
  };
  await deliver(running.url, pullEvent(fake, pull, "opened"));
  expect(await running.ended).toBe(0);
  expect(fake.checkRuns).toMatchObject([{ status: "completed", conclusion: "success" }]);
  fake.before = () => {};
  pull.head.sha = made.commit({ [path]: nix("1.2", "D") }, "frob: 1.2");
  const crashed = fake.openPull({ head: made.commit({ [path]: nix("1.3", "E") }, "frob: 1.3") });
  app = await spawnApp(fake);
  await until(() => fake.checkRuns.filter(({ status }) => status === "completed").length === 3, state);
  expect(
    fake.checkRuns
      .map(({ head_sha }) => head_sha)
      .slice(1)
      .sort(),
  ).toEqual([pull.head.sha, crashed.head.sha].sort());
});

test("without credentials, with wrong ones, or where nothing can listen, it says what to do", async () => {
  const missing = await spawnApp(fake, { WEBHOOK_SECRET: "" });
  expect([await missing.ended, missing.output()]).toEqual([
    2,
    expect.stringContaining("the App needs WEBHOOK_SECRET"),
  ]);
  const wrong = await spawnApp(fake, { APP_ID: "9" });
  expect([await wrong.ended, wrong.output()]).toEqual([
    2,
    expect.stringContaining("knows no App with this APP_ID"),
  ]);
  const number = await spawnApp(fake, { PORT: "x", GHE_PROTOCOL: "ftp" });
  expect([await number.ended, number.output()]).toEqual([
    2,
    expect.stringContaining("GHE_PROTOCOL is https or http; PORT is a number"),
  ]);
});
