// The rule fod-hash-reuse over a history, in order: each change is judged with what the ones before it have shown.
// `npx tsx bench/reuse-replay.ts REPOSITORY < PAIRS`, a line `BASE HEAD` each, oldest first.
import { createInterface } from "node:readline";
import { openGitPair } from "../src/change/git.ts";
import { openRepository } from "../src/change/repository.ts";
import { gatherFacts, type Memory } from "../src/facts/gather.ts";
import type { KnownPin } from "../src/pair/reuse.ts";
import { rule } from "../src/rules/fod-hash-reuse.ts";
import { createTools } from "../src/tools.ts";

interface Said {
  readonly head: string;
  readonly severity: string;
  readonly title: string;
  readonly message: string;
}

interface Replay {
  readonly changes: number;
  /** How many changes the rule says something of. */
  readonly loud: number;
  readonly said: readonly Said[];
}

/** Replays pairs of commits of a repository. */
async function replayReuse(
  directory: string,
  pairs: readonly { readonly base: string; readonly head: string }[],
): Promise<Replay> {
  const seen = new Map<string, Map<string, KnownPin>>();
  const memory: Memory = {
    pinsWith: async (hashes) => hashes.flatMap((hash) => [...(seen.get(hash)?.values() ?? [])]),
  };
  const repository = await openRepository(directory);
  const tools = await createTools();
  const said: Said[] = [];
  const loud = new Set<string>();
  try {
    for (const { base, head } of pairs) {
      const change = await openGitPair(repository, base, head);
      const { facts } = await gatherFacts(change, tools, null, memory);
      for (const { severity, title, message } of rule.check(facts)) {
        said.push({ head, severity, title, message });
        loud.add(head);
      }
      for (const { path, pname, version, urls, rev, hash } of [...facts.pins.base, ...facts.pins.head]) {
        if (hash === null) continue;
        const known = seen.get(hash) ?? new Map<string, KnownPin>();
        const key = JSON.stringify([urls, rev, path]);
        const place = {
          path,
          line: 1,
          source: null,
          side: "base" as const,
          accepted: true,
          seen: `of ${head}`,
        };
        known.set(key, { ...place, pname, version, urls, rev, hash });
        seen.set(hash, known);
      }
      tools.documents.trim();
    }
  } finally {
    repository.close();
  }
  return { changes: pairs.length, loud: loud.size, said };
}

const pairs: { base: string; head: string }[] = [];
for await (const line of createInterface({ input: process.stdin })) {
  const [base, head] = line.split(" ");
  if (base && head) pairs.push({ base, head });
}
const { changes, loud, said } = await replayReuse(process.argv[2] ?? ".", pairs);
for (const one of said) process.stdout.write(`${JSON.stringify(one)}\n`);
process.stdout.write(`${loud} of ${changes} changes: ${((100 * loud) / changes).toFixed(2)} %\n`);
