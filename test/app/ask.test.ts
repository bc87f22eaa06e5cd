/** The App asks a GitHub of our own about the sources of a pull request, though its reviews run on threads without a token. */
import { afterEach, beforeEach, expect, test } from "vitest";
import type { UpstreamPlaces } from "../../src/provenance/open.ts";
import { type FakeGitHub, type Pull, startFakeGitHub } from "../fake-github/server.ts";
import { addUpstream } from "../fake-github/upstreams.ts";
import { deliver, idle, pullEvent, registerApp, startTestApp, type TestApp } from "../support/app.ts";
import { sriOf, startFakeRegistries } from "../support/registries.ts";
import { makeRepository, type TestRepository } from "../support/repository.ts";
import { frobRecipe, HASHES } from "../support/upstream-world.ts";

const path = "pkgs/by-name/fr/frob/package.nix";
let made: TestRepository;
let frob: TestRepository;
let fake: FakeGitHub;
let app: TestApp;
let pull: Pull;

beforeEach(async () => {
  frob = makeRepository({ "main.c": "1" }, { "main.c": "2" });
  frob.git("tag", "v1.0", "HEAD^");
  frob.git("tag", "v2.0");
  made = makeRepository({ [path]: frobRecipe({ version: "1.0" }) });
  made.git("checkout", "--quiet", "--detach");
  fake = await startFakeGitHub({ repository: made });
  addUpstream(fake, frob, { owner: "acme", name: "frob" });
  registerApp(fake);
  pull = fake.openPull({
    head: made.commit({ [path]: frobRecipe({ version: "2.0", hash: HASHES[1] }) }, "frob: 2.0"),
  });
});
afterEach(async () => {
  await app.stop();
  expect(fake.faults).toEqual([]);
  await fake.close();
  made.remove();
  frob.remove();
});

async function reviewed(asksUpstream: boolean, upstreamPlaces: UpstreamPlaces = {}): Promise<string> {
  app = await startTestApp(fake, { asksUpstream, upstreamPlaces });
  await deliver(app.url, pullEvent(fake, pull, "opened"));
  await idle(app);
  expect(fake.checkRuns).toMatchObject([{ conclusion: "success" }]);
  return fake.checkRuns[0]?.output.text ?? "";
}

test("with the token of the installation", async () => {
  const commit = frob.git("rev-parse", "HEAD").slice(0, 12);
  expect(await reviewed(true)).toContain(`| \`v2.0\` is \`${commit}\`, published`);
  expect(
    fake.requests.filter(({ body }) => (JSON.stringify(body) ?? "").includes("repositoryOwner")),
  ).toHaveLength(1);
});

test("a registry at another address", async () => {
  const registries = await startFakeRegistries();
  try {
    registries.versions.set("PyPI frob 2.0", { files: { "frob-2.0.tar.gz": "the sdist" } });
    const url = "mirror://pypi/f/frob/frob-2.0.tar.gz";
    const src = `fetchurl { url = "${url}"; hash = "${sriOf("the sdist")}"; }`;
    pull.head.sha = made.commit({
      "pkgs/by-name/fr/frob-py/package.nix": frobRecipe({ version: "2.0", src }),
    });
    expect(await reviewed(true, { registries: registries.url })).toContain(
      "the registry has the same checksum",
    );
    expect(registries.requests).toEqual(["/PyPI/frob/2.0/json"]);
  } finally {
    await registries.close();
  }
});

test("or nobody", async () => {
  expect(await reviewed(false)).not.toContain("Upstream");
  expect(
    fake.requests.filter(({ body }) => (JSON.stringify(body) ?? "").includes("repositoryOwner")),
  ).toEqual([]);
});
