// Needs: nix
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openRepository } from "../../src/change/repository.ts";
import { chooseCanaries } from "../../src/ledger/canaries.ts";
import { updateIndex } from "../../src/ledger/update-index.ts";
import { makeRepository, type TestRepository } from "../support/repository.ts";
import { contentOf, type Origin, startOrigin } from "./support/origin.ts";
import {
  FETCHERS,
  type FetcherKind,
  hashFor,
  packageNix,
  packagePath,
  SET_FILES,
} from "./support/packages.ts";
import { type IsolatedStore, isolatedStore, NIXES, verifyLast } from "./support/verification.ts";

const fetchersPath = "pkgs/build-support/fetchers.nix";
const FETCHERS_NIX = String(SET_FILES[fetchersPath]);

function packageOf(origin: string, fetcher: FetcherKind, name: string, path = `/ok/${name}`) {
  const hash = hashFor(fetcher, contentOf(name));
  return { [packagePath(name)]: packageNix(name, "1", fetcher, { url: `${origin}${path}`, hash }) };
}

async function canariesOf(repository: TestRepository, seed: string, size = 20) {
  const opened = await openRepository(repository.directory);
  try {
    const index = await updateIndex(opened, await opened.resolve("HEAD^"), null);
    const files = [{ path: fetchersPath, text: FETCHERS_NIX }];
    return { files: [fetchersPath], seed, pins: chooseCanaries(index, files, new Set(), size, seed) };
  } finally {
    opened.close();
  }
}

describe("the sample", () => {
  it("is of what the fetcher makes, and the same for the same seed", async () => {
    const packages = FETCHERS.flatMap((fetcher) =>
      Array.from({ length: 10 }, (_, n) => packageOf("https://a.example", fetcher, `${fetcher}-${n}`)),
    );
    const repository = makeRepository({ ...SET_FILES, ...Object.assign({}, ...packages) }, {});
    const opened = await openRepository(repository.directory);
    const index = await updateIndex(opened, await opened.resolve("HEAD"), null);
    opened.close();
    repository.remove();
    const choose = (text: string, seed: string, path = "pkgs/build-support/fetchers.nix", left = "") =>
      chooseCanaries(index, [{ path, text }], new Set([left]), 8, seed).map(
        (pin) => pin.path.split("/")[3] ?? "",
      );
    const first = choose("rec { shell = { url }: url; }", "a");
    expect(first).toHaveLength(8);
    expect(first.filter((name) => !name.startsWith("shell-"))).toEqual([]);
    expect(choose("rec { shell = { url }: url; }", "a")).toEqual(first);
    expect(choose("rec { shell = { url }: url; }", "b")).not.toEqual(first);
    const [one = ""] = first;
    expect(choose("rec { shell = { url }: url; }", "a", undefined, packagePath(one))).not.toContain(one);
    // A list of mirrors is in all of them.
    const all = choose("{ }", "a", "pkgs/build-support/fetchurl/mirrors.nix");
    expect(new Set(all.map((name) => name.split("-")[0])).size).toBeGreaterThan(1);
  });
});

describe.each(NIXES)("canaries, $label", ({ bin }) => {
  let origin: Origin;
  let store: IsolatedStore;
  beforeAll(async () => {
    [origin, store] = await Promise.all([startOrigin(), isolatedStore()]);
  });
  afterAll(async () => {
    await Promise.all([origin.close(), store.remove()]);
  });

  async function verifyWith(fetchers: string) {
    const repository = makeRepository(
      {
        ...SET_FILES,
        ...packageOf(origin.url, "builtin", "plain"),
        ...packageOf(origin.url, "shell", "scripted"),
        ...packageOf(origin.url, "recursive", "folder"),
        ...packageOf(origin.url, "shell", "dead", "/404/dead"),
        ...packageOf(origin.url, "recursive", "stale", "/ok/other"),
      },
      { [fetchersPath]: fetchers },
    );
    try {
      const { verdicts } = await verifyLast(repository, {
        environment: store.environment,
        nix: { bin, substituters: [], trustedKeys: [], allowedUris: [] },
        sandbox: false,
        allowedHosts: [origin.host],
        canaries: await canariesOf(repository, "seed-1"),
      });
      return Object.fromEntries(verdicts.map((verdict) => [verdict.neededBy[0], verdict]));
    } finally {
      repository.remove();
    }
  }

  it("gives the same bytes with a definition that fetches alike", async () => {
    const verdicts = await verifyWith(FETCHERS_NIX.replace("--max-redirs 5", "--max-redirs 6"));
    expect(Object.keys(verdicts).sort()).toEqual(["dead", "folder", "scripted", "stale"]);
    expect(verdicts.scripted).toMatchObject({
      outcome: "match",
      introduced: false,
      place: { path: fetchersPath, line: 1 },
      reason: `the same bytes with the old and the new definition (canary of ${fetchersPath}, seed seed-1)`,
    });
    expect(verdicts.folder?.outcome).toBe("match");
    // What was wrong before is not the fetcher's fault.
    expect(verdicts.stale).toMatchObject({ outcome: "mismatch", introduced: false });
    expect(verdicts.dead).toMatchObject({ outcome: "unavailable", introduced: false });
  });

  it("shows a definition that gives other bytes, and one that fetches no more", async () => {
    const verdicts = await verifyWith(
      FETCHERS_NIX.replace('/bin/mkdir "$out"', '/bin/mkdir "$out"; echo more > "$out/more"').replace(
        "for url in $urls",
        "for url in",
      ),
    );
    expect(verdicts.folder).toMatchObject({ outcome: "mismatch", introduced: true });
    expect(verdicts.folder?.reason).toContain("the new definition of its fetcher gives other bytes");
    expect(verdicts.stale).toMatchObject({ outcome: "mismatch", introduced: true });
    expect(verdicts.scripted).toMatchObject({ outcome: "unavailable", introduced: true });
    expect(verdicts.scripted?.reason).toContain("while with the old one it is fetched");
    expect(verdicts.plain).toBeUndefined();
  });

  it("fetches nothing where the definition says the same in other words", async () => {
    const hits = origin.allHits();
    expect(await verifyWith(`# A comment.\n${FETCHERS_NIX}`)).toEqual({});
    expect(origin.allHits()).toBe(hits);
  });
});
