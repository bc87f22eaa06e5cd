// Needs: nix
/** Every way in which a server or a builder can behave, with every kind of fetcher, in one change each. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { FodVerdict } from "../../src/verify/verdict.ts";
import type { Verification } from "../../src/verify/verify.ts";
import { makeRepository, type TestFile, type TestRepository } from "../support/repository.ts";
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

interface Scenario {
  readonly name: string;
  readonly path: string;
  readonly outcome: FodVerdict["outcome"];
  readonly reason: RegExp;
  /** The content that the hash is of; by default what `path` would give when all is well. */
  readonly content?: string;
  readonly more?: string;
  readonly fetchers?: readonly FetcherKind[];
}

/** A builder that fetches the wrong thing and reports that all is well, in each way that Nix might believe. */
const FORGERY = [
  "echo \"error: hash mismatch in fixed-output derivation '/nix/store/x.drv':\" >&2",
  'echo "  specified: $outputHash" >&2',
  'echo "     got:    $outputHash" >&2',
  `echo "@nix {\\\\"action\\\\":\\\\"msg\\\\",\\\\"level\\\\":0,\\\\"raw_msg\\\\":\\\\"hash mismatch in fixed-output derivation '/x.drv':\\\\\\\\n  specified: $outputHash\\\\\\\\n     got:    $outputHash\\\\",\\\\"msg\\\\":\\\\"hash mismatch in fixed-output derivation\\\\"}" >&2`,
].join("; ");

const builders: readonly FetcherKind[] = ["shell", "recursive"];
const SCENARIOS: readonly Scenario[] = [
  { name: "match", path: "/ok/match", outcome: "match", reason: /^fetched again from 127\.0\.0\.1$/ },
  {
    name: "wrong-hash",
    path: "/ok/wrong",
    content: "something else",
    outcome: "mismatch",
    reason: /2 fetches gave the same/,
  },
  { name: "html-page", path: "/html/page", content: "a tarball", outcome: "mismatch", reason: /HTML page/ },
  { name: "http-404", path: "/404/x", outcome: "unavailable", reason: /^gone: HTTP 404/ },
  { name: "http-410", path: "/410/x", outcome: "unavailable", reason: /^gone: HTTP 410/ },
  {
    name: "redirect",
    path: "/redirect/there",
    content: contentOf("there"),
    outcome: "match",
    reason: /^fetched again/,
  },
  { name: "redirect-loop", path: "/loop/x", outcome: "unavailable", reason: /^unreachable: redirects/ },
  { name: "redirect-404", path: "/redirect-404/x", outcome: "unavailable", reason: /^gone: HTTP 404/ },
  { name: "http-403", path: "/403/x", outcome: "unavailable", reason: /^access denied: HTTP 403/ },
  { name: "http-429", path: "/429/x", outcome: "unavailable", reason: /^unreachable: HTTP 429/ },
  { name: "http-500", path: "/500/x", outcome: "unavailable", reason: /^unreachable: HTTP 500/ },
  { name: "truncated", path: "/truncated/x", outcome: "unavailable", reason: /^unreachable: / },
  { name: "hanging", path: "/hang/x", outcome: "unavailable", reason: /^unreachable: / },
  { name: "stalling", path: "/stall/x", outcome: "unavailable", reason: /^unreachable: / },
  {
    name: "alternating",
    path: "/alternate/x",
    content: "answer 3",
    outcome: "unstable",
    reason: /content varies/,
  },
  {
    name: "flaky",
    path: "/flaky/once",
    content: contentOf("once"),
    outcome: "match",
    reason: /^fetched again/,
  },
  {
    name: "builder-fails",
    path: "/404/builder",
    more: 'script = "echo my own failure >&2; exit 3";',
    // What it printed is not HTTP's: it fails before it fetches.
    outcome: "unavailable",
    reason: /^gone: HTTP 404/,
    fetchers: builders,
  },
  {
    name: "builder-fails-later",
    path: "/ok/later",
    more: 'script = "echo my own failure >&2; exit 3";',
    outcome: "unavailable",
    reason: /^its builder failed: my own failure/,
    fetchers: builders,
  },
  {
    name: "foreign-system",
    path: "/ok/foreign",
    more: 'system = "armv6l-linux";',
    outcome: "unsupported",
    reason: /armv6l-linux/,
    fetchers: builders,
  },
  {
    name: "forging",
    path: "/ok/forged",
    content: "what it pretends to be",
    more: `script = ''${FORGERY}'';`,
    outcome: "mismatch",
    reason: /another hash than declared/,
    fetchers: builders,
  },
];

const CASES = SCENARIOS.flatMap((scenario) =>
  (scenario.fetchers ?? FETCHERS).map((fetcher) => ({
    ...scenario,
    fetcher,
    attr: `${scenario.name}-${fetcher}`,
  })),
);

/**
 * With a second Nix, what that Nix says and does itself: its own fetcher, whether a hash fits, and a builder that forges. What
 * becomes of a builder's own words was seen with the first.
 */
const AGAIN = CASES.filter(
  ({ name, fetcher, fetchers }) =>
    fetcher === "builtin" ||
    ["match", "wrong-hash", "forging"].includes(name) ||
    (fetchers !== undefined && fetcher === "shell"),
);

const RUNS = NIXES.map((nix, index) => ({ ...nix, cases: index === 0 ? CASES : AGAIN }));
describe.each(RUNS)("$label", ({ bin, cases }) => {
  let origin: Origin;
  let store: IsolatedStore;
  let repository: TestRepository;
  let verification: Verification;

  beforeAll(async () => {
    [origin, store] = await Promise.all([startOrigin(), isolatedStore()]);
    const files: Record<string, TestFile> = {};
    for (const { attr, fetcher, path, content, more = "" } of cases) {
      // Servers that count answer each fetcher anew.
      const url = `${origin.url}${path}${/flaky|alternate/.test(path) ? `?${fetcher}` : ""}`;
      const expected = content ?? contentOf(path.split("/")[2] ?? "");
      files[packagePath(attr)] = packageNix(attr, "1", fetcher, {
        url,
        hash: hashFor(fetcher, expected),
        more,
      });
    }
    repository = makeRepository(SET_FILES, files);
    verification = await verifyLast(repository, {
      environment: store.environment,
      nix: { bin, substituters: [], trustedKeys: [], allowedUris: [] },
      sandbox: false,
      allowedHosts: [origin.host],
      parallel: 16,
      perHost: 16,
    });
  }, 120_000);
  afterAll(async () => {
    repository.remove();
    await Promise.all([origin.close(), store.remove()]);
  });

  test("everything was checked", () => {
    expect(verification.unchecked).toEqual([]);
    expect(verification.verdicts).toHaveLength(cases.length);
  });

  test.each(cases)("$name by $fetcher: $outcome", ({ attr, outcome, reason }) => {
    const verdict = verification.verdicts.find(({ attrs }) => attrs.includes(`${attr}.src`));
    expect(verdict).toMatchObject({ outcome, reason: expect.stringMatching(reason) });
  });

  test("forged reports are counted", () => {
    const counts = verification.verdicts.map(({ attrs, forgedReports }) => [
      attrs[0]?.startsWith("forging"),
      forgedReports > 0,
    ]);
    for (const [forging, counted] of counts) expect(counted).toBe(forging);
  });
});
