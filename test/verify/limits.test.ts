// Needs: nix
/** What a verification refuses, what cuts it short, and that nothing is left of it. */
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import type { VerifyOptions } from "../../src/verify/options.ts";
import { makeRepository, type TestRepository } from "../support/repository.ts";
import { contentOf, type Origin, sri, startOrigin } from "./support/origin.ts";
import { packageNix, packagePath, SET_FILES } from "./support/packages.ts";
import { type IsolatedStore, isolatedStore, NIXES, QUICK, verifyLast } from "./support/verification.ts";

/** A shell that needs no libraries, for builders inside the sandbox; it comes with the newer Nix of the tests. */
const STATIC_SHELL = NIXES.flatMap(({ bin }) => (bin ? [`${bin}/../root/usr/bin/bash-static`] : [])).find(
  (file) => existsSync(file),
);

// A place of this file's own: what other tests make at the same time is not what a verification left.
let own: string;
beforeAll(() => {
  own = mkdtempSync(join(tmpdir(), "verifod-limits-"));
  vi.stubEnv("TMPDIR", own);
});
afterAll(() => {
  vi.unstubAllEnvs();
  rmSync(own, { recursive: true });
});
const scratch = () => readdirSync(own).filter((name) => /^verifod-(?!test|store|nix)/.test(name));

/** Processes that have `mark` in their environment or command. */
async function processesWith(mark: string): Promise<readonly string[]> {
  const found: string[] = [];
  for (const pid of readdirSync("/proc").filter(
    (name) => /^\d+$/.test(name) && Number(name) !== process.pid,
  )) {
    const command = await readFile(`/proc/${pid}/cmdline`, "latin1").catch(() => "");
    const environment = await readFile(`/proc/${pid}/environ`, "latin1").catch(() => "");
    if (`${command}${environment}`.includes(mark)) found.push(`${pid} ${command.replaceAll("\0", " ")}`);
  }
  return found;
}

describe.each(NIXES)("$label", ({ bin }) => {
  let origin: Origin;
  let store: IsolatedStore;
  let repository: TestRepository;

  beforeEach(async () => {
    [origin, store] = await Promise.all([startOrigin(), isolatedStore()]);
  });
  afterEach(async () => {
    repository.remove();
    await Promise.all([origin.close(), store.remove()]);
  });

  const packages = (
    sources: Readonly<Record<string, readonly [path: string, fetcher: "builtin" | "shell"]>>,
  ) => {
    const files = Object.entries(sources).map(([name, [path, fetcher]]) => [
      packagePath(name),
      packageNix(name, "1", fetcher, {
        url: `${origin.url}${path}`,
        hash: sri(contentOf(name)),
        more: `name = "${name}";`,
      }),
    ]);
    repository = makeRepository(SET_FILES, Object.fromEntries(files));
  };
  const verify = (options: Partial<VerifyOptions> = {}) =>
    verifyLast(repository, {
      environment: store.environment,
      nix: { bin, substituters: [], trustedKeys: [], allowedUris: [] },
      sandbox: false,
      allowedHosts: [origin.host],
      ...options,
    });

  test("private places are refused before and behind redirects, without a hit", async () => {
    const secret = await startOrigin();
    packages({
      direct: ["/ok/direct", "builtin"],
      "direct-shell": ["/ok/direct-shell", "shell"],
      behind: [`/to/${encodeURIComponent(`${secret.url}/ok/behind`)}`, "builtin"],
      "behind-shell": [`/to/${encodeURIComponent(`${secret.url}/ok/behind-shell`)}`, "shell"],
    });
    const refused = { outcome: "not-checked", got: null, reason: expect.stringMatching(/^refused: /) };
    const { verdicts } = await verify();
    expect(verdicts.filter(({ attrs }) => attrs[0]?.startsWith("behind"))).toMatchObject([refused, refused]);
    expect(secret.allHits()).toBe(0);
    const none = await verify({ allowedHosts: [] });
    expect(none.verdicts).toMatchObject([refused, refused, refused, refused]);
    await secret.close();
  });

  test("what is cut off at its second location is cut off, and nothing is known of it", async () => {
    const urls = `"${origin.url}/404/x" "${origin.url}/slow/8000/x"`;
    repository = makeRepository(SET_FILES, {
      [packagePath("two")]: `{ mkPackage }:
mkPackage {
  name = "two-1";
  src = derivation {
    name = "x";
    system = builtins.currentSystem;
    builder = "/bin/sh";
    urls = [ ${urls} ];
    postFetch = "";
    curlOpts = "";
    outputHashMode = "flat";
    outputHash = "${sri("x")}";
  };
}
`,
    });
    const { verdicts } = await verify({ totalSeconds: 3 });
    expect(verdicts).toMatchObject([
      { outcome: "not-checked", interrupted: true, reason: "the time for all fetches ended" },
    ]);
  });

  test("budgets of time and of bytes end fetches, and say so", async () => {
    packages({
      slow: ["/slow/8000/slow", "builtin"],
      quick: ["/ok/quick", "builtin"],
      endless: ["/endless/x", "shell"],
    });
    const timed = await verify({ totalSeconds: 3, parallel: 3, fetch: { ...QUICK.fetch, bytes: 3_000_000 } });
    expect(
      Object.fromEntries(
        timed.verdicts.map(({ attrs, outcome, reason }) => [attrs[0], `${outcome}: ${reason}`]),
      ),
    ).toEqual({
      "slow.src": "not-checked: the time for all fetches ended",
      "quick.src": "match: fetched again from 127.0.0.1",
      "endless.src": "unavailable: too large: more than 3000000 bytes",
    });
    const spent = await verify({ totalBytes: 1_000_000, parallel: 1 });
    expect(spent.verdicts.some(({ reason }) => reason === "the bytes for all fetches were used up")).toBe(
      true,
    );
    expect(
      spent.verdicts.every(({ outcome, attrs }) => outcome !== "match" || attrs[0] !== "endless.src"),
    ).toBe(true);
  });

  test("more attributes or sources than the limits are named", async () => {
    packages({ aa: ["/ok/aa", "builtin"], bb: ["/ok/bb", "builtin"], cc: ["/ok/cc", "builtin"] });
    const few = await verify({ maxFods: 1 });
    expect(few.verdicts.map(({ outcome }) => outcome).sort()).toEqual([
      "match",
      "not-checked",
      "not-checked",
    ]);
    const late = await verify({ evaluation: { ...QUICK.evaluation, totalSeconds: 0 } });
    expect(late.verdicts).toEqual([]);
    expect(late.unchecked.map(({ reason }) => reason)).toContainEqual(
      expect.stringContaining("the time for all evaluations ended"),
    );
    const fewer = await verify({ maxAttributes: 1, evaluation: { ...QUICK.evaluation, parallel: 1 } });
    expect(fewer.evaluated).toHaveLength(1);
    expect(fewer.unchecked).toHaveLength(4); // Two packages, and the hash of each.
  });

  test("a package list that names more attributes than the limit is not evaluated further", async () => {
    const path = "pkgs/top-level/all-packages.nix";
    const names = ["xa", "xb", "xc"].map((name) => `  ${name} = callPackage ../x.nix { };\n`);
    repository = makeRepository(
      { ...SET_FILES, "pkgs/x.nix": '{ mkPackage }:\nmkPackage { name = "x"; }\n' },
      { [path]: `{ callPackage }:\n{\n${names.join("")}}\n` },
    );
    const { evaluated, unchecked } = await verify({ maxAttributes: 2 });
    expect(evaluated.map(({ attr }) => attr)).toEqual(["xa", "xb"]);
    expect(unchecked).toEqual([{ what: path, reason: "more attributes are touched than are evaluated" }]);
  });

  test("files whose text cannot be read may have hashes that nobody sees", async () => {
    const package_ = (more: string) =>
      Buffer.from(`{ mkPackage }:\nmkPackage { name = "x"; }\n# ${more}\n`, "latin1");
    repository = makeRepository(SET_FILES, {
      [packagePath("large")]: package_("x".repeat(21_000_000)),
      [packagePath("odd")]: package_("\xff"),
    });
    expect((await verify()).unchecked).toEqual([
      { what: packagePath("large"), reason: expect.stringContaining("MB that are read") },
      { what: packagePath("odd"), reason: "not a text (not UTF-8)" },
    ]);
  });

  test("an interrupt ends what was started; nothing is left", async () => {
    packages({
      hang: ["/hang/x", "builtin"],
      "hang-shell": ["/hang/y", "shell"],
      good: ["/ok/good", "builtin"],
    });
    const interrupt = new AbortController();
    const before = scratch();
    let work = "";
    const { verdicts } = await verify({
      signal: interrupt.signal,
      parallel: 3,
      perHost: 3,
      fetch: { ...QUICK.fetch, seconds: 60, silentSeconds: 60, stalledSeconds: 60 },
      onProgress(progress) {
        if (progress.kind === "verdict" && progress.verdict.outcome === "match") {
          work = scratch().find((name) => !before.includes(name)) ?? "";
          setTimeout(() => interrupt.abort(), 500);
        }
      },
    });
    expect(verdicts.map(({ outcome, reason }) => (outcome === "match" ? outcome : reason)).sort()).toEqual([
      "interrupted",
      "interrupted",
      "match",
    ]);
    expect(work).not.toBe("");
    expect(scratch()).not.toContain(work);
    await vi.waitFor(async () => expect(await processesWith(work)).toEqual([]), { timeout: 10_000 });
  });

  test("builders that go on in the background are ended", async () => {
    repository = makeRepository(SET_FILES, {
      [packagePath("daemon")]: packageNix("daemon", "1", "shell", {
        url: `${origin.url}/ok/daemon`,
        hash: sri(contentOf("daemon")),
        more: 'script = "(trap : TERM HUP INT; while :; do /bin/sleep 0.2; done) >/dev/null 2>&1 </dev/null &";',
      }),
    });
    let work = "";
    const before = scratch();
    await verify({
      onProgress(progress) {
        if (progress.kind === "fetching") work ||= scratch().find((name) => !before.includes(name)) ?? "";
      },
    });
    expect(work).not.toBe("");
    await vi.waitFor(async () => expect(await processesWith(work)).toEqual([]), { timeout: 10_000 });
  });

  test("a builder that prints without end is ended, with a line or without", async () => {
    const printing = (name: string, script: string) => [
      packagePath(name),
      packageNix(name, "1", "shell", {
        url: `${origin.url}/ok/${name}`,
        hash: sri(contentOf(name)),
        more: `name = "${name}"; script = "${script}";`,
      }),
    ];
    repository = makeRepository(
      SET_FILES,
      Object.fromEntries([
        printing("lines", "while :; do echo xxxxxxxxxxxxxxxxxxxxxxxxxxxxxx; done"),
        printing("one", "while :; do printf xxxxxxxxxxxxxxxxxxxxxxxxxxxxxx; done"),
      ]),
    );
    const fetch = { ...QUICK.fetch, seconds: 60, logBytes: 200_000 };
    const { verdicts } = await verify({ fetch, parallel: 2, perHost: 2 });
    expect(verdicts.map(({ outcome }) => outcome)).toEqual(["unavailable", "unavailable"]);
    for (const { reason } of verdicts) expect(reason).toMatch(/log/);
  });

  test("in a private store: downloads are verified; builders of the change need a Nix that may run them", async () => {
    packages({ plain: ["/ok/plain", "builtin"], code: ["/ok/code", "shell"] });
    const { verdicts, nix } = await verify({
      sandbox: true,
      environment: { PATH: process.env.PATH, NIX_REMOTE: "daemon" },
    });
    expect(nix.sandbox).toBe(true);
    expect(verdicts.map(({ attrs, outcome }) => [attrs[0], outcome])).toEqual([
      ["code.src", "not-checked"],
      ["plain.src", "match"],
    ]);
    expect(verdicts[0]?.reason).toMatch(/ways out of its sandbox.*--accept-nix/);
    expect(verdicts[0]?.drvPath).toMatch(/^\/nix\/store\//);
  });

  if (STATIC_SHELL !== undefined) {
    test("inside the sandbox a builder sees nothing of the machine, and leaves nothing", async () => {
      const mark = `verifod-escape-${process.pid}-${bin ? "new" : "old"}`;
      const file = `${tmpdir()}/${mark}`;
      const script = [
        `echo escaped > ${file}`,
        `[ -e ${import.meta.filename} ] && echo SEES-THE-MACHINE >&2`,
        'echo "$(</proc/1/environ)" >&2',
        `( while :; do read -t 1 x < <(:) || : ${mark}; done ) &`,
        // The proxy is the way out; what the builder reads through it is the declared content.
        "address=$" + "{http_proxy#http://}",
        'exec 3<>"/dev/tcp/$' + "{address%:*}/$" + '{address#*:}"',
        `printf 'GET ${origin.url}/ok/inside HTTP/1.0\\r\\n\\r\\n' >&3`,
        "while IFS= read -r line <&3; do line=$" + "{line%$'\\r'}; [ -z \"$line\" ] && break; done",
        'IFS= read -r line <&3; echo "$line" > $out',
        "exit 0",
      ].join("\n");
      repository = makeRepository(SET_FILES, {
        [packagePath("inside")]:
          `{ mkPackage }:\nmkPackage {\n  name = "inside-1";\n  src = derivation {\n    name = "inside";\n    system = builtins.currentSystem;\n    builder = ./bash;\n    args = [ ./fetch.sh ];\n    url = "${origin.url}/ok/inside";\n    outputHash = "${sri(contentOf("inside"))}";\n    outputHashAlgo = "sha256";\n  };\n}\n`,
        [packagePath("inside").replace("package.nix", "bash")]: await readFile(STATIC_SHELL),
        [packagePath("inside").replace("package.nix", "fetch.sh")]: script,
      });
      repository.git("update-index", "--chmod=+x", packagePath("inside").replace("package.nix", "bash"));
      repository.git("commit", "--amend", "--quiet", "--no-edit");
      const { verdicts } = await verify({
        sandbox: true,
        acceptNix: "the test's own builder",
        environment: { PATH: process.env.PATH, CANARY: mark },
      });
      expect(verdicts).toMatchObject([{ attrs: ["inside.src"], outcome: "match", opaque: true }]);
      expect(existsSync(file)).toBe(false);
      expect(JSON.stringify(verdicts)).not.toMatch(/SEES-THE-MACHINE/);
      expect(await processesWith(mark)).toEqual([]);
    });
  }

  test("each location of a list is fetched when asked to", async () => {
    const many = (urls: readonly string[]) =>
      `{ mkPackage, shell }:\nmkPackage {\n  name = "many-1";\n  src = derivation {\n    name = "many";\n    system = "builtin";\n    builder = "builtin:fetchurl";\n    urls = [ ${urls.map((url) => `"${origin.url}${url}"`).join(" ")} ];\n    url = "${origin.url}${urls[0]}";\n    outputHash = "${sri(contentOf("many"))}";\n    outputHashAlgo = "sha256";\n    outputHashMode = "flat";\n  };\n}\n`;
    repository = makeRepository(SET_FILES, {
      [packagePath("many")]: many(["/404/x", "/ok/many", "/ok/other"]),
    });
    expect((await verify()).verdicts).toMatchObject([{ outcome: "match" }]);
    const each = await verify({ everyUrl: true });
    expect(each.verdicts).toMatchObject([
      { outcome: "mismatch", reason: expect.stringContaining("/ok/other") },
    ]);
    expect(origin.hits("/ok/other")).toBe(2);
  });
});
