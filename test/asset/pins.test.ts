import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { dirname } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { joinComparisons } from "../../src/asset/evidence.ts";
import { comparePins, forgeRelease, type PinOptions } from "../../src/asset/pins.ts";
import { RELEASE_DEFAULTS } from "../../src/asset/release.ts";
import type { Finding, PinChange, Review } from "../../src/report/review.ts";
import { type GitServer, startGitServer } from "../support/git-server.ts";
import { MADE, makeRelease, PLANTED, type TestRelease } from "../support/releases.ts";
import { finding, reviewOf } from "../support/reviews.ts";

let release: TestRelease;
let server: GitServer;
const archives: Record<string, Buffer> = {};

beforeAll(async () => {
  release = makeRelease();
  const write = (name: string, file: string) => {
    archives[`/acme/frob/releases/download/v1.0/${name}.tar.gz`] = readFileSync(file);
  };
  write("honest", release.archive(MADE));
  write("planted", release.archive({ ...MADE, ...PLANTED }));
  write("more", release.archive({ ...MADE, "src/more.c": "int x;\n" }));
  write("odd", release.archive(MADE, [{ path: "frob-1.0/x", type: "1", link: "README" }]));
  server = await startGitServer(dirname(release.repository.directory), archives);
});
afterAll(async () => {
  await server.close();
  release.remove();
});

function urlOf(name: string): string {
  return `http://${server.host}/acme/frob/releases/download/v1.0/${name}.tar.gz`;
}

function sri(name: string): string {
  const bytes = archives[new URL(urlOf(name)).pathname] ?? "";
  return `sha256-${createHash("sha256").update(bytes).digest("base64")}`;
}

function pinOf(name: string, changes: { hash?: string; fetcher?: string } = {}): PinChange {
  const { hash = sri(name), fetcher = "fetchurl" } = changes;
  return {
    path: "frob.nix",
    binding: "src",
    fetcher,
    attrs: ["frob"],
    change: "added",
    before: null,
    after: {
      path: "frob.nix",
      line: 7,
      version: "1.0",
      urls: [urlOf(name)],
      rev: null,
      hash,
      resolved: true,
    },
  };
}

function staticFinding(name: string): Finding {
  const place = { path: "frob.nix", startLine: 7, endLine: 7 };
  return finding({ rule: "release-asset-instead-of-git", ...place, after: urlOf(name) });
}

async function reviewed(pin: PinChange, findings: readonly Finding[], most = 20): Promise<Review> {
  const options: PinOptions = {
    ...RELEASE_DEFAULTS,
    allowedHosts: [server.host],
    most,
    // What `forgeRelease` says of the same path on a forge, with the server in its place.
    releaseOf(url) {
      const found = forgeRelease(url.replace(`http://${server.host}`, "https://github.com"));
      return found && { ...found, asset: url, repository: `http://${server.host}/repository/.git` };
    },
  };
  const review = reviewOf({ findings, sources: [pin] });
  return joinComparisons(review, await comparePins(review.sources, options), () => null);
}

describe("a finding about an archive in place of the repository", () => {
  test("is lowered by a comparison of the pinned bytes that leaves nothing to read", async () => {
    const { findings, complete } = await reviewed(pinOf("honest"), [staticFinding("honest")]);
    expect(complete).toBe(true);
    expect(findings).toHaveLength(1);
    expect(findings[0]).toMatchObject({ severity: "low", evidence: ["static", "forge"] });
    expect(findings[0]?.message).toMatch(/Compared with the tag v1\.0: the archive has no build file/);
  });

  test("is raised by what hides something, and names it first", async () => {
    const { findings } = await reviewed(pinOf("planted"), [staticFinding("planted")]);
    expect(findings).toHaveLength(1);
    expect(findings[0]?.severity).toBe("block");
    expect(findings[0]?.message).toMatch(
      /3 files of the archive have to be read .*: m4\/build-to-host\.m4 \(/,
    );
  });

  test("stays for a source that only the archive has", async () => {
    const { findings } = await reviewed(pinOf("more"), [staticFinding("more")]);
    expect(findings[0]).toMatchObject({ severity: "high", evidence: ["static", "forge"] });
    expect(findings[0]?.message).toContain("src/more.c");
  });

  test.each([
    [
      "the archive is not the pinned one",
      () => pinOf("honest", { hash: sri("more") }),
      /is not what is pinned/,
    ],
    ["there is none", () => pinOf("gone"), /HTTP 404/],
  ])("is never lowered when %s", async (_, pin, reason) => {
    const change = pin();
    const name = change.after?.urls[0]?.includes("gone") ? "gone" : "honest";
    const { findings, complete, unchecked } = await reviewed(change, [staticFinding(name)]);
    expect(findings[0]).toMatchObject({ severity: "high", evidence: ["static"] });
    expect(findings[0]?.message).toMatch(reason);
    expect(complete).toBe(false);
    expect(unchecked).toEqual([{ what: "frob.nix:7", reason: expect.stringMatching(reason) }]);
  });

  test("is not lowered when a part could not be compared, or the hash is of other bytes", async () => {
    const odd = await reviewed(pinOf("odd"), [staticFinding("odd")]);
    expect(odd.findings[0]).toMatchObject({ severity: "high" });
    expect(odd.complete).toBe(false);
    const unpacked = await reviewed(pinOf("honest", { fetcher: "fetchzip" }), [staticFinding("honest")]);
    expect(unpacked.findings[0]).toMatchObject({ severity: "high" });
    expect(unpacked.findings[0]?.message).toContain("the hash is of the unpacked files");
  });
});

describe("a pin that was an archive before", () => {
  test("gets a finding for what hides something, and none for an honest archive", async () => {
    const { findings } = await reviewed(pinOf("planted"), []);
    expect(findings).toHaveLength(1);
    expect(findings[0]).toMatchObject({
      rule: "release-asset-instead-of-git",
      severity: "high",
      title: "frob: the uploaded archive has m4/build-to-host.m4, which its tag does not have so",
    });
    expect((await reviewed(pinOf("honest"), [])).findings).toEqual([]);
  });

  test("beyond the budget is told", async () => {
    const { unchecked } = await reviewed(pinOf("honest"), [], 0);
    expect(unchecked).toEqual([{ what: "frob.nix:7", reason: expect.stringContaining("compared already") }]);
  });
});

test.each([
  [
    "https://github.com/tukaani-project/xz/releases/download/v5.6.0/xz-5.6.0.tar.xz",
    { repository: "https://github.com/tukaani-project/xz", tag: "v5.6.0" },
  ],
  [
    "https://codeberg.org/acme/frob/releases/download/frob%2F1.0/frob.tgz",
    { repository: "https://codeberg.org/acme/frob", tag: "frob/1.0" },
  ],
  ["https://github.com/acme/frob/archive/v1.tar.gz", null],
  ["https://github.com/acme/frob/releases/latest/download/frob.tar.gz", null],
  ["https://github.com/acme/frob/releases/download/v1/frob-x86_64-linux.tar.gz", null],
  ["https://github.com/acme/frob/releases/download/v1/frob.AppImage", null],
  ["https://example.org/frob/releases/download/v1/frob.tar.gz", null],
])("%s is an archive of %j", (url, expected) => {
  expect(forgeRelease(url)).toEqual(expected && { asset: url, ...expected });
});
