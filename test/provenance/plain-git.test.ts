/** What `git ls-remote` tells, by real git servers on loopback. */
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { plainGitForge } from "../../src/provenance/plain-git.ts";
import { type Asked, askForge } from "../support/ask-forge.ts";
import { type GitServer, startGitServer } from "../support/git-server.ts";
import { makeRepository, type TestRepository } from "../support/repository.ts";

let frob: TestRepository;
let server: GitServer;
let first: string;
let second: string;
let below: string;

beforeAll(async () => {
  frob = makeRepository({ a: "1" }, { a: "2" }, { a: "3" });
  [first, below, second] = ["HEAD~2", "HEAD~1", "HEAD"].map((at) => frob.git("rev-parse", at)) as [
    string,
    string,
    string,
  ];
  frob.git("tag", "v1", first);
  frob.git("tag", "--annotate", "--message", "v2", "v2");
  // A branch and a tag of one name, and what is neither.
  frob.git("branch", "v1", second);
  frob.git("update-ref", "refs/pull/1/head", below);
  const inner = "http://169.254.169.254/latest/meta-data/";
  server = await startGitServer(dirname(frob.directory), {
    "/moved/info/refs": { redirect: "/repository/.git/info/refs?service=git-upload-pack" },
    "/inner/info/refs": { redirect: inner },
    "/file/info/refs": { redirect: "file:///etc/passwd" },
    "/closed/info/refs": 401,
    "/busy/info/refs": 429,
    "/down/info/refs": 502,
    "/page/info/refs": Buffer.from("<html>Are you human?</html>"),
  });
});
afterAll(async () => {
  await server.close();
  frob.remove();
});

function ask(path: string, asked: Asked, hosts = [server.host], host = server.host, seconds = 20) {
  const url = `http://${host}/${path}`;
  return askForge((budget) => plainGitForge({ budget, allowedHosts: hosts }), { url, ...asked }, { seconds });
}

const asked = () => ({
  refs: ["v1", "refs/tags/v1", "refs/heads/v1", "v2", "main", "v3"],
  commits: [first, second, below].map((id) => ({ id, reach: true })),
  releases: [{ tag: "v2", asset: null }],
});

async function dumbServer() {
  frob.git("update-server-info");
  const dumb = createServer(({ url = "" }, response) => {
    const path = url.replace(/\?.*$/, "").replace(/^\/frob\//, "");
    try {
      response.end(readFileSync(join(frob.directory, ".git", path)));
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise<void>((ready) => dumb.listen(0, "127.0.0.1", ready));
  return { host: `127.0.0.1:${(dumb.address() as AddressInfo).port}`, close: () => dumb.close() };
}

test("tags with what they name, branches, and whose a commit at a tip is", async () => {
  const answers = await ask("repository/.git", asked());
  expect(Object.fromEntries(answers.refs)).toEqual({
    v1: { known: true, value: { tag: { commit: first, annotated: false, date: null }, branch: second } },
    "refs/tags/v1": {
      known: true,
      value: { tag: { commit: first, annotated: false, date: null }, branch: null },
    },
    "refs/heads/v1": { known: true, value: { tag: null, branch: second } },
    v2: { known: true, value: { tag: { commit: second, annotated: true, date: null }, branch: null } },
    main: { known: true, value: { tag: null, branch: second } },
    v3: { known: true, value: { tag: null, branch: null } },
  });
  const reach = (id: string) => {
    const commit = answers.commits.get(id);
    return commit?.known ? commit.value?.reach : commit;
  };
  expect(reach(first)).toEqual({ kind: "reachable", through: "tag v1" });
  expect(reach(second)).toEqual({ kind: "reachable", through: "main" });
  // It is below a tip, and a pull request names it: git does not tell which counts.
  expect(reach(below)).toMatchObject({ kind: "undecided", reason: expect.stringMatching(/only the tips/) });
  expect(answers.repository).toMatchObject({
    value: {
      kind: "there",
      fullName: "frob",
      created: null,
      archived: null,
      owner: null,
      homepage: null,
      description: null,
      forkOf: { known: false },
    },
  });
  expect(answers.releases.get("v2")).toEqual({ known: true, value: null });
  expect(answers.requests).toBe(2);
});

test("a moved tag names another commit the next time", async () => {
  const commitOf = async () => {
    const answer = (await ask("repository/.git", { refs: ["moving"] })).refs.get("moving");
    return answer?.known ? answer.value.tag?.commit : answer;
  };
  frob.git("tag", "moving", first);
  expect(await commitOf()).toBe(first);
  frob.git("tag", "--force", "moving", second);
  expect(await commitOf()).toBe(second);
});

test("a server of plain files tells the same", async () => {
  const dumb = await dumbServer();
  const answers = await ask("frob", asked(), [dumb.host], dumb.host);
  dumb.close();
  expect(answers.refs.get("v2")).toMatchObject({ value: { tag: { commit: second, annotated: true } } });
  expect(answers.refs.get("v3")).toMatchObject({ value: { tag: null, branch: null } });
});

test("a redirect on the server is followed as fetchgit follows it", async () => {
  const { refs } = await ask("moved", { refs: ["v1"] });
  expect(refs.get("v1")).toMatchObject({ value: { tag: { commit: first } } });
});

test("a repository that is not there is gone, and its tags are not known", async () => {
  const answers = await ask("nothing.git", { refs: ["v1"], commits: [{ id: first, reach: true }] });
  expect(answers.repository).toEqual({ known: true, value: { kind: "gone", owner: null } });
  expect(answers.refs.get("v1")).toMatchObject({ known: false, reason: "the repository is not there" });
  expect(answers.commits.get(first)).toMatchObject({ known: false });
});

test("where only the host's usual place for clones is known, nothing there means nothing", async () => {
  const { repository } = await ask("nothing.git", { isPresumed: true });
  expect(repository).toMatchObject({ known: false, reason: expect.stringMatching(/^no repository at http/) });
});

test.each([
  ["closed", "asks for a password"],
  ["busy", "error: 429"],
  ["down", "error: 502"],
  ["page", "names no branch"],
  ["inner", "metadata address"],
  ["file", "could not ask"],
])("%s: nothing is known, and why", async (path, reason) => {
  const answers = await ask(path, asked());
  const all = [answers.repository, ...answers.refs.values(), ...answers.commits.values()];
  for (const answer of all)
    expect(answer).toMatchObject({ known: false, reason: expect.stringContaining(reason) });
});

test("a list of more bytes than are read is no list, however few characters it has", async () => {
  const many = join(dirname(frob.directory), "many.git");
  frob.git("clone", "--quiet", "--bare", ".", many);
  const names = Array.from({ length: 20_000 }, (_, n) => `refs/tags/${"é".repeat(100)}${n + 10_000}`);
  writeFileSync(join(many, "packed-refs"), names.map((name) => `${first} ${name}\n`).join(""));
  const answers = await ask("many.git", { refs: ["zzz"] });
  rmSync(many, { recursive: true });
  expect(answers.refs.get("zzz")).toEqual({
    known: false,
    reason: "it has more branches and tags than are read",
  });
});

test("neither this machine, nor another protocol, nor a name in the URL is asked", async () => {
  const before = server.requests.length;
  for (const [url, reason] of [
    [`http://${server.host}/repository/.git`, "loopback"],
    ["https://localhost/x.git", "public host name"],
    ["http://example.org/x.git", "use https"],
    ["ssh://git@example.org/x.git", "not fetched"],
    ["ext::sh -c 'touch /tmp/x'", "not fetched"],
    ["file:///etc", "not fetched"],
    ["https://ada:secret@example.org/x.git", "user name"],
    ["--upload-pack=touch /tmp/x", "not a URL"],
  ] as const) {
    const answers = await ask("", { url, refs: ["v1"] }, []);
    expect(answers.repository, url).toMatchObject({ known: false, reason: expect.stringContaining(reason) });
  }
  expect(server.requests.length).toBe(before);
});

test("the user's own git configuration and credentials do not go along", async () => {
  const home = frob.folder();
  const before = { ...process.env };
  writeFileSync(
    join(home, ".gitconfig"),
    `[url "file://${frob.directory}"]\n\tinsteadOf = http://${server.host}/none\n[credential]\n\thelper = "!touch ${home}/asked"\n`,
  );
  Object.assign(process.env, {
    HOME: home,
    GIT_CONFIG_GLOBAL: join(home, ".gitconfig"),
    GIT_ASKPASS: "/bin/echo",
  });
  try {
    const answers = await ask("none", { refs: ["v1"] });
    expect(answers.repository).toMatchObject({ value: { kind: "gone" } });
    expect((await ask("closed", {})).repository).toMatchObject({ known: false });
  } finally {
    process.env = before;
  }
  expect(() => readFileSync(join(home, "asked"))).toThrow();
});

test("a server that says nothing is given up", async () => {
  const silent = createServer(() => {});
  await new Promise<void>((ready) => silent.listen(0, "127.0.0.1", ready));
  const host = `127.0.0.1:${(silent.address() as AddressInfo).port}`;
  const answers = await ask("x", { refs: ["v1"] }, [host], host, 0.5);
  silent.closeAllConnections();
  silent.close();
  expect(answers.refs.get("v1")).toMatchObject({ known: false, reason: expect.stringContaining("in time") });
});
