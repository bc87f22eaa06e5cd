// Needs: nix
/** Caches that hold the right bytes while the declared server has wrong ones: a fetch that trusts any would be fooled. */
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { makeRepository, type TestRepository } from "../support/repository.ts";
import { type Origin, startOrigin } from "./support/origin.ts";
import { packagePath, SET_FILES } from "./support/packages.ts";
import { type IsolatedStore, isolatedStore, NIXES, verifyLast } from "./support/verification.ts";

const run = promisify(execFile);
const RIGHT = "the right content\n";
const digest = createHash("sha256").update(RIGHT).digest();
const HASH = `sha256-${digest.toString("base64")}`;

/** Answers everything with the right content: a hashed mirror, or a proxy with a full cache. */
async function startMirror() {
  let hits = 0;
  const server = createServer((_, response) => {
    hits++;
    response.end(RIGHT);
  });
  await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    hits: () => hits,
    close: () => new Promise<void>((closed) => server.close(() => closed()).closeAllConnections()),
  };
}

describe.each(NIXES)("$label", ({ bin }) => {
  let origin: Origin;
  let mirror: Awaited<ReturnType<typeof startMirror>>;
  let store: IsolatedStore;
  let repository: TestRepository;

  beforeEach(async () => {
    [origin, mirror, store] = await Promise.all([startOrigin(), startMirror(), isolatedStore()]);
  });
  afterEach(async () => {
    repository.remove();
    await Promise.all([origin.close(), mirror.close(), store.remove()]);
  });

  const nix = (command: string, ...args: string[]) =>
    run(bin ? `${bin}/${command}` : command, args, {
      env: {
        ...store.environment,
        NIX_CONFIG: "build-users-group =\nexperimental-features = nix-command\nsubstituters =",
      },
    });
  /** The path of the right content in the store, where every declaration of it looks first. */
  const seed = async (): Promise<string> => {
    const file = `${repository.folder()}/file`;
    await writeFile(file, RIGHT);
    const { stdout } = await nix("nix-store", "--add-fixed", "sha256", file);
    return stdout.trim();
  };
  const change = (path: string) => {
    const source = (fetcher: string, more = "") =>
      `{ mkPackage, ${fetcher} }:\nmkPackage {\n  name = "${fetcher}-1";\n  src = ${fetcher} {\n    url = "${origin.url}${path}";\n    name = "file";\n    hash = "${HASH}";${more}\n  };\n}\n`;
    repository = makeRepository(SET_FILES, {
      [packagePath("by-builtin")]: source("builtin"),
      [packagePath("by-shell")]: source("shell", `\n    hashedMirrors = "http://${mirror.host}";`),
    });
  };
  const verify = (environment: NodeJS.ProcessEnv = {}, substituters: readonly string[] = []) =>
    verifyLast(repository, {
      environment: { ...store.environment, ...environment },
      nix: { bin, substituters, trustedKeys: [], allowedUris: [] },
      sandbox: false,
      allowedHosts: [origin.host],
    });
  const outcomes = async (...args: Parameters<typeof verify>) => {
    const { verdicts } = await verify(...args);
    return Object.fromEntries(verdicts.map(({ attrs, outcome }) => [attrs[0], outcome]));
  };
  const MISMATCH = { "by-builtin.src": "mismatch", "by-shell.src": "mismatch" };

  test("the store itself", async () => {
    change("/ok/wrong");
    await seed();
    expect(await outcomes()).toEqual(MISMATCH);
    expect(origin.hits("/ok/wrong")).toBeGreaterThanOrEqual(4);
  });

  test("a substituter", async () => {
    change("/ok/wrong");
    const path = await seed();
    const cache = `file://${repository.folder()}`;
    await nix("nix", "copy", "--to", cache, path);
    await nix("nix-store", "--delete", path);
    expect(await outcomes({}, [`${cache}?trusted=1`])).toEqual(MISMATCH);
    expect(origin.hits("/ok/wrong")).toBeGreaterThanOrEqual(4);
  });

  test("hashed mirrors, in the environment, in the settings and in the builder", async () => {
    change("/ok/wrong");
    const environment = {
      NIX_HASHED_MIRRORS: `http://${mirror.host}`,
      NIX_CONFIG: `hashed-mirrors = http://${mirror.host}`,
    };
    expect(await outcomes(environment)).toEqual(MISMATCH);
    expect(mirror.hits()).toBe(0);
  });

  test("a proxy", async () => {
    change("/ok/wrong");
    const proxy = `http://${mirror.host}`;
    expect(
      await outcomes({ http_proxy: proxy, https_proxy: proxy, all_proxy: proxy, HTTP_PROXY: proxy }),
    ).toEqual(MISMATCH);
    expect(mirror.hits()).toBe(0);
    expect(origin.hits("/ok/wrong")).toBeGreaterThanOrEqual(4);
  });

  test("with the server down there is never a match", async () => {
    change("/ok/wrong");
    await seed();
    await origin.close();
    const cached = { NIX_HASHED_MIRRORS: `http://${mirror.host}` };
    expect(await outcomes(cached)).toEqual({
      "by-builtin.src": "unavailable",
      "by-shell.src": "unavailable",
    });
    origin = await startOrigin();
  });

  test("content that a builder has by itself is no fetch", async () => {
    const script = `echo -n '${RIGHT}' > "$out"; exit 0`;
    repository = makeRepository(SET_FILES, {
      [packagePath("inline")]:
        `{ mkPackage }:\nmkPackage {\n  name = "inline-1";\n  src = derivation {\n    name = "file";\n    system = builtins.currentSystem;\n    builder = "/bin/sh";\n    args = [ "-c" ''${script.replace("\n", "\\n").replace("echo -n", "printf")}'' ];\n    url = "${origin.url}/ok/wrong";\n    outputHash = "${HASH}";\n    outputHashAlgo = "sha256";\n  };\n}\n`,
    });
    const { verdicts } = await verify();
    expect(verdicts).toMatchObject([
      { outcome: "unsupported", got: HASH, reason: expect.stringContaining("without a download") },
    ]);
  });
});
