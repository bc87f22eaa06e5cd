// Needs: nix
/** Changes that hide what they fetch, in the ways that evaluation or a fetch has to uncover. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { VerifyOptions } from "../../src/verify/options.ts";
import { makeRepository, type TestFile, type TestRepository } from "../support/repository.ts";
import { contentOf, type Origin, sri, startOrigin } from "./support/origin.ts";
import { packageNix, packagePath, SET_FILES } from "./support/packages.ts";
import { type IsolatedStore, isolatedStore, NIXES, verifyLast } from "./support/verification.ts";

describe.each(NIXES)("$label", ({ bin }) => {
  let origin: Origin;
  let store: IsolatedStore;
  let repository: TestRepository | undefined;

  beforeEach(async () => {
    [origin, store] = await Promise.all([startOrigin(), isolatedStore()]);
  });
  afterEach(async () => {
    repository?.remove();
    repository = undefined;
    await Promise.all([origin.close(), store.remove()]);
  });

  const commits = (...files: readonly Readonly<Record<string, TestFile>>[]): TestRepository => {
    repository = makeRepository(SET_FILES, ...files);
    return repository;
  };
  const verify = (of: TestRepository, options: Partial<VerifyOptions> = {}) =>
    verifyLast(of, {
      environment: store.environment,
      nix: { bin, substituters: [], trustedKeys: [], allowedUris: [] },
      sandbox: false,
      allowedHosts: [origin.host],
      ...options,
    });
  const frob = (version: string, path: string, content: string, more = "") => ({
    [packagePath("frob")]: packageNix("frob", version, "builtin", {
      url: `${origin.url}${path}`,
      hash: sri(content),
      more,
    }),
  });

  test("the attack in two steps: an evil source cached first, then declared as somebody else's", async () => {
    // Step one: a package of the attacker's own, with the attacker's content. All is as declared.
    const evil = contentOf("evil");
    const steps = commits(frob("1", "/ok/good", contentOf("good"), 'name = "source";'), {
      [packagePath("pet")]: packageNix("pet", "1", "builtin", {
        url: `${origin.url}/ok/evil`,
        hash: sri(evil),
        more: 'name = "source";',
      }),
    });
    expect((await verify(steps)).verdicts).toMatchObject([{ attrs: ["pet.src"], outcome: "match" }]);

    // Step two: the good place with the evil hash; every cache now has it, under the same name.
    steps.commit(frob("2", "/ok/good-2", evil, 'name = "source";'));
    const before = await verify(steps, { refetch: false });
    expect(before.verdicts).toMatchObject([{ name: "source", attrs: ["frob.src"], outcome: "not-checked" }]);
    const after = await verify(steps);
    expect(after.verdicts).toMatchObject([
      {
        name: "source",
        attrs: ["frob.src"],
        outcome: "mismatch",
        declared: sri(evil),
        got: sri(contentOf("good-2")),
      },
    ]);
  });

  test("a location that moves under its old hash is told by name without a fetch", async () => {
    const steps = commits(frob("1", "/ok/good", contentOf("good"), 'name = "source";'));
    steps.commit(frob("2", "/ok/other", contentOf("good"), 'name = "source";'));
    const [evaluated] = (await verify(steps, { refetch: false })).verdicts;
    expect(evaluated).toMatchObject({
      change: "fetch-spec-changed-hash-kept",
      attrs: ["frob.src"],
      outcome: "not-checked",
    });
    expect(evaluated?.reason).toContain("every cache answers with the old content");
    const [fetched] = (await verify(steps)).verdicts;
    expect(fetched).toMatchObject({
      change: "fetch-spec-changed-hash-kept",
      outcome: "mismatch",
      reason: expect.stringContaining("every cache answers"),
    });
    expect(origin.hits("/ok/other")).toBe(2);
  });

  test("attributes that lie about what is built", async () => {
    const good = `builtin { url = "${origin.url}/ok/good"; hash = "${sri(contentOf("good"))}"; }`;
    const evil = `builtin { url = "${origin.url}/ok/evil"; hash = "${sri("not what is there")}"; }`;
    const lying = commits({
      [packagePath("liar")]:
        `{ mkPackage, builtin }:\n(mkPackage { name = "liar-1"; src = ${evil}; }) // { src = ${good}; outputHash = "${sri("x")}"; }\n`,
    });
    const { verdicts } = await verify(lying);
    expect(verdicts).toMatchObject([{ name: "evil", attrs: ["liar.src"], outcome: "mismatch" }]);
  });

  test.each([
    [
      "a set that says it is a derivation",
      '{ type = "derivation"; name = "x"; drvPath = "/nix/store/0000000000000000000000000000000-x.drv"; outPath = "/nix/store/x"; outputName = "out"; }',
    ],
    [
      "a path of a derivation as a text",
      '{ type = "derivation"; name = "x"; drvPath = "relative.drv"; outPath = "x"; }',
    ],
    ["no derivation", '"hello"'],
    ["an error", 'throw "no"'],
  ])("%s is not checked, and nothing breaks", async (_, expression) => {
    const odd = commits({ [packagePath("oddity")]: `{ }:\n${expression}\n` });
    const { verdicts, unchecked } = await verify(odd);
    expect(verdicts).toEqual([]);
    expect(unchecked).toMatchObject([{ what: packagePath("oddity") }]);
  });

  test("hashes that evaluation does not reach are named, each", async () => {
    const path = packagePath("frob");
    const text = packageNix("frob", "1", "builtin", { url: `${origin.url}/ok/a`, hash: sri(contentOf("a")) });
    const hidden = sri("on another system");
    const head = text.replace(
      "mkPackage {",
      `let other = if builtins.currentSystem == "x" then builtin { url = "x"; hash = "${hidden}"; } else null; in mkPackage {`,
    );
    const { verdicts, unchecked } = await verify(commits({ [path]: head }));
    expect(verdicts).toMatchObject([{ outcome: "match" }]);
    expect(unchecked).toEqual([
      { what: `${path}:3`, reason: `the hash ${hidden} is in no evaluated derivation` },
    ]);
  });

  test("files that no attribute reads, and package lists changed beyond names, are not checked", async () => {
    const { unchecked, evaluated } = await verify(
      commits({
        "pkgs/tools/orphan/default.nix": "{ }: { }\n",
        "pkgs/build-support/helper.nix": "{ }\n",
        "pkgs/top-level/all-packages.nix": "{ callPackage }:\nlet x = 1; in\n{\n}\n",
        "README.md": "not code\n",
      }),
    );
    expect(evaluated).toEqual([]);
    expect(unchecked.map(({ what }) => what)).toEqual([
      "pkgs/build-support/helper.nix",
      "pkgs/tools/orphan/default.nix",
      "pkgs/top-level/all-packages.nix",
    ]);
  });

  test("package lists, data files and packages that a list calls lead to their attributes", async () => {
    const lock = "pkgs/tools/wave/lock.json";
    const listed = {
      "pkgs/top-level/all-packages.nix":
        "{ callPackage }:\n{\n  wave = callPackage ../tools/wave { };\n  inherit (callPackage ../tools/pair { }) left right;\n}\n",
      "pkgs/tools/wave/default.nix": `{ mkPackage, builtin }:\nlet lock = builtins.fromJSON (builtins.readFile ./lock.json); in\nmkPackage { name = "wave-1"; src = builtin { inherit (lock) url hash; }; }\n`,
      [lock]: JSON.stringify({ url: `${origin.url}/ok/one`, hash: sri(contentOf("one")) }),
      "pkgs/tools/pair/default.nix": `{ mkPackage }:\n{ left = mkPackage { name = "left"; }; right = mkPackage { name = "right"; }; }\n`,
    };
    const steps = commits(listed);
    const first = await verify(steps);
    expect(first.evaluated.map(({ attr }) => attr)).toEqual(["left", "right", "wave"]);
    expect(first.unchecked).toEqual([]);

    steps.commit({ [lock]: JSON.stringify({ url: `${origin.url}/ok/two`, hash: sri("wrong") }) });
    const second = await verify(steps);
    expect(second.verdicts).toMatchObject([{ attrs: ["wave.src"], outcome: "mismatch" }]);
  });

  test.each([
    ["as declared", contentOf("src"), { "made.src": "match", "made.vendor": "match" }],
    ["not as declared", "another source", { "made.src": "mismatch", "made.vendor": "unavailable" }],
  ])("dependencies that are made from a source that is %s", async (_, content, expected) => {
    const vendor = `${contentOf("src")}${contentOf("crate")}`;
    const made = commits({
      [packagePath("made")]: `{ mkPackage, builtin }:
let
  src = builtin { url = "${origin.url}/ok/src"; hash = "${sri(content)}"; };
  vendor = derivation {
    name = "vendor";
    system = builtins.currentSystem;
    builder = "/bin/sh";
    args = [ "-c" ''
      read -r line < $src
      echo "$line" > $out
      /usr/bin/curl --fail --silent ${origin.url}/ok/crate >> $out || exit 1
      exit 0
    '' ];
    inherit src;
    outputHash = "${sri(vendor)}";
    outputHashAlgo = "sha256";
  };
in
mkPackage { name = "made-1"; inherit src vendor; }
`,
    });
    const { verdicts } = await verify(made);
    expect(Object.fromEntries(verdicts.map(({ attrs, outcome }) => [attrs[0], outcome]))).toEqual(expected);
    const blocked = verdicts.find(({ outcome }) => outcome === "unavailable");
    if (blocked) expect(blocked.reason).toMatch(/^blocked: what it needs cannot be had: hash mismatch/);
  });

  test("a package that is marked as insecure is a pin all the same", async () => {
    const source = `builtin { url = "${origin.url}/ok/old"; hash = "${sri(contentOf("old"))}"; }`;
    const marked = commits({
      [packagePath("old")]:
        `{ mkPackage, builtin, config }:\nif builtins.elem "old-1" (config.permittedInsecurePackages or [ ]) then\n  mkPackage { name = "old-1"; src = ${source}; }\nelse\n  throw "Package ‘old-1’ in package.nix:1 is marked as insecure, refusing to evaluate."\n`,
    });
    expect((await verify(marked)).verdicts).toMatchObject([{ attrs: ["old.src"], outcome: "match" }]);
  });

  test("a fault that the base has already is not this change's", async () => {
    const steps = commits(frob("1", "/ok/x", "wrong before"));
    steps.commit(frob("2", "/ok/y", "wrong still"));
    expect((await verify(steps)).verdicts).toMatchObject([{ outcome: "mismatch", introduced: false }]);
    steps.commit(frob("3", "/ok/z", contentOf("z")));
    steps.commit(frob("4", "/ok/w", "wrong anew"));
    expect((await verify(steps)).verdicts).toMatchObject([{ outcome: "mismatch", introduced: true }]);
  });

  test("what came is named when it is known: the base's content under a new version", async () => {
    const steps = commits(frob("1", "/ok/old", contentOf("old")));
    steps.commit(frob("2", "/ok/old", contentOf("new")));
    const [verdict] = (await verify(steps)).verdicts;
    expect(verdict?.reason).toContain("it is the one that the base has for old");
  });
});
