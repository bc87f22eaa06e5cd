/** Package registries as they are asked, on loopback. */
import { gzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createBudget } from "../../src/provenance/budget.ts";
import { createMemory, type Learnt } from "../../src/provenance/memory.ts";
import { openRegistries } from "../../src/provenance/registries/open.ts";
import type { PackageFile } from "../../src/provenance/registries/packages.ts";
import {
  type FakeRegistries,
  type RegistryFault,
  sriOf,
  startFakeRegistries,
} from "../support/registries.ts";

let fake: FakeRegistries;
beforeEach(async () => {
  fake = await startFakeRegistries();
});
afterEach(() => fake.close());

function open({
  requests = 20,
  seconds = 20,
  patience = 10_000,
  learnt,
}: {
  requests?: number;
  seconds?: number;
  patience?: number;
  learnt?: Learnt;
} = {}) {
  const budget = createBudget(requests, seconds);
  return openRegistries({ budget, base: fake.url, patience, ...(learnt && { learnt }) });
}

function file(
  registry: PackageFile["registry"],
  name: string,
  version: string,
  more: Partial<PackageFile> = {},
) {
  return { registry, name, version, file: null, platform: null, ...more };
}

it("is not asked again within minutes, unless it did not answer", async () => {
  fake.versions.set("PyPI frob 1.0.0", {});
  const learnt = { memory: createMemory(), now: "2026-03-01T00:00:00.000Z" };
  const first = await open({ learnt }).ask(file("PyPI", "frob", "1.0.0"));
  const none = await open({ learnt }).ask(file("PyPI", "frob", "9.0.0"));
  expect({ first, none }).toMatchObject({ first: { known: true }, none: { known: true, value: null } });
  const asked = fake.requests.length;
  expect(await open({ learnt }).ask(file("PyPI", "frob", "1.0.0"))).toEqual(first);
  expect(await open({ learnt }).ask(file("PyPI", "frob", "9.0.0"))).toEqual(none);
  expect(fake.requests).toHaveLength(asked);
  expect(await open({ learnt, requests: 0 }).ask(file("PyPI", "frob", "2.0.0"))).toMatchObject({
    known: false,
  });
  await open({ learnt }).ask(file("PyPI", "frob", "2.0.0"));
  expect(fake.requests.length).toBeGreaterThan(asked);
});

describe("what a registry says of a version", () => {
  it("crates.io", async () => {
    fake.versions.set("crates.io frob 1.0.0+x", {
      bytes: "a crate",
      published: "2026-03-01T10:00:00.123456Z",
    });
    fake.versions.set("crates.io frob 1.1.0", { yanked: "broken" });
    fake.versions.set("crates.io frob 1.2.0", { attested: true });
    const registries = open();
    expect(await registries.ask(file("crates.io", "frob", "1.0.0+x"))).toEqual({
      known: true,
      value: {
        registry: "crates.io",
        name: "frob",
        version: "1.0.0+x",
        published: "2026-03-01T10:00:00.123Z",
        publisher: "ada",
        withdrawn: null,
        attested: false,
        hasFile: true,
        checksums: [sriOf("a crate")],
        repository: "https://github.com/acme/frob",
      },
    });
    expect(fake.requests).toEqual(["/crates.io/crates/frob/1.0.0%2Bx"]);
    expect([...fake.agents].join()).toMatch(/^verifod\/\S+ \(https:\/\/\S+\)$/);
    expect(await registries.ask(file("crates.io", "frob", "1.1.0"))).toMatchObject({
      value: { withdrawn: { kind: "yanked", reason: "broken" } },
    });
    expect(await registries.ask(file("crates.io", "frob", "1.2.0"))).toMatchObject({
      value: { attested: true, publisher: "acme/frob" },
    });
  });

  it("PyPI, of the one file among others, in one request for all of them", async () => {
    fake.versions.set("PyPI frob-lib 1.0", {
      files: { "frob_lib-1.0.tar.gz": "an sdist", "frob_lib-1.0-py3-none-any.whl": "a wheel" },
      published: "2026-03-01T10:00:00.123456Z",
      yanked: "",
    });
    const registries = open();
    const named = (name: string) => registries.ask(file("PyPI", "frob-lib", "1.0", { file: name }));
    const [sdist, wheel, none] = await Promise.all([
      // As an old recipe spells it.
      named("Frob-Lib-1.0.tar.gz"),
      named("frob_lib-1.0-py3-none-any.whl"),
      named("frob_lib-1.0-py2-none-any.whl"),
    ]);
    expect(sdist).toMatchObject({
      value: {
        published: "2026-03-01T10:00:00.123Z",
        withdrawn: { kind: "yanked", reason: null },
        checksums: [sriOf("an sdist"), sriOf("an sdist", "md5")],
        repository: "https://github.com/acme/frob-lib",
      },
    });
    expect(wheel).toMatchObject({
      value: { hasFile: true, checksums: [sriOf("a wheel"), expect.any(String)] },
    });
    expect(none).toMatchObject({ value: { hasFile: false, checksums: [] } });
    expect(fake.requests).toEqual(["/PyPI/frob-lib/1.0/json"]);
  });

  it("npm, of both versions in one request", async () => {
    fake.versions.set("npm @acme/frob 1.0.0", { attested: true });
    fake.versions.set("npm @acme/frob 1.1.0", {
      bytes: "a package",
      published: "2026-03-01T10:00:00.000Z",
      deprecated: "use frob2",
    });
    const registries = open();
    const [before, after, none] = await Promise.all(
      ["1.0.0", "1.1.0", "toString"].map((version) => registries.ask(file("npm", "@acme/frob", version))),
    );
    expect(before).toMatchObject({ value: { attested: true, withdrawn: null } });
    expect(after).toMatchObject({
      value: {
        published: "2026-03-01T10:00:00.000Z",
        publisher: "ada",
        attested: false,
        withdrawn: { kind: "deprecated", reason: "use frob2" },
        checksums: [sriOf("a package", "sha512"), sriOf("a package", "sha1")],
      },
    });
    expect(none).toEqual({ known: true, value: null });
    expect(fake.requests).toEqual(["/npm/@acme%2Ffrob"]);
  });

  it("npm, of a package with a document of tens of megabytes, without the time", async () => {
    fake.versions.set("npm frob 1.0.0", { bytes: "a package" });
    fake.failWhen = (path) =>
      path === "/npm/frob" ? { status: 200, body: JSON.stringify({ readme: "x".repeat(8_000_001) }) } : null;
    expect(await open().ask(file("npm", "frob", "1.0.0"))).toMatchObject({
      known: true,
      value: { published: null, checksums: [sriOf("a package", "sha512"), sriOf("a package", "sha1")] },
    });
    expect(fake.requests).toEqual(["/npm/frob", "/npm/frob/1.0.0"]);
  });

  it("RubyGems, of a platform; what was yanked is not there", async () => {
    fake.versions.set("RubyGems frob 1.0", { bytes: "a gem", published: "2026-03-01T10:00:00.000Z" });
    fake.versions.set("RubyGems frob 1.0 x86_64-linux", { bytes: "a gem for Linux" });
    fake.versions.set("RubyGems frob 1.1", { yanked: "" });
    const registries = open();
    expect(await registries.ask(file("RubyGems", "frob", "1.0"))).toMatchObject({
      value: { published: "2026-03-01T10:00:00.000Z", checksums: [sriOf("a gem")] },
    });
    expect(await registries.ask(file("RubyGems", "frob", "1.0", { platform: "x86_64-linux" }))).toMatchObject(
      { value: { checksums: [sriOf("a gem for Linux")] } },
    );
    expect(await registries.ask(file("RubyGems", "frob", "1.1"))).toEqual({ known: true, value: null });
    expect(fake.requests).toHaveLength(3);
  });

  it("Hex", async () => {
    fake.versions.set("Hex frob 1.0.0", { bytes: "an archive", published: "2026-03-01T10:00:00.123456" });
    fake.versions.set("Hex frob 1.1.0", { yanked: "CVE-2026-1" });
    fake.versions.set("Hex frob 1.2.0", { deprecated: "now frob2" });
    const registries = open();
    const said = await Promise.all(
      ["1.0.0", "1.1.0", "1.2.0"].map((version) => registries.ask(file("Hex", "frob", version))),
    );
    expect(said).toMatchObject([
      {
        value: {
          published: "2026-03-01T10:00:00.123Z",
          publisher: "ada",
          withdrawn: null,
          checksums: [sriOf("an archive")],
        },
      },
      { value: { withdrawn: { kind: "yanked", reason: "security: CVE-2026-1" } } },
      { value: { withdrawn: { kind: "deprecated", reason: "renamed: now frob2" } } },
    ]);
    expect(fake.requests).toHaveLength(3);
  });

  it("Hackage, which tells no checksum", async () => {
    fake.versions.set("Hackage frob-lib 1.0", { deprecated: "" });
    fake.versions.set("Hackage frob-lib 1.1", { published: "2026-03-01T10:00:00Z", publisher: "grace" });
    const registries = open();
    const [before, after, none] = await Promise.all(
      ["1.0", "1.1", "1.2"].map((version) => registries.ask(file("Hackage", "frob-lib", version))),
    );
    expect(before).toMatchObject({ value: { withdrawn: { kind: "deprecated", reason: null } } });
    expect(after).toMatchObject({
      value: { published: "2026-03-01T10:00:00.000Z", publisher: "grace", withdrawn: null, checksums: [] },
    });
    expect(none).toEqual({ known: true, value: null });
    expect(fake.requests).toEqual([
      "/Hackage/frob-lib",
      "/Hackage/frob-lib-1.0/revision/0",
      "/Hackage/frob-lib-1.1/revision/0",
    ]);
  });
});

const ALL = ["crates.io", "PyPI", "npm", "RubyGems", "Hex", "Hackage"] as const;

describe.each(ALL)("%s without an answer", (registry) => {
  it("has no version that it does not know", async () => {
    expect(await open().ask(file(registry, "frob", "1.0"))).toEqual({ known: true, value: null });
    expect(fake.requests).toHaveLength(1);
  });

  // npm is asked in another way once, where the document of all versions is at fault.
  const once = registry === "npm" ? 2 : 1;
  it.each<[string, RegistryFault, RegExp, number]>([
    ["a rate limit", { status: 429, headers: { "retry-after": "3600" } }, /rate limit/, 1],
    ["a refusal", { status: 403 }, /403/, 1],
    ["an error of the server", { status: 500 }, /500/, 2 * once],
    ["a server that is down", { status: 503 }, /503/, 2],
    ["a redirect to elsewhere", { status: 302, headers: { location: "http://127.0.0.1:9/" } }, /302/, once],
    ["a page", { status: 200, body: "<html>" }, /no JSON/, once],
    ["nothing", { status: 200, body: "null" }, /empty/, once],
    [
      "another document",
      { status: 200, body: '{"versions":[],"version":[],"1.0":{}}' },
      /not as expected/,
      once,
    ],
    ["a connection that ends", "cut", /could not be asked/, 2],
  ])("after %s says so", async (_, fault, reason, requests) => {
    fake.failWhen = () => fault;
    expect(await open().ask(file(registry, "frob", "1.0"))).toEqual({
      known: false,
      reason: expect.stringMatching(reason),
    });
    expect(fake.requests).toHaveLength(requests);
  });
});

describe("limits", () => {
  const long = JSON.stringify("x".repeat(4_000_000));
  it.each<[string, RegistryFault]>([
    ["is too long", { status: 200, body: long }],
    [
      "is too long once unpacked",
      { status: 200, headers: { "content-encoding": "gzip" }, body: gzipSync(long) },
    ],
  ])("stops at a document that %s", async (_, fault) => {
    fake.failWhen = () => fault;
    expect(await open().ask(file("PyPI", "frob", "1.0"))).toEqual({
      known: false,
      reason: "PyPI gave an answer of more than 4000000 bytes",
    });
    expect(fake.requests).toHaveLength(1);
  });

  it.each(["silence", "stall"] as const)(
    "gives up on a registry after %s, and asks it no more",
    async (fault) => {
      fake.failWhen = (path) => (path.startsWith("/Hex/") ? fault : null);
      fake.versions.set("PyPI frob 1.0", { files: {} });
      const registries = open({ patience: 100 });
      const [first, second, other] = await Promise.all([
        registries.ask(file("Hex", "frob", "1.0.0")),
        registries.ask(file("Hex", "frob", "1.1.0")),
        registries.ask(file("PyPI", "frob", "1.0")),
      ]);
      expect(first).toEqual({ known: false, reason: "Hex did not answer in time" });
      expect(second).toEqual(first);
      expect(other).toMatchObject({ known: true });
      expect(fake.requests.filter((path) => path.startsWith("/Hex/"))).toHaveLength(1);
    },
  );

  it("keeps to the budget of the review", async () => {
    fake.versions.set("Hex frob 1.0.0", {});
    const registries = open({ requests: 1 });
    const said = await Promise.all(
      ["1.0.0", "1.1.0"].map((version) => registries.ask(file("Hex", "frob", version))),
    );
    expect(said).toMatchObject([{ known: true }, { known: false, reason: /requests for one review/ }]);
    expect(registries.used()).toBe(1);
  });

  it("tells who cannot be reached", async () => {
    await fake.close();
    expect(await open().ask(file("Hex", "frob", "1.0.0"))).toEqual({
      known: false,
      reason: expect.stringMatching(/^Hex could not be asked: .*ECONNREFUSED/),
    });
  });

  it("asks again after an error that passes", async () => {
    fake.versions.set("Hex frob 1.0.0", {});
    let asked = 0;
    fake.failWhen = () => (++asked === 1 ? { status: 502 } : null);
    expect(await open().ask(file("Hex", "frob", "1.0.0"))).toMatchObject({ known: true });
    expect(fake.requests).toHaveLength(2);
  });
});
