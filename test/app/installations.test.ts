/** One App that is installed twice: each installation has its token, its repository, and its own troubles. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { openInstallations } from "../../src/app/installations.ts";
import { type FakeGitHub, type Pull, startFakeGitHub } from "../fake-github/server.ts";
import { deliver, idle, pullEvent, registerApp, startTestApp, type TestApp } from "../support/app.ts";
import { makeRepository, type TestRepository } from "../support/repository.ts";

const path = "pkgs/by-name/fr/frob/package.nix";
const nix = (version: string, letter: string) =>
  `{ fetchurl, stdenv }:\nstdenv.mkDerivation rec {\n  pname = "frob";\n  version = "${version}";\n  src = fetchurl {\n    url = "https://example.org/frob-\${version}.tar.gz";\n    hash = "sha256-${letter.repeat(43)}=";\n  };\n}\n`;

interface Place {
  readonly made: TestRepository;
  readonly fake: FakeGitHub;
}

let places: readonly [Place, Place];
let github: Server;
let app: TestApp;

async function makePlace(owner: string, name: string, installation: number): Promise<Place> {
  const made = makeRepository({ [path]: nix("1.0", "B") });
  made.git("checkout", "--quiet", "--detach");
  const fake = await startFakeGitHub({ repository: made, owner, name });
  registerApp(fake, installation);
  return { made, fake };
}

/** GitHub for both: a token leads to the one that gave it, and to nothing else. */
function route({ method, url = "", headers }: IncomingMessage): { index: number; token: string } {
  const authorization = headers.authorization ?? "";
  const [, index, token] = /^(?:token|bearer) ([01])-(.*)$/i.exec(authorization) ?? [];
  if (index !== undefined) return { index: Number(index), token: `token ${token}` };
  const asked = /installations\/(\d+)\/access_tokens/.exec(url)?.[1];
  const found = places.findIndex(({ fake }) => String(fake.apps[0]?.installation) === asked);
  if (method === "POST" && found < 0) throw new Error(`nobody may ask for ${url}`);
  return { index: Math.max(0, found), token: authorization };
}

async function pass(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const { index, token } = route(request);
  const answers = await Promise.all(
    // As the App itself, it sees all its installations.
    (/\/app\/installations(\?|$)/.test(request.url ?? "") ? places : places.slice(index, index + 1)).map(
      ({ fake }) =>
        fetch(`${fake.url}${request.url}`, {
          method: request.method ?? "GET",
          headers: { authorization: token, "content-type": "application/json" },
          ...(chunks.length > 0 && { body: Buffer.concat(chunks) }),
        }),
    ),
  );
  const [first] = answers as [Response];
  const texts = await Promise.all(answers.map((answer) => answer.text()));
  const whole =
    texts.length > 1
      ? JSON.stringify(texts.flatMap((text) => JSON.parse(text) as object[]))
      : (texts[0] ?? "");
  const text = whole.replace(/"token":"/, `"token":"${index}-`);
  response.writeHead(first.status, { "content-type": "application/json" }).end(text);
}

beforeEach(async () => {
  places = [await makePlace("NixOS", "nixpkgs", 77), await makePlace("acme", "tiny", 78)];
  github = createServer((request, response) => void pass(request, response));
  await new Promise<void>((resolve) => github.listen(0, "127.0.0.1", resolve));
  const { port } = github.address() as AddressInfo;
  app = await startTestApp(places[0].fake, { apiUrl: `http://127.0.0.1:${port}/api/v3` });
});
afterEach(async () => {
  await app.stop();
  await new Promise((resolve) => github.close(resolve));
  for (const { fake, made } of places) {
    fake.failWhen = () => null;
    expect(fake.faults).toEqual([]);
    await fake.close();
    made.remove();
  }
});

function open({ made, fake }: Place, version: string, letter: string): Pull {
  return fake.openPull({ head: made.commit({ [path]: nix(version, letter) }, "frob") });
}

const checks = ({ fake }: Place) => fake.checkRuns.map(({ head_sha, conclusion }) => [head_sha, conclusion]);

test("each pull request is read and answered with the token of its installation, found by an event or a look", async () => {
  const [here, there] = places;
  const [one, two] = [open(here, "1.1", "E"), open(there, "1.0", "E")];
  expect(one.number).toBe(two.number);
  await deliver(app.url, pullEvent(here.fake, one, "opened"));
  await deliver(app.url, pullEvent(there.fake, two, "opened"));
  await idle(app);
  expect([checks(here), checks(there)]).toEqual([[[one.head.sha, "success"]], [[two.head.sha, "failure"]]]);
  expect([here.fake.reviewComments.length, there.fake.reviewComments.length]).toEqual([0, 1]);
  for (const { fake } of places) {
    const others = fake.requests.filter(
      ({ path: at }) => /^\/repos\//.test(at) && !at.startsWith(`/repos/${fake.owner}/${fake.name}/`),
    );
    expect(others).toEqual([]);
  }
  // An event that names the other's repository is answered with the token of the installation that it came by: it cannot.
  const before = [checks(here), checks(there)];
  const foreign = pullEvent(there.fake, two, "synchronize");
  await deliver(app.url, { ...foreign, payload: { ...foreign.payload, installation: { id: 77 } } });
  await idle(app);
  expect([checks(here), checks(there)]).toEqual(before);
});

test("an installation that GitHub does not answer for holds up no other", async () => {
  const [here, there] = places;
  there.fake.failWhen = () => ({ status: 503, applied: false });
  const pulls = [open(here, "1.1", "E"), open(there, "1.1", "E")] as const;
  await deliver(app.url, pullEvent(there.fake, pulls[1], "opened"));
  await deliver(app.url, pullEvent(here.fake, pulls[0], "opened"));
  await idle(app);
  expect([checks(here), checks(there)]).toEqual([[[pulls[0].head.sha, "success"]], []]);
  there.fake.failWhen = () => null;
  await deliver(app.url, pullEvent(there.fake, pulls[1], "reopened"));
  await idle(app);
  expect(checks(there)).toEqual([[pulls[1].head.sha, "success"]]);
});

test("a review takes no client of its own: each has a clock that nothing stops", () => {
  const clocks = vi.spyOn(globalThis, "setInterval");
  const installations = openInstallations({ appId: 1, privateKey: "none", apiUrl: "http://localhost" });
  const open = () => {
    for (const id of [77, 78]) for (const kind of ["api", "impatient"] as const) installations[kind](id);
  };
  open();
  const before = clocks.mock.calls.length;
  expect(before).toBeGreaterThan(0);
  open();
  expect(clocks.mock.calls.length).toBe(before);
  clocks.mockRestore();
});
