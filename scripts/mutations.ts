// Plants attacks into honest commits of a repository and counts how many a review finds:
// `npm run bench:mutations -- --repo DIR [--range RANGE] [--count 2000] [--seed 1]`. Misses are printed one by one.
import { parseArgs } from "node:util";
import { type Change, type Entry, type FileChange, pathOf, type Tree } from "../src/change/change.ts";
import { openGitPair } from "../src/change/git.ts";
import { nonMergeCommits } from "../src/change/history.ts";
import { openRepository } from "../src/change/repository.ts";
import { DEFAULT_CONFIG } from "../src/config.ts";
import { createTools, review } from "../src/review.ts";
import { pick, plants, type Random } from "./plants.ts";

const { values } = parseArgs({
  options: {
    repo: { type: "string", default: "." },
    range: { type: "string", default: "HEAD" },
    count: { type: "string", default: "2000" },
    seed: { type: "string", default: "1" },
  },
});

/** https://en.wikipedia.org/wiki/Linear_congruential_generator: good enough to choose places, and repeatable. */
function randomFrom(seed: number): Random {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
    return state / 0x80000000;
  };
}

/** A tree in which one file has another text. */
function withText(tree: Tree, path: string, entry: Entry, text: string): Tree {
  return {
    ...tree,
    commit: tree.commit,
    entry: async (each) => (each === path ? entry : tree.entry(each)),
    list: async (directory) =>
      (await tree.list(directory)).map((each) => (each.path === path ? entry : each)),
    read: async (each) => (each.oid === entry.oid ? { kind: "text", text } : tree.read(each)),
  };
}

/** A commit that changes few files, and one Nix file of it that both sides have. */
async function honest(pairs: readonly { base: string; head: string }[], random: Random) {
  const pair = pick(pairs, random);
  const change = await openGitPair(repository, pair.base, pair.head);
  const files = change.files.filter(
    (file): file is Extract<FileChange, { status: "modified" }> =>
      file.status === "modified" && file.head.kind === "file" && file.head.path.endsWith(".nix"),
  );
  if (files.length === 0 || change.files.length > 20) return null;
  return { change, file: pick(files, random) };
}

let mutants = 0;

/** The change with something planted on one side; null when it does not fit. */
async function mutate(
  kind: string,
  change: Change,
  file: FileChange,
  random: Random,
): Promise<Change | null> {
  const plant = plants[kind];
  const entry = plant && file[plant.side];
  if (!plant || !entry) return null;
  const content = await change[plant.side].read(entry);
  const planted = content.kind === "text" ? plant.into(content.text, random) : null;
  if (planted === null) return null;
  const mutant: Entry = { ...entry, oid: `${++mutants}`.padStart(40, "0") };
  const files = change.files.map((each) =>
    each === file ? ({ ...each, [plant.side]: mutant } as FileChange) : each,
  );
  return { ...change, files, [plant.side]: withText(change[plant.side], entry.path, mutant, planted) };
}

const repository = await openRepository(values.repo);
const tools = await createTools();
const random = randomFrom(Number(values.seed));
const pairs = [];
for await (const pair of nonMergeCommits(repository, values.range)) pairs.push(pair);
const kinds = Object.keys(plants);
const tally = new Map(kinds.map((kind) => [kind, { planted: 0, found: 0 }]));
const wanted = Number(values.count);
// Some plants do not fit into most files; an unfit repository must not keep this running.
for (let tries = 0, planted = 0; planted < wanted && tries < wanted * 20; tries++) {
  const kind = pick(kinds, random);
  const chosen = await honest(pairs, random);
  const mutant = chosen && (await mutate(kind, chosen.change, chosen.file, random));
  const score = tally.get(kind);
  if (!chosen || !mutant || !score) continue;
  const before = await review(chosen.change, tools, { config: DEFAULT_CONFIG });
  const after = await review(mutant, tools, { config: DEFAULT_CONFIG });
  const known = new Set(before.findings.map(({ fingerprint }) => fingerprint));
  const rules = plants[kind]?.rules ?? [];
  const found = after.findings.some(
    (finding) => rules.includes(finding.rule) && !known.has(finding.fingerprint),
  );
  planted++;
  score.planted++;
  if (found) score.found++;
  else console.log(`missed: ${kind} in ${pathOf(chosen.file)} of ${chosen.change.head.commit}`);
}

const rows = [...tally].map(([kind, { planted, found }]) => ({ kind, planted, found }));
const sum = (key: "planted" | "found") => rows.reduce((total, row) => total + row[key], 0);
console.table([...rows, { kind: "all", planted: sum("planted"), found: sum("found") }]);
console.log(
  `${((100 * sum("found")) / Math.max(1, sum("planted"))).toFixed(1)} % of the planted changes were found`,
);
repository.close();
