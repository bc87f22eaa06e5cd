import { afterEach, beforeEach, expect, test } from "vitest";
import { type FakeGitHub, startFakeGitHub } from "../fake-github/server.ts";
import { deliver, pullEvent, registerApp, startTestApp, type TestApp, until } from "../support/app.ts";
import { makeRepository, type TestRepository } from "../support/repository.ts";

let made: TestRepository;
let fake: FakeGitHub;
let app: TestApp;
const path = "pkgs/by-name/fr/frob/package.nix";
const nix = (version: string, letter: string) =>
  `{ fetchurl, stdenv }:\nstdenv.mkDerivation rec {\n  pname = "frob";\n  version = "${version}";\n  src = fetchurl {\n    url = "https://example.org/frob-\${version}.tar.gz";\n    hash = "sha256-${letter.repeat(43)}=";\n  };\n}\n`;

beforeEach(async () => {
  made = makeRepository({ [path]: nix("1.0", "A") });
  made.git("checkout", "--quiet", "--detach");
  fake = await startFakeGitHub({ repository: made });
  registerApp(fake);
});
afterEach(async () => {
  await app?.stop();
  expect(fake.faults).toEqual([]);
  await fake.close();
  made.remove();
});

test("a pull request that is opened is reviewed: one check run", async () => {
  app = await startTestApp(fake);
  const pull = fake.openPull({ head: made.commit({ [path]: nix("1.1", "E") }, "frob: 1.0 -> 1.1") });
  expect(await deliver(app.url, pullEvent(fake, pull, "opened"))).toBe(200);
  await until(
    () => fake.checkRuns.some(({ status }) => status === "completed"),
    () => [fake.requests.map((r) => [r.operation, r.status]), app.log()],
  );
  expect(fake.checkRuns).toMatchObject([{ head_sha: pull.head.sha, conclusion: "success" }]);
});
