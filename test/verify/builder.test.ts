// Needs: nix
/** Fetching on a remote builder: another Nix daemon of this machine, with a database and an environment of its own. */
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { createServer, get, type Server } from "node:http";
import { type AddressInfo, connect, createServer as listen } from "node:net";
import { tmpdir } from "node:os";
import { pipeline } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { builderOf } from "../../src/verify/builder.ts";
import type { VerifyOptions } from "../../src/verify/options.ts";
import { makeRepository, type TestFile, type TestRepository } from "../support/repository.ts";
import { contentOf, type Origin, sri, startOrigin } from "./support/origin.ts";
import { hashFor, packageNix, packagePath, SET_FILES } from "./support/packages.ts";
import { type IsolatedStore, isolatedStore, NIXES, verifyLast } from "./support/verification.ts";

/** The only way out that the daemon knows: it sees what the daemon fetches, and nobody else uses it. */
interface WayOut {
  readonly url: string;
  readonly asked: string[];
  readonly server: Server;
}

async function startWayOut(): Promise<WayOut> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(request.url ?? "");
    get(request.url ?? "", (answer) => {
      response.writeHead(answer.statusCode ?? 502);
      answer.pipe(response);
    }).on("error", () => response.destroy());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked, server };
}

interface Daemon {
  readonly uri: string;
  readonly process: ChildProcess;
  readonly folder: string;
}

async function startDaemon(bin: string | undefined, store: IsolatedStore, wayOut: WayOut): Promise<Daemon> {
  const folder = await mkdtemp(`${tmpdir()}/verifod-builder-`);
  await Promise.all(["var", "log", "conf"].map((name) => mkdir(`${folder}/${name}`)));
  const socket = `${folder}/socket`;
  const daemon = spawn(bin === undefined ? "nix-daemon" : `${bin}/nix`, bin === undefined ? [] : ["daemon"], {
    stdio: "ignore",
    env: {
      PATH: process.env.PATH,
      HOME: folder,
      // Files of one folder, as paths have to be the same; what is valid is in a database of its own.
      NIX_STORE_DIR: store.directory,
      NIX_STATE_DIR: `${folder}/var`,
      NIX_LOG_DIR: `${folder}/log`,
      NIX_CONF_DIR: `${folder}/conf`,
      NIX_CONFIG: "experimental-features = nix-command\nbuild-users-group =\nsandbox = false\nsubstituters =",
      NIX_DAEMON_SOCKET_PATH: socket,
      http_proxy: wayOut.url,
    },
  });
  while (!existsSync(socket)) await sleep(20);
  // The first who open a store at the same moment can find its files half written, and are dropped.
  await promisify(execFile)(bin === undefined ? "nix" : `${bin}/nix`, [
    ...["--extra-experimental-features", "nix-command"],
    ...["path-info", "--all", "--store", `unix://${socket}`],
  ]);
  return { uri: `unix://${socket}`, process: daemon, folder };
}

describe.each(NIXES)("$label", ({ bin }) => {
  let origin: Origin;
  let store: IsolatedStore;
  let wayOut: WayOut;
  let daemon: Daemon;
  let repository: TestRepository | undefined;

  beforeEach(async () => {
    [origin, store, wayOut] = await Promise.all([startOrigin(), isolatedStore(), startWayOut()]);
    daemon = await startDaemon(bin, store, wayOut);
  });
  afterEach(async () => {
    repository?.remove();
    repository = undefined;
    const ended = once(daemon.process, "exit");
    daemon.process.kill("SIGKILL");
    await ended;
    wayOut.server.close();
    await Promise.all([origin.close(), store.remove(), rm(daemon.folder, { recursive: true })]);
  });

  const verify = (files: Readonly<Record<string, TestFile>>, options: Partial<VerifyOptions> = {}) => {
    repository = makeRepository(SET_FILES, files);
    return verifyLast(repository, {
      environment: store.environment,
      nix: { bin, substituters: [], trustedKeys: [], allowedUris: [] },
      sandbox: false,
      allowedHosts: [origin.host],
      builders: [builderOf(`${daemon.uri}?max-connections=1`)],
      ...options,
    });
  };
  const by = (outcome: string) => ({
    outcome,
    builder: daemon.uri,
    reason: expect.stringContaining(`; by the builder ${daemon.uri}, which nothing guards`),
    authenticated: null,
  });

  test("a match, a mismatch and one that is gone, all fetched by the builder", async () => {
    const source = (name: string, path: string, content: string) => ({
      [packagePath(name)]: packageNix(name, "1", "builtin", {
        url: `${origin.url}${path}`,
        hash: sri(content),
      }),
    });
    const { verdicts } = await verify({
      ...source("good", "/ok/good", contentOf("good")),
      ...source("evil", "/ok/evil", contentOf("good-1")),
      ...source("gone", "/404/gone", "gone"),
    });
    const of = (name: string) => verdicts.find(({ neededBy }) => neededBy.includes(name));
    const [good, evil, gone] = [of("good"), of("evil"), of("gone")];
    expect(good).toMatchObject({ ...by("match"), got: sri(contentOf("good")), opaque: false });
    expect(good?.urls).toEqual([{ url: `${origin.url}/ok/good`, finalUrl: null, status: null, bytes: null }]);
    expect(evil).toMatchObject({ ...by("mismatch"), got: sri(contentOf("evil")) });
    expect(gone).toMatchObject({ ...by("unavailable"), got: null });
    // Twice what does not match; and all of it came through the daemon's own way out.
    expect([origin.hits("/ok/good"), origin.hits("/ok/evil")]).toEqual([1, 2]);
    expect(wayOut.asked).toHaveLength(origin.allHits());
  }, 60_000);

  test("a connection that is dropped is made again", async () => {
    let dropped = 0;
    const door = listen((client) => {
      if (dropped++ < 2) client.destroy();
      else pipeline(client, connect(`${daemon.folder}/socket`), client, () => undefined);
    });
    door.listen(`${daemon.folder}/door`);
    await once(door, "listening");
    const file = { url: `${origin.url}/ok/good`, hash: sri(contentOf("good")) };
    const uri = `unix://${daemon.folder}/door`;
    const { verdicts } = await verify(
      { [packagePath("good")]: packageNix("good", "1", "builtin", file) },
      { builders: [builderOf(uri)] },
    );
    door.close();
    expect(verdicts).toMatchObject([{ outcome: "match", builder: uri }]);
    expect(origin.hits("/ok/good")).toBe(1);
  }, 60_000);

  test("a derivation's own builder has to need a way out", async () => {
    const fetched = contentOf("one\n");
    const { verdicts } = await verify({
      [packagePath("fetched")]: packageNix("fetched", "1", "recursive", {
        url: `${origin.url}/ok/one`,
        hash: hashFor("recursive", contentOf("one")),
      }),
      [packagePath("made")]: packageNix("made", "1", "shell", {
        url: `${origin.url}/404/made`,
        hash: sri(fetched),
        more: `script = "printf '%s' '${fetched}' > $out; exit 0";`,
      }),
    });
    const of = (name: string) => verdicts.find(({ neededBy }) => neededBy.includes(name));
    expect(of("fetched")).toMatchObject({ ...by("match"), opaque: true });
    expect(of("made")).toMatchObject({ ...by("unsupported"), got: sri(fetched) });
    expect(wayOut.asked).toHaveLength(origin.allHits());
  }, 60_000);

  test("where nobody answers nothing is fetched, and code of a change is not run by a Nix that is not known", async () => {
    const source = (name: string, fetcher: "builtin" | "shell") => ({
      [packagePath(name)]: packageNix(name, "1", fetcher, {
        url: `${origin.url}/ok/${name}`,
        hash: sri(contentOf(name)),
      }),
    });
    const { verdicts } = await verify(
      { ...source("plain", "builtin"), ...source("run", "shell") },
      { sandbox: true, builders: [builderOf(`unix://${daemon.folder}/nobody`)] },
    );
    expect(verdicts.map(({ attrs: [attr], outcome, reason }) => [attr, outcome, reason])).toEqual([
      ["plain.src", "not-checked", expect.stringContaining("cannot be sent: ")],
      ["run.src", "not-checked", expect.stringContaining("does not tell its Nix and its sandbox")],
    ]);
    expect(origin.allHits()).toBe(0);
  }, 60_000);
});

test.each([
  "host",
  "ssh://host",
  "ssh-ng://-oProxyCommand=x",
  "unix://relative",
  "/tmp/store",
  "ssh-ng://a b",
])("%s is no builder", (text) => {
  expect(() => builderOf(text)).toThrow(/--builder takes/);
});

test("what a builder is called leaves out its parameters", () => {
  expect(builderOf("ssh-ng://me@host?ssh-key=/home/me/key").label).toBe("ssh-ng://me@host");
});
