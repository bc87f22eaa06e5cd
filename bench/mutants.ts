// Plants attacks in honest commits and counts which are found:
// `npm run bench:mutants -- [--count N] [--seed N] REPOSITORY[=PAIRS]…`. The same seed plants the same.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import type { Change, Entry, FileChange, Tree } from "../src/change/change.ts";
import { openGitPair } from "../src/change/git.ts";
import { nonMergeCommits } from "../src/change/history.ts";
import { openRepository, type Repository } from "../src/change/repository.ts";
import { DEFAULT_CONFIG } from "../src/config.ts";
import { gatherFacts } from "../src/facts/gather.ts";
import { review } from "../src/review.ts";
import type { Facts } from "../src/rules/rule.ts";
import { createTools, type Tools } from "../src/tools.ts";
import { chance } from "../test/support/chance.ts";
import { type Mutant, type Mutation, MUTATIONS as PIN_MUTATIONS } from "./mutations.ts";
import { MORE_MUTATIONS } from "./mutations-more.ts";
import { pick } from "./spelling.ts";

const MUTATIONS: readonly Mutation[] = [...PIN_MUTATIONS, ...MORE_MUTATIONS];

/** Mutants of one commit: more would all look alike. */
const PER_COMMIT = 6;

interface Miss {
  readonly mutation: string;
  readonly spelling: string;
  readonly where: string;
  readonly cause: string;
}

interface Score {
  readonly planted: Map<string, number>;
  readonly found: Map<string, number>;
  readonly loud: Map<string, number>;
  readonly misses: Miss[];
}

/** The tree with one file written anew. */
function withFile(tree: Tree, path: string, text: string): Tree {
  const oid = createHash("sha1").update(text).digest("hex");
  const entry: Entry = { path, kind: "file", oid };
  return {
    commit: tree.commit,
    entry: async (asked) => (asked === path ? entry : tree.entry(asked)),
    list: async (folder) => {
      const entries = await tree.list(folder);
      return entries.map((each) => (each.path === path ? entry : each));
    },
    read: async (asked) => (asked.path === path ? { kind: "text", text } : tree.read(asked)),
  };
}

/** The honest change with the mutant in its head, or the mutant alone on top of it. */
async function mutated(change: Change, mutant: Mutant): Promise<Change> {
  const { path, text, before } = mutant;
  // What the base has is the mutant's own: the honest change must not stand between the two.
  const alone = mutant.alone === true || before !== undefined;
  const head = withFile(change.head, path, text);
  const entry = await head.entry(path);
  const untouched = alone ? change.head : change.base;
  const base = before === undefined || before === null ? untouched : withFile(untouched, path, before);
  const old = before === null ? null : await base.entry(path);
  if (!entry) throw new Error(`${path} is in no tree`);
  const file: FileChange = old
    ? { status: "modified", base: old, head: entry }
    : { status: "added", base: null, head: entry };
  const others = change.files.filter((each) => each.head?.path !== path);
  return {
    ...change,
    base,
    head,
    files: alone ? [file] : [...others, file],
  };
}

async function tryMutant(
  change: Change,
  tools: Tools,
  { rules }: Mutation,
  mutant: Mutant,
  honest: ReadonlySet<string>,
): Promise<{ found: boolean; loud: boolean; cause: string }> {
  const planted = await mutated(change, mutant);
  const { findings, unchecked, sources } = await review(planted, tools, { config: DEFAULT_CONFIG });
  const hits = findings.filter(({ rule, fingerprint }) => rules.includes(rule) && !honest.has(fingerprint));
  const unresolved = sources.some(({ after }) => after !== null && !after.resolved);
  const cause =
    unchecked.length > 0
      ? "not fully checked, and said so"
      : unresolved
        ? "the text does not decide a location"
        : sources.length === 0
          ? "no pin seen to change"
          : "other";
  return { found: hits.length > 0, loud: hits.some(({ severity }) => severity !== "low"), cause };
}

function count(map: Map<string, number>, key: string): void {
  map.set(key, (map.get(key) ?? 0) + 1);
}

async function pairsOf(
  repository: Repository,
  file: string | undefined,
): Promise<{ base: string; head: string }[]> {
  if (file === undefined) {
    const pairs: { base: string; head: string }[] = [];
    for await (const pair of nonMergeCommits(repository)) pairs.push(pair);
    return pairs;
  }
  return readFileSync(file, "utf8")
    .trim()
    .split("\n")
    .map((line) => {
      const [base = "", head = ""] = line.split(" ");
      return { base, head };
    });
}

/** A commit's text files of the head, by path; null when the commit is no good ground: nothing, or too much. */
function textsOf(facts: Facts): Map<string, string> | null {
  const texts = new Map(
    facts.files.flatMap(({ change, head }) =>
      change.head && head !== null ? [[change.head.path, head] as const] : [],
    ),
  );
  return facts.pins.head.length === 0 || facts.files.length > 20 ? null : texts;
}

async function plantIn(target: string, wanted: number, random: () => number, score: Score): Promise<void> {
  const [directory = "", file] = target.split("=");
  const repository = await openRepository(directory);
  const tools = await createTools();
  const pairs = await pairsOf(repository, file);
  let left = wanted;
  for (let attempts = 0; left > 0 && attempts < 20 * wanted; attempts++) {
    const pair = pick(random, pairs);
    const change = await openGitPair(repository, pair.base, pair.head);
    if (change.files.length > 20) continue;
    const { facts } = await gatherFacts(change, tools, null);
    const texts = textsOf(facts);
    if (!texts) continue;
    const { findings } = await review(change, tools, { config: DEFAULT_CONFIG });
    const honest = new Set(findings.map(({ fingerprint }) => fingerprint));
    for (let planted = 0, tries = 0; planted < PER_COMMIT && tries < 24 && left > 0; tries++) {
      // What few commits have a place for comes first to its turn.
      const mutation = rarest(score, random);
      const mutant = mutation.plant({ facts, random, text: (path) => texts.get(path) ?? "" });
      if (!mutant || (mutant.before ?? null) === mutant.text) continue;
      if (mutant.before === undefined && mutant.text === texts.get(mutant.path)) continue;
      const { found, loud, cause } = await tryMutant(
        change,
        tools,
        mutation,
        mutant,
        mutant.alone || mutant.before !== undefined ? new Set() : honest,
      );
      count(score.planted, mutation.name);
      if (found) count(score.found, mutation.name);
      else
        score.misses.push({
          mutation: mutation.name,
          spelling: mutant.spelling,
          where: `${pair.head.slice(0, 12)} ${mutant.path}`,
          cause,
        });
      if (loud) count(score.loud, mutation.name);
      planted += 1;
      left -= 1;
    }
    process.stderr.write(`\r${wanted - left} of ${wanted} mutants, ${score.misses.length} missed `);
  }
  process.stderr.write("\n");
  repository.close();
}

/** One of all mutations, those that were planted least more often. */
function rarest(score: Score, random: () => number): Mutation {
  const [a, b, c] = [pick(random, MUTATIONS), pick(random, MUTATIONS), pick(random, MUTATIONS)];
  const times = ({ name }: Mutation) => score.planted.get(name) ?? 0;
  return [a, b, c].reduce((least, each) => (times(each) < times(least) ? each : least));
}

function report({ planted, found, loud, misses }: Score, verbose: boolean): string {
  const sum = (map: Map<string, number>) => [...map.values()].reduce((a, b) => a + b, 0);
  const share = (part: number, whole: number) => `${((100 * part) / Math.max(1, whole)).toFixed(1)} %`;
  const row = (name: string, all: number, hit: number, high: number) =>
    `| ${[name, all, hit, share(hit, all), share(high, all)].join(" | ")} |`;
  const causes = new Map<string, number>();
  for (const { mutation, cause, spelling } of misses) count(causes, `${mutation} | ${spelling} | ${cause}`);
  return [
    "| mutation | planted | found | of 100 | at medium or above |",
    "| --- | --- | --- | --- | --- |",
    ...MUTATIONS.map(({ name }) =>
      row(name, planted.get(name) ?? 0, found.get(name) ?? 0, loud.get(name) ?? 0),
    ),
    row("**all**", sum(planted), sum(found), sum(loud)),
    "",
    "| missed | spelling | cause | times |",
    "| --- | --- | --- | --- |",
    ...[...causes].sort(([, a], [, b]) => b - a).map(([cause, times]) => `| ${cause} | ${times} |`),
    "",
    ...(verbose ? misses.map(({ mutation, spelling, where }) => `${mutation}, ${spelling}: ${where}`) : []),
  ].join("\n");
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { count: { type: "string" }, seed: { type: "string" }, verbose: { type: "boolean" } },
});
if (positionals.length === 0) {
  console.error("name at least one repository: npm run bench:mutants -- [--count N] REPOSITORY[=PAIRS]…");
  process.exitCode = 2;
}
const score: Score = { planted: new Map(), found: new Map(), loud: new Map(), misses: [] };
const random = chance(Number(values.seed ?? 1));
const each = Math.ceil(Number(values.count ?? 2_000) / Math.max(1, positionals.length));
for (const target of positionals) await plantIn(target, each, random, score);
if (positionals.length > 0) console.log(report(score, values.verbose ?? false));
