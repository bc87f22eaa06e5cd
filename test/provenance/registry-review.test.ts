/** `verifod review --ask` of pins of package registries, which answer on loopback. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Review } from "../../src/report/review.ts";
import { verifod } from "../support/cli.ts";
import { type FakeRegistries, sriOf, startFakeRegistries } from "../support/registries.ts";
import { makeRepository, type TestRepository } from "../support/repository.ts";

const path = "pkgs/by-name/fr/frob/package.nix";
const recipe = (version: string, hash: string) => `{ stdenv, fetchPypi }:
stdenv.mkDerivation (finalAttrs: {
  pname = "frob";
  version = "${version}";
  src = fetchPypi {
    inherit (finalAttrs) pname version;
    hash = "${hash}";
  };
})
`;

let packages: TestRepository;
let fake: FakeRegistries;

beforeEach(async () => {
  packages = makeRepository({ [path]: recipe("1.0", sriOf("the old sdist")) });
  fake = await startFakeRegistries();
  fake.versions.set("PyPI frob 1.0", { files: { "frob-1.0.tar.gz": "the old sdist" } });
  fake.versions.set("PyPI frob 2.0", { files: { "frob-2.0.tar.gz": "the sdist" } });
});
afterEach(async () => {
  await fake.close();
  packages.remove();
});

function run(...args: string[]) {
  return verifod(["review", ...args], {
    cwd: packages.directory,
    // There is no GitHub: nothing in these changes is to be asked there.
    env: { GITHUB_TOKEN: "x", VERIFOD_GITHUB_API: "http://127.0.0.1:9", VERIFOD_REGISTRIES: fake.url },
  });
}

async function reviewed(hash: string) {
  packages.commit({ [path]: recipe("2.0", hash) });
  const { stdout, stderr, status } = await run("--ask", "--format", "json");
  if (stdout === "") throw new Error(stderr);
  const review: Review = JSON.parse(stdout);
  return { review, status, rules: review.findings.map(({ rule, severity }) => `${rule} ${severity}`) };
}

describe("a pin of a registry", () => {
  it("is shown with its publication and the registry's checksum", async () => {
    const { review, status, rules } = await reviewed(sriOf("the sdist"));
    expect({ status, rules }).toEqual({ status: 0, rules: [] });
    expect(review.sources[0]?.upstream).toEqual({
      project: "PyPI frob",
      commit: null,
      published: "2020-01-01T00:00:00.000Z",
      publisher: null,
      compare: null,
      checksum: { kind: "agrees", registry: sriOf("the sdist") },
      unknown: [],
    });
    expect(review.provenance).toEqual({ requests: 2, unanswered: [] });
    expect(fake.requests).toEqual(["/PyPI/frob/2.0/json", "/PyPI/frob/1.0/json"]);
    expect((await run("--ask")).stdout).toContain("the registry has the same checksum");
  });

  it("with another hash than the registry's blocks", async () => {
    const { review, status, rules } = await reviewed(sriOf("something else"));
    expect({ status, rules }).toEqual({ status: 1, rules: ["registry-checksum-mismatch block"] });
    expect(review.findings[0]).toMatchObject({
      before: sriOf("something else"),
      after: sriOf("the sdist"),
      evidence: ["static", "forge"],
    });
  });

  it("of a version that was yanked says so, with the reason", async () => {
    fake.versions.set("PyPI frob 2.0", {
      files: { "frob-2.0.tar.gz": "the sdist" },
      yanked: "steals tokens",
    });
    const { review, rules } = await reviewed(sriOf("the sdist"));
    expect(rules).toEqual(["fresh-upstream-release medium"]);
    expect(review.findings[0]?.message).toContain("steals tokens");
    expect(review.sources[0]?.upstream?.withdrawn).toEqual({ kind: "yanked", reason: "steals tokens" });
  });

  it("of a version that is not there says so", async () => {
    fake.versions.delete("PyPI frob 2.0");
    const { review, rules } = await reviewed(sriOf("the sdist"));
    expect(rules).toEqual(["fresh-upstream-release medium"]);
    expect(review.sources[0]?.upstream).toMatchObject({
      published: null,
      missing: ["the version in the registry"],
    });
  });

  it("that is not answered leaves the review incomplete", async () => {
    fake.failWhen = () => ({ status: 503 });
    const { review, status, rules } = await reviewed(sriOf("something else"));
    expect({ status, rules, complete: review.complete }).toEqual({ status: 3, rules: [], complete: false });
    expect(review.unchecked).toEqual([
      {
        what: path,
        reason: expect.stringMatching(/^registry-checksum-mismatch: .*PyPI answered with status 503/),
      },
    ]);
    expect(review.provenance?.unanswered[0]?.reason).toContain("503");
  });
});

it("asks nobody unless it is told to", async () => {
  packages.commit({ [path]: recipe("2.0", sriOf("something else")) });
  expect((await run()).status).toBe(0);
  expect((await run("--offline")).status).toBe(0);
  expect((await run("--offline", "--ask")).status).toBe(2);
  expect(fake.requests).toEqual([]);
});
