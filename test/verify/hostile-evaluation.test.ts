// Needs: nix
/** Code of the change that tries to read, to reach out, to run something, or to exhaust the machine while it is evaluated. */
import { existsSync } from "node:fs";
import { rm, writeFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Verification } from "../../src/verify/verify.ts";
import { makeRepository, type TestFile, type TestRepository } from "../support/repository.ts";
import { contentOf, type Origin, sri, startOrigin } from "./support/origin.ts";
import { packageNix, packagePath, SET_FILES } from "./support/packages.ts";
import { type IsolatedStore, isolatedStore, NIXES, verifyLast } from "./support/verification.ts";

const CANARY = "canary-7f3a9c51";

describe.each(NIXES)("$label", ({ bin }) => {
  let origin: Origin;
  let store: IsolatedStore;
  let repository: TestRepository;
  let verification: Verification;
  let outside: string;
  let ran: string;
  let seconds: number;

  beforeAll(async () => {
    [origin, store] = await Promise.all([startOrigin(), isolatedStore()]);
    outside = `${store.directory}/../outside-${CANARY}`;
    ran = `${store.directory}/../ran`;
    await writeFile(outside, CANARY);
    const leak = (expression: string) =>
      `{ mkPackage }:\nmkPackage { name = "leak"; text = ${expression}; }\n`;
    const attempts: Record<string, string> = {
      readabsolute: leak(`builtins.readFile "${outside}"`),
      readpath: leak(`builtins.readFile ${outside}`),
      copypath: leak(`"\${/. + "${outside}"}"`),
      readdir: leak(`toString (builtins.attrNames (builtins.readDir "${store.directory}/.."))`),
      readproc: leak("builtins.readFile /proc/self/environ"),
      readup: leak("builtins.readFile ../../../../../../conf/x"),
      readlink: leak("builtins.readFile ./link"),
      getenv: leak('builtins.getEnv "CANARY"'),
      nixpath: leak("builtins.readFile <nixpkgs/../../../../etc/passwd>"),
      hashfile: leak(`builtins.hashFile "sha256" "${outside}"`),
      builtinfetch: leak(`builtins.readFile (builtins.fetchurl "${origin.url}/ok/exfiltrate")`),
      tarball: leak(`toString (builtins.fetchTarball "${origin.url}/ok/exfiltrate")`),
      tarballhash: leak(
        `toString (builtins.fetchTarball { url = "${origin.url}/ok/exfiltrate"; sha256 = "${sri("x")}"; })`,
      ),
      fetchgit: leak(`toString (builtins.fetchGit "${origin.url}/ok/exfiltrate")`),
      getflake: leak(`toString (builtins.getFlake "${origin.url}/ok/exfiltrate")`),
      exec: leak(`builtins.exec [ "/bin/sh" "-c" "echo > ${ran}" ]`),
      importnative: leak('builtins.importNative ./x.so "x"'),
      storepath: leak(
        'builtins.readFile (builtins.storePath "/nix/store/00000000000000000000000000000000-x")',
      ),
      ifd: leak(
        `builtins.readFile (derivation { name = "ifd"; system = builtins.currentSystem; builder = "/bin/sh"; args = [ "-c" "echo > ${ran}; echo > $out; exit 0" ]; })`,
      ),
      importifd: leak(
        `import (derivation { name = "ifd"; system = builtins.currentSystem; builder = "/bin/sh"; args = [ "-c" "echo > ${ran}; echo 1 > $out; exit 0" ]; })`,
      ),
      recursion: leak("let f = n: [ n ] ++ f (n + 1); in toString (f 0)"),
      biglist: leak("toString (builtins.length (builtins.genList (x: x) 4000000000))"),
      loop: leak("let x = x; in x"),
      regex: leak(`toString (builtins.match "(a*)*b" "${"a".repeat(40)}c")`),
      abort: leak('abort "stop"'),
      notthere: leak(`throw "\\nerror: attribute 'notthere' in selection path 'notthere' not found"`),
      nottraced: leak(`builtins.trace "\\nerror: attribute 'x' in selection path 'x' not found" (throw "x")`),
      nostore: `{ mkPackage }:\n{ type = "derivation"; name = "x"; outPath = "/x"; drvPath = "/x/y.drv"; }\n`,
      flood: leak('builtins.foldl\' (a: n: builtins.trace "flood" a) "x" (builtins.genList (x: x) 300000)'),
    };
    const files: Record<string, TestFile> = Object.fromEntries(
      Object.entries(attempts).map(([name, text]) => [packagePath(name), text]),
    );
    files[packagePath("readlink").replace("package.nix", "link")] = { symlink: outside };
    files[packagePath("honest")] = packageNix("honest", "1", "builtin", {
      url: `${origin.url}/ok/honest`,
      hash: sri(contentOf("honest")),
    });
    repository = makeRepository(SET_FILES, files);
    const started = performance.now();
    verification = await verifyLast(repository, {
      environment: { ...store.environment, CANARY, NIX_PATH: `nixpkgs=${store.directory}` },
      nix: { bin, substituters: [], trustedKeys: [], allowedUris: [] },
      sandbox: false,
      allowedHosts: [origin.host],
      evaluation: { seconds: 4, memory: 1_500_000_000, parallel: 4, totalSeconds: 600 },
    });
    seconds = (performance.now() - started) / 1000;
  }, 120_000);
  afterAll(async () => {
    repository.remove();
    await Promise.all([origin.close(), rm(outside, { force: true }), store.remove()]);
  });

  test("the honest package beside is verified, in bounded time", () => {
    expect(verification.verdicts).toMatchObject([{ attrs: ["honest.src"], outcome: "match" }]);
    expect(seconds).toBeLessThan(60);
  });

  test("nothing of the machine is in the result, which stays small", () => {
    const report = JSON.stringify(verification).replaceAll(`outside-${CANARY}`, "outside");
    expect(report).not.toContain(CANARY);
    expect(report).not.toContain("root:x:0");
    expect(report.length).toBeLessThan(64_000);
  });

  test("nothing was fetched by evaluation, and nothing was run", () => {
    expect(origin.hits("/ok/exfiltrate")).toBe(0);
    expect(existsSync(ran)).toBe(false);
  });

  test("what is printed does not make an attribute one that is not there", () => {
    expect(verification.unchecked.filter(({ reason }) => reason === "no such attribute")).toEqual([]);
    for (const name of ["notthere", "nottraced"])
      expect(verification.unchecked).toContainEqual({
        what: expect.stringContaining(name),
        reason: expect.stringMatching(/unmapped: .*not found|unmapped: .*x/),
      });
  });

  test("each attempt is not checked, or evaluates to nothing", () => {
    // `getEnv` gives "" in restricted mode. A flood of traces is cut, by its size or by the time that it takes.
    const evaluated = verification.evaluated.map(({ attr }) => attr).filter((attr) => attr !== "flood");
    expect(evaluated).toEqual(["getenv", "honest"]);
    const missing = verification.unchecked.map(({ what }) => what);
    expect(missing).toContain(packagePath("ifd"));
    expect(missing).toContain(packagePath("recursion"));
    expect(missing).toContain(packagePath("readabsolute"));
  });
});
