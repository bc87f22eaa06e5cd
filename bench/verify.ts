// What verification costs: `npx tsx bench/verify.ts [--tree DIR --attr ATTR [--all FILE]] [--nix DIR]`.
// Without a tree, one of 4,000 packages is made. `--all` names the attributes of the whole set, one a line; a sample of
// them is evaluated, one process each. CPU times are those of the processes, so that a busy machine counts less.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { parseHash } from "../src/nix/hash.ts";
import { attempt, FETCH_LIMITS } from "../src/verify/attempt.ts";
import { changedFods } from "../src/verify/changed-fods.ts";
import { derivationReader } from "../src/verify/closure.ts";
import { EVALUATION_LIMITS, evaluate } from "../src/verify/evaluate.ts";
import { type Nix, openNix } from "../src/verify/nix.ts";
import { DEFAULTS } from "../src/verify/options.ts";
import { schedule } from "../src/verify/schedule.ts";

const RUNS = 5;
const SAMPLE = 40;

export interface VerifyBench {
  readonly nix: string;
  readonly leaf: {
    readonly attr: string;
    readonly instantiate: number;
    readonly targeted: number;
    readonly times: number;
  };
  readonly whole: {
    readonly attributes: number;
    readonly cpuSeconds: number;
    readonly leafCpuSeconds: number;
    readonly times: number;
  };
  readonly refetch: { readonly overheadSeconds: number };
  readonly parallel: {
    readonly fods: number;
    readonly hosts: number;
    readonly seconds: number;
    readonly ideal: number;
  };
}

interface Options {
  readonly tree?: string | undefined;
  readonly attr?: string | undefined;
  readonly all?: string | undefined;
  readonly nix?: string | undefined;
}

/** Measures everything; seconds. */
export async function benchVerify(options: Options = {}): Promise<VerifyBench> {
  const work = mkdtempSync(`${tmpdir()}/verifod-bench-`);
  try {
    const nix = await openNix(work, process.env, true, {
      ...DEFAULTS.nix,
      bin: options.nix,
      substituters: [],
    });
    const roots = `${work}/trees`;
    for (const side of ["base", "head"]) {
      mkdirSync(`${roots}/${side}`, { recursive: true });
      if (options.tree)
        cpSync(options.tree, `${roots}/${side}/source`, { recursive: true, verbatimSymlinks: true });
      else makeSet(`${roots}/${side}/source`, side === "base" ? "1" : "2");
    }
    const attr = options.attr ?? "leaf";
    const names = options.all ? readFileSync(options.all, "utf8").trim().split("\n") : [];
    return {
      nix: nix.version,
      leaf: await leaf(nix, roots, attr),
      whole: whole(nix, roots, attr, names),
      refetch: await refetch(nix),
      parallel: await parallel(nix),
    };
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

async function leaf(nix: Nix, roots: string, attr: string): Promise<VerifyBench["leaf"]> {
  const side = (name: string) =>
    evaluate(
      nix,
      { roots, tree: `${roots}/${name}/source`, entry: "default.nix", attr, system: null },
      EVALUATION_LIMITS,
    );
  const once = async () => {
    const started = performance.now();
    await side("head");
    return performance.now() - started;
  };
  const targeted = async () => {
    const started = performance.now();
    const [base, head] = [await side("base"), await side("head")];
    if (base.kind !== "derivations" || head.kind !== "derivations") {
      throw new Error(`${attr} cannot be evaluated: ${JSON.stringify(head)}`);
    }
    const reader = derivationReader(nix.store.files);
    const closure = (paths: readonly string[]) => ({
      root: paths[0] ?? "",
      closure: reader.closure(paths[0] ?? ""),
    });
    changedFods([{ attr, base: closure(base.paths), head: closure(head.paths) }]);
    return performance.now() - started;
  };
  const least = async (measure: () => Promise<number>) => {
    const times: number[] = [];
    for (let run = 0; run < RUNS; run++) times.push(await measure());
    return Math.min(...times) / 1000;
  };
  await targeted();
  const [instantiate, both] = [await least(once), await least(targeted)];
  return { attr, instantiate, targeted: both, times: both / instantiate };
}

/** CPU of evaluating the whole set on both sides, against that of the attribute alone. */
function whole(nix: Nix, roots: string, attr: string, names: readonly string[]): VerifyBench["whole"] {
  const cpu = (attrs: readonly string[]) => {
    const args = ["-I", `trees=${roots}`, `${roots}/head/source`, ...attrs.flatMap((each) => ["-A", each])];
    const script = 'TIMEFORMAT="%U %S"; time "$@" >/dev/null 2>&1';
    const command = ["nix-instantiate", ...nix.store.args, ...args];
    const output = execFileSync("bash", ["-c", `{ ${script}; } 2>&1`, "bash", ...command], {
      env: { ...process.env, NIX_CONFIG: "restrict-eval = true\nallow-import-from-derivation = false" },
      encoding: "utf8",
    });
    return output
      .trim()
      .split(" ")
      .reduce((sum, seconds) => sum + Number(seconds), 0);
  };
  cpu([attr]);
  const leafCpu = Math.min(...Array.from({ length: RUNS }, () => cpu([attr])));
  if (names.length === 0) {
    const all = cpu(["everything"]);
    return { attributes: PACKAGES, cpuSeconds: all, leafCpuSeconds: leafCpu, times: all / leafCpu };
  }
  const step = Math.max(1, Math.floor(names.length / SAMPLE));
  const sample = names.filter((_, n) => n % step === 0);
  const all = (sample.reduce((sum, name) => sum + cpu([name]), 0) / sample.length) * names.length;
  return { attributes: names.length, cpuSeconds: all, leafCpuSeconds: leafCpu, times: all / leafCpu };
}

const CONTENT = "bench\n";
const digest = createHash("sha256").update(CONTENT).digest("hex");

function source(url: string) {
  const hash = parseHash(`sha256:${digest}`);
  if (!hash) throw new Error("no hash");
  const attributes = {
    name: "bench",
    system: "builtin",
    url,
    outputHashMode: "flat",
    outputHashAlgo: "sha256",
    outputHash: digest,
    executable: "",
    unpack: "",
  };
  const spec = { attributes, builder: "builtin:fetchurl", args: [], derivations: {}, sources: [] };
  return { output: { path: "", mode: "flat", hash }, way: { via: "nix", spec, url, secure: false } } as const;
}

async function withServer<T>(delay: number, use: (port: number) => Promise<T>): Promise<T> {
  const server = createServer((_, response) => void setTimeout(() => response.end(CONTENT), delay));
  await new Promise<void>((ready) => server.listen(0, "0.0.0.0", ready));
  try {
    return await use((server.address() as AddressInfo).port);
  } finally {
    server.close();
    server.closeAllConnections();
  }
}

const fetchOnce = (nix: Nix, url: string) => {
  const { output, way } = source(url);
  return attempt(nix, "bench", output, way, {
    builder: null,
    limits: FETCH_LIMITS,
    allowed: [new URL(url).hostname],
  });
};

/** What a refetch takes beside the download, which takes nothing here. */
function refetch(nix: Nix): Promise<VerifyBench["refetch"]> {
  return withServer(0, async (port) => {
    const times: number[] = [];
    for (let run = 0; run < RUNS * 2; run++)
      times.push((await fetchOnce(nix, `http://127.0.0.1:${port}/x`)).seconds);
    return { overheadSeconds: Math.min(...times) };
  });
}

/** 50 sources of one second each over four hosts, two at a time from each. */
function parallel(nix: Nix): Promise<VerifyBench["parallel"]> {
  const [fods, hosts, perHost] = [50, 4, 2];
  return withServer(1_000, async (port) => {
    const urls = Array.from({ length: fods }, (_, n) => `http://127.0.0.${(n % hosts) + 1}:${port}/${n}`);
    const started = performance.now();
    const limits = { total: hosts * perHost, perKey: perHost };
    await schedule(
      urls,
      (url) => new URL(url).host,
      limits,
      async (url) => {
        const { result } = await fetchOnce(nix, url);
        if (result.kind !== "hash") throw new Error(`${url}: ${JSON.stringify(result)}`);
      },
    );
    const ideal = Math.ceil(Math.ceil(fods / hosts) / perHost);
    return { fods, hosts, seconds: (performance.now() - started) / 1000, ideal };
  });
}

const PACKAGES = 4_000;

/** A set in which each package needs five others, as far as forty levels deep, and a source each. */
function makeSet(directory: string, version: string): void {
  mkdirSync(directory);
  writeFileSync(
    `${directory}/default.nix`,
    `{ system ? builtins.currentSystem, ... }:
let
  fetch = name: version: derivation {
    inherit name;
    system = "builtin";
    builder = "builtin:fetchurl";
    url = "https://example.org/\${name}-\${version}.tar.gz";
    outputHashMode = "flat";
    outputHashAlgo = "sha256";
    outputHash = builtins.hashString "sha256" "\${name} \${version}";
  };
  package = n: derivation {
    name = "package-\${toString n}";
    inherit system;
    builder = "/bin/sh";
    src = fetch "package-\${toString n}" "1";
    inputs = map (d: builtins.elemAt packages (n / (d + 2))) (if n == 0 then [ ] else [ 0 1 2 3 4 ]);
  };
  packages = builtins.genList package ${PACKAGES};
in
{
  leaf = derivation { name = "leaf"; inherit system; builder = "/bin/sh"; src = fetch "leaf" "${version}"; inputs = [ (builtins.elemAt packages 9) ]; };
  everything = packages;
}
`,
  );
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const text = { type: "string" } as const;
  const { values } = parseArgs({ options: { tree: text, attr: text, all: text, nix: text } });
  console.log(JSON.stringify(await benchVerify(values), null, 2));
}
