import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { changedFods } from "../../src/verify/changed-fods.ts";
import type { Derivation } from "../../src/verify/drv.ts";

function storePath(name: string, ...parts: readonly unknown[]): string {
  const digest = createHash("sha256")
    .update(JSON.stringify([name, parts]))
    .digest("hex")
    .slice(0, 32);
  return `/nix/store/${digest.replace(/[e]/g, "z")}-${name}`;
}

interface Parts {
  readonly env?: Readonly<Record<string, string>>;
  readonly inputs?: readonly Derivation[];
  readonly sources?: readonly string[];
  /** Hex of one digit: the declared hash. */
  readonly hash?: string;
}

/** A derivation named as Nix names them: the path depends on everything, that of a fixed output on name and hash. */
function derivation(name: string, { env = {}, inputs = [], sources = [], hash }: Parts): Derivation {
  const path = storePath(
    `${name}.drv`,
    env,
    inputs.map((input) => input.path),
    sources,
    hash,
  );
  const output = hash === undefined ? storePath(name, path) : storePath(name, hash);
  return {
    path,
    name,
    outputs: new Map([
      ["out", { path: output, algorithm: hash ? "sha256" : "", hash: hash ? hash.repeat(64) : "" }],
    ]),
    inputDerivations: new Map(inputs.map((input) => [input.path, ["out"]])),
    inputSources: sources,
    system: "x86_64-linux",
    builder: "/bin/sh",
    args: [],
    env: new Map(Object.entries({ ...env, name, out: output })),
  };
}

const out = (of: Derivation): string => of.outputs.get("out")?.path ?? "";

function fetched(name: string, url: string, hash: string, curl: Derivation, more: Parts = {}): Derivation {
  return derivation(name, {
    hash,
    inputs: [curl, ...(more.inputs ?? [])],
    env: { urls: url, nativeBuildInputs: out(curl), ...more.env },
    sources: more.sources ?? ["/nix/store/00000000000000000000000000000000-builder.sh"],
  });
}

function packaged(name: string, src: Derivation, more: readonly Derivation[] = []): Derivation {
  return derivation(name, { inputs: [src, ...more], env: { src: out(src) } });
}

/** The closure of one derivation among all. */
function closureOf(root: Derivation, all: readonly Derivation[]): ReadonlyMap<string, Derivation> {
  const closure = new Map<string, Derivation>();
  const visit = (path: string) => {
    const found = all.find((each) => each.path === path);
    if (!found || closure.has(path)) return;
    closure.set(path, found);
    for (const input of found.inputDerivations.keys()) visit(input);
  };
  visit(root.path);
  return closure;
}

function evaluated(attr: string, base: Derivation | null, head: Derivation, all: readonly Derivation[]) {
  const side = (root: Derivation) => ({ root: root.path, closure: closureOf(root, all) });
  return { attr, base: base && side(base), head: side(head) };
}

const curl = derivation("curl-1", {});
const newCurl = derivation("curl-2", {});

function change(before: Derivation, after: Derivation, extra: readonly Derivation[] = []) {
  const [base, head] = [packaged("frob-1", before), packaged("frob-2", after)];
  return changedFods([evaluated("frob", base, head, [curl, newCurl, before, after, base, head, ...extra])]);
}

test.each([
  {
    what: "place and hash new",
    before: fetched("frob-1", "https://x/1", "1", curl),
    after: fetched("frob-2", "https://x/2", "2", curl),
    kind: "changed",
  },
  {
    what: "place kept, hash new",
    before: fetched("a", "https://x/1", "1", curl),
    after: fetched("a", "https://x/1", "2", curl),
    kind: "changed",
  },
  {
    what: "place new, hash kept",
    before: fetched("a", "https://x/1", "1", curl),
    after: fetched("a", "https://y/1", "1", curl),
    kind: "fetch-spec-changed-hash-kept",
  },
  {
    what: "name new, hash kept",
    before: fetched("a-1", "https://x/1", "1", curl),
    after: fetched("a-2", "https://x/2", "1", curl),
    kind: "renamed-hash-kept",
  },
])("$what: $kind", ({ before, after, kind }) => {
  expect(change(before, after)).toMatchObject([
    { change: kind, attrs: ["frob.src"], base: { name: before.name } },
  ]);
});

test("a source that nothing stands for in the base is added", () => {
  const src = fetched("a", "https://x/1", "1", curl);
  const head = packaged("frob-1", src);
  expect(changedFods([evaluated("frob", null, head, [curl, src, head])])).toMatchObject([
    { change: "added", base: null },
  ]);
});

test("other tools are no other fetch: a mass rebuild changes no source", () => {
  const [before, after] = [fetched("a", "https://x/1", "1", curl), fetched("a", "https://x/1", "1", newCurl)];
  expect(before.path).not.toBe(after.path);
  expect(change(before, after)).toEqual([]);
});

test("among rebuilt sources the one that really changed is found", () => {
  const [before, after] = [fetched("a", "https://x/1", "1", curl), fetched("a", "https://x/1", "1", newCurl)];
  const [moved, elsewhere] = [
    fetched("b", "https://x/b", "2", curl),
    fetched("b", "https://evil/b", "2", newCurl),
  ];
  const base = packaged("frob-1", before, [moved]);
  const head = packaged("frob-1", after, [elsewhere]);
  const all = [curl, newCurl, before, after, moved, elsewhere, base, head];
  expect(changedFods([evaluated("frob", base, head, all)]).map(({ derivation: { name } }) => name)).toEqual([
    "b",
  ]);
});

test("a script that the recipe writes is part of the fetch, and so is one from a file", () => {
  const script = (url: string) => derivation("fetch.sh", { env: { text: `curl ${url}` } });
  const [good, evil] = [script("https://good"), script("https://evil")];
  const with_ = (input: Derivation) =>
    fetched("a", "https://x/1", "1", curl, { inputs: [input], env: { fetch: out(input) } });
  expect(change(with_(good), with_(evil), [good, evil])).toMatchObject([
    { change: "fetch-spec-changed-hash-kept" },
  ]);

  const from = (digit: string) =>
    fetched("a", "https://x/1", "1", curl, { sources: [`/nix/store/${digit.repeat(32)}-fetch.sh`] });
  expect(change(from("1"), from("2"))).toMatchObject([{ change: "fetch-spec-changed-hash-kept" }]);
});

test("what a script of scripts of scripts fetches is part of the fetch, however deep", () => {
  const chain = (url: string): Derivation[] => {
    const scripts = [derivation("fetch.sh", { env: { text: `curl ${url}` } })];
    for (let depth = 0; depth < 6; depth += 1) {
      const [inner] = scripts.slice(-1);
      if (inner) scripts.push(derivation("call.sh", { inputs: [inner], env: { text: out(inner) } }));
    }
    return scripts;
  };
  const [good, evil] = [chain("https://good"), chain("https://evil")];
  const with_ = (scripts: readonly Derivation[]) =>
    fetched("a", "https://x/1", "1", curl, { inputs: scripts.slice(-1) });
  expect(change(with_(good), with_(evil), [...good, ...evil])).toMatchObject([
    { change: "fetch-spec-changed-hash-kept" },
  ]);
});

test("scripts that all have all others among their inputs are looked at once", () => {
  const layers: Derivation[][] = [];
  for (let depth = 0; depth < 4; depth += 1) {
    const inputs = layers.at(-1) ?? [];
    layers.push(
      Array.from({ length: 100 }, (_, n) => derivation(`${depth}-${n}`, { inputs, env: { text: "" } })),
    );
  }
  const src = fetched("a", "https://x/1", "1", curl, { inputs: layers.at(-1) ?? [] });
  const head = packaged("frob-1", src);
  const started = performance.now();
  const all = new Map([head, src, curl, ...layers.flat()].map((each) => [each.path, each]));
  const found = changedFods([{ attr: "frob", base: null, head: { root: head.path, closure: all } }]);
  expect(found).toMatchObject([{ change: "added" }]);
  expect(performance.now() - started).toBeLessThan(5_000);
});

test("one source of two attributes is one, with both names; what an attribute takes itself comes first", () => {
  const old = fetched("a", "https://x/1", "1", curl);
  const src = fetched("a", "https://x/2", "2", curl);
  const deep = fetched("deep", "https://x/3", "3", curl);
  const tool = packaged("tool-1", deep);
  const [base, one, two] = [packaged("one-1", old), packaged("one-2", src, [tool]), packaged("two-1", src)];
  const all = [curl, old, src, deep, tool, base, one, two];
  const found = changedFods([evaluated("set.one", base, one, all), evaluated("two", null, two, all)]);
  expect(found.map(({ derivation: { name }, attrs, neededBy }) => [name, attrs, neededBy])).toEqual([
    ["a", ["set.one.src", "two.src"], ["set.one", "two"]],
    ["deep", ["set.one"], ["set.one"]],
  ]);
});
