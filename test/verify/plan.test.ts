import { expect, test } from "vitest";
import type { Repository } from "../../src/change/repository.ts";
import { type Derivation, fixedOutput } from "../../src/verify/drv.ts";
import type { Nix } from "../../src/verify/nix.ts";
import { DEFAULTS } from "../../src/verify/options.ts";
import { planRefetch } from "../../src/verify/plan.ts";
import { refetchAll } from "../../src/verify/refetch-all.ts";

const HEX = "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03";
const SYSTEM = "x86_64-linux";

function fetchurl(
  env: Readonly<Record<string, string>>,
  more: Partial<Derivation> = {},
  algorithm = "sha256",
): Derivation {
  return {
    path: "/nix/store/cmpq0wqgn97iw1rm8n0hf1l4aaarsnmk-a.tar.gz.drv",
    name: "a.tar.gz",
    outputs: new Map([["out", { path: "/nix/store/x-a.tar.gz", algorithm, hash: HEX }]]),
    inputDerivations: new Map([["/nix/store/y-curl.drv", ["out"]]]),
    inputSources: ["/nix/store/z-builder.sh"],
    system: SYSTEM,
    builder: "/nix/store/b-bash/bin/bash",
    args: ["-e", "/nix/store/z-builder.sh"],
    env: new Map(Object.entries({ curlOpts: "", postFetch: "", urls: "https://a.org/a.tar.gz", ...env })),
    ...more,
  };
}

const plan = (derivation: Derivation, mirrors = {}) => planRefetch(derivation, SYSTEM, mirrors, []);

test("a plain fetchurl is fetched by Nix itself: no builder, no inputs, on any system", () => {
  for (const system of [SYSTEM, "aarch64-darwin"]) {
    const made = plan(fetchurl({ urls: "https://a.org/a.tar.gz http://b.org/a.tar.gz" }, { system }));
    expect(made).toMatchObject({ kind: "ways", leftOut: [] });
    expect(
      made.kind === "ways" && made.ways.map(({ via, url, secure, spec }) => [via, url, secure, spec.builder]),
    ).toEqual([
      ["nix", "https://a.org/a.tar.gz", true, "builtin:fetchurl"],
      ["nix", "http://b.org/a.tar.gz", false, "builtin:fetchurl"],
    ]);
    expect(made.kind === "ways" && made.ways.every(({ spec }) => spec.sources.length === 0)).toBe(true);
  }
});

test.each([
  ["a hook", { postFetch: "unpack" }, "sha256"],
  ["options of curl", { curlOpts: "--data x" }, "sha256"],
  ["a list of options", { curlOptsList: "--data x" }, "sha256"],
  ["credentials", { netrcPhase: "x" }, "sha256"],
  ["a folder as output", {}, "r:sha256"],
])("with %s its own builder fetches, told of the way out", (_, env, algorithm) => {
  const made = plan(fetchurl({ ...env, impureEnvVars: "NIX_CURL_FLAGS" }, {}, algorithm));
  expect(made).toMatchObject({ kind: "ways", ways: [{ via: "builder", url: null }] });
  const variables = made.kind === "ways" ? made.ways[0]?.spec.attributes.impureEnvVars : [];
  expect(variables).toEqual(expect.arrayContaining(["NIX_CURL_FLAGS", "http_proxy", "HTTPS_PROXY"]));
});

test("mirrors are those of the base; one that is not known is left to the builder", () => {
  const gnu = fetchurl({ urls: "mirror://gnu/a/a.tar.gz" });
  const known = plan(gnu, { gnu: ["https://one.org/gnu", "https://two.org/gnu/"] });
  expect(known.kind === "ways" && known.ways.map(({ url }) => url)).toEqual([
    "https://one.org/gnu/a/a.tar.gz",
    "https://two.org/gnu/a/a.tar.gz",
  ]);
  expect(plan(gnu)).toMatchObject({ kind: "ways", ways: [{ via: "builder" }] });
  expect(plan(fetchurl({ urls: "mirror://constructor/x" }))).toMatchObject({ ways: [{ via: "builder" }] });
});

test.each([
  ["a builder for another system", { postFetch: "x" }, { system: "aarch64-darwin" }, "unsupported"],
  ["a private place", { urls: "http://10.0.0.1/x" }, {}, "refused"],
  ["a private place for a builder", { postFetch: "x", urls: "http://169.254.169.254/x" }, {}, "refused"],
  ["another scheme", { urls: "ftp://a.org/x" }, {}, "unsupported"],
  ["no place", { urls: "" }, {}, "unsupported"],
])("%s: %s", (_, env, more, kind) => {
  expect(plan(fetchurl(env, more))).toMatchObject({ kind });
});

test("a place that is refused among others is left out, and said", () => {
  const made = plan(fetchurl({ urls: "http://10.0.0.1/x ftp://a.org/x https://a.org/x" }));
  expect(made).toMatchObject({
    kind: "ways",
    ways: [{ url: "https://a.org/x" }],
    leftOut: [expect.stringContaining("private"), expect.stringContaining("ftp")],
  });
});

test("a verdict is on the locations that are declared: a mirror is not taken for what stands behind it", async () => {
  const derivation = fetchurl({ urls: "mirror://gnu/a/a.tar.gz" });
  const output = fixedOutput(derivation);
  if (output === null) throw new Error("no output");
  const fod = {
    change: "added",
    derivation,
    output,
    base: null,
    attrs: ["a.src"],
    neededBy: ["a"],
    place: "a.src",
  } as const;
  const options = { ...DEFAULTS, repository: {} as Repository, refetch: false };
  const mirrors = { gnu: ["https://one.org/gnu/"] };
  // Nothing is fetched: no Nix is needed.
  const verdicts = await refetchAll({} as Nix, [fod], mirrors, options);
  expect(verdicts).toMatchObject([
    { locations: ["mirror://gnu/a/a.tar.gz"], urls: [{ url: "https://one.org/gnu/a/a.tar.gz" }] },
  ]);
});
