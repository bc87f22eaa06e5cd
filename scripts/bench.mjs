// Measures the built program against what cannot be saved, in one run on one machine: `npm run bench [-- --repo DIR]`.
// Prints ratios and asserts nothing. Ratios hold across machines roughly; under other load they do not.
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { availableParallelism, loadavg, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { generatedText, makeRepository, packages, packageText } from "../bench/inputs.mjs";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const { values } = parseArgs({
  options: {
    repo: { type: "string" },
    range: { type: "string", default: "HEAD" },
    runs: { type: "string", default: "5" },
    // Records of the ledgers: a million take some minutes.
    records: { type: "string", default: "20000" },
  },
});
const runs = Number(values.runs);

/** Runs a program: its milliseconds, of all processors too, its output, and the most memory that it held in MB. */
function run(args, input = "") {
  const started = performance.now();
  const { status, stdout, stderr, error } = spawnSync(process.execPath, args, {
    input,
    encoding: "utf8",
    maxBuffer: 2 ** 31 - 1,
  });
  const milliseconds = performance.now() - started;
  if (error || status === null || status === 2) throw new Error(`${args.join(" ")}: ${error ?? stderr}`);
  const [, memory, processor] = /^most memory: (\d+) kB, processor: (\d+) ms$/m.exec(stderr) ?? [];
  return {
    milliseconds,
    stdout,
    megabytes: memory === undefined ? null : Number(memory) / 1_024,
    processor: processor === undefined ? null : Number(processor),
  };
}

const several = (make) => Array.from({ length: runs }, make);

/** The median of some runs: start-up varies more upwards than downwards. */
function median(results, of = ({ milliseconds }) => milliseconds) {
  return [...results].sort((a, b) => of(a) - of(b))[Math.floor(results.length / 2)];
}

// Tells the most memory that the program held, and the time of processors that it took, once it ends.
const memory = [
  "--import",
  `data:text/javascript,${encodeURIComponent(
    'process.on("exit", () => { const { maxRSS, userCPUTime, systemCPUTime } = process.resourceUsage(); process.stderr.write(`most memory: ${maxRSS} kB, processor: ${Math.round((userCPUTime + systemCPUTime) / 1_000)} ms\\n`); });',
  )}`,
];
const verifod = (...args) => [...memory, join(root, "dist/cli.mjs"), ...args];
const review = (repository) => run(verifod("review", "--repo", repository, "--format", "json"));
const parse = (repository) => [...memory, join(root, "bench/parse.mjs"), repository];

const rows = [];
/** `alone`: the milliseconds of the work without its process, where they are known. */
function compare(what, ours, than, theirs, alone = null) {
  rows.push({
    what,
    ms: Math.round(ours.milliseconds),
    "compared with": than,
    "its ms": Math.round(theirs.milliseconds),
    ratio: (ours.milliseconds / theirs.milliseconds).toFixed(2),
    // As the raw parse, which has its start and git left out.
    "without its start": alone === null ? "" : (alone / theirs.milliseconds).toFixed(2),
    // Under load, and with several threads, this says more.
    "processor ms": ours.processor ?? "",
    "its processor ms": Math.round(theirs.processor ?? theirs.milliseconds),
    "most MB": ours.megabytes === null ? "" : Math.round(ours.megabytes),
  });
}

/** How long a review took by its own report. */
function reviewTime({ stdout }) {
  return JSON.parse(stdout).stats.milliseconds;
}

/** The raw parse of the blobs of pairs: the time in the parser only, without its start or git. */
function rawParse(repository, pairs) {
  const { stdout } = run(parse(repository), pairs);
  return JSON.parse(stdout);
}

const folder = mkdtempSync(join(tmpdir(), "verifod-bench-"));
try {
  const many = packages(3_000, "1.0.0");
  const bump = packages(3_000, "1.1.0");

  const one = makeRepository(join(folder, "one"), [
    many.slice(0, 200),
    [[many[7][0], packageText("pkg0007", "1.1.0")]],
  ]);
  const nothing = median(several(() => run([...memory, "-e", "0"])));
  compare("review of one file", median(several(() => review(one))), "node -e 0", nothing);

  const big = makeRepository(join(folder, "big"), [
    [["pkgs/generated.nix", generatedText("1.0.0")]],
    [["pkgs/generated.nix", generatedText("1.0.1")]],
  ]);
  const bigParse = rawParse(big, "HEAD^ HEAD");
  const oneParse = { milliseconds: bigParse.milliseconds / 2, processor: bigParse.processor / 2 };
  const bigReviews = several(() => review(big));
  compare(
    `one pin in ${(bigParse.characters / 2e6).toFixed(1)} MB`,
    median(bigReviews),
    "one raw parse of it",
    oneParse,
    reviewTime(median(bigReviews, reviewTime)),
  );

  const wide = makeRepository(join(folder, "wide"), [many, bump]);
  const wideReview = review(wide);
  compare(
    "review of 3,000 files",
    wideReview,
    "raw parse of both sides",
    rawParse(wide, "HEAD^ HEAD"),
    reviewTime(wideReview),
  );

  const history =
    values.repo ??
    makeRepository(join(folder, "history"), [
      many.slice(0, 500),
      ...bump.slice(0, 500).map((file) => [file]),
    ]);
  const list = spawnSync(
    "git",
    ["-C", history, "rev-list", "--no-merges", "--parents", "--reverse", values.range],
    {
      encoding: "utf8",
      maxBuffer: 2 ** 31 - 1,
    },
  );
  const pairs = list.stdout
    .trim()
    .split("\n")
    .map((line) => line.split(" "))
    .filter((ids) => ids.length === 2)
    .map(([head, base]) => `${base} ${head}`);
  const raw = rawParse(history, pairs.join("\n"));
  compare(
    `backtest of ${pairs.length} commits`,
    run(verifod("backtest", "--repo", history, "--stdin"), pairs.join("\n")),
    `raw parse of their ${raw.blobs} blobs`,
    raw,
  );
} finally {
  rmSync(folder, { recursive: true });
}

console.table(rows);
console.log(
  `Node ${process.version}, ${availableParallelism()} processors, load ${loadavg()[0].toFixed(1)}. The raw parse is one thread of web-tree-sitter, its start and git left out.`,
);

/** A bench of its own: what it prints, or why it cannot be had. */
function other(what, file, ...args) {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ["--import", "tsx", join(root, file), ...args],
    {
      cwd: root,
      encoding: "utf8",
    },
  );
  console.log(status === 0 ? stdout : `${what} is not measured: ${stderr}`);
}

other(
  "The memory",
  "bench/memory.ts",
  "--records",
  values.records,
  ...(values.repo ? ["--repo", values.repo] : []),
);
// What verification costs, where there is a Nix to verify with.
other("Verification", "bench/verify.ts");
other("The App", "bench/app.ts");
