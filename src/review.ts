/** The whole review, in order: what changed, what it says, what that means, how it is told. */
import type { Change, Side, Unchecked } from "./change/change.ts";
import { type Config, configuredSeverity } from "./config.ts";
import { messageOf } from "./errors.ts";
import { gatherFacts, type Memory } from "./facts/gather.ts";
import { type AttributesOf, readAttributes } from "./nix/attributes.ts";
import { unansweredOf } from "./provenance/unanswered.ts";
import type { Upstream } from "./provenance/upstream.ts";
import { assemble, type Raised } from "./report/assemble.ts";
import { createPositions } from "./report/positions.ts";
import { publishPins } from "./report/publish-pins.ts";
import { type Review, SCHEMA, type Severity } from "./report/review.ts";
import { rules } from "./rules/index.ts";
import type { Facts } from "./rules/rule.ts";
import type { Tools } from "./tools.ts";
import { VERSION } from "./version.ts";

export interface ReviewOptions {
  /** The configuration of the base. */
  readonly config: Config;
  /** The title of a pull request, which the change itself does not know, and those of its commits. */
  readonly subjects?: readonly string[];
  /** What is remembered of earlier changes, where something is. */
  readonly memory?: Memory | null;
  /** Asked what it says of the pins, where it is to be asked. */
  readonly upstream?: Upstream | null;
}

/**
 * Reviews a change statically: nothing is evaluated, fetched or executed, and
 * nobody is asked but `upstream`. What could not be read or decided is in
 * `unchecked`, and the review is then not complete. Throws only for what is our own bug.
 */
export async function review(change: Change, tools: Tools, options: ReviewOptions): Promise<Review> {
  const started = performance.now();
  const { facts, unchecked, textOf } = await gatherFacts(
    change,
    tools,
    options.subjects ?? change.subjects,
    options.memory,
    options.upstream,
  );
  const attrsOf = await attributesIn(change, tools);
  const severityOf = (rule: string, path: string) => configuredSeverity(options.config, rule, path);
  const judged = judge(facts, severityOf);
  const positions = createPositions(facts.files, textOf);
  const { findings, suppressed, addedSuppressions } = assemble(judged.raised, facts.files, positions, {
    severityOf,
    attrsOf,
  });
  const sources = publishPins(facts.sources, positions, attrsOf, facts.upstream);
  tools.documents.trim();
  const open = [...unchecked, ...judged.unchecked];
  return {
    schema: SCHEMA,
    tool: { name: "verifod", version: VERSION },
    base: change.base.commit,
    head: change.head.commit,
    complete: open.length === 0,
    findings,
    sources,
    verdicts: [],
    unchecked: open,
    suppressed,
    addedSuppressions,
    ...(facts.upstream && {
      provenance: { requests: facts.upstream.requests, unanswered: unansweredOf(facts.upstream) },
    }),
    stats: { files: change.files.length, milliseconds: Math.round(performance.now() - started) },
  };
}

/** The attributes of the changed files: as the head's package lists call them; of removed files, the base's. */
async function attributesIn(change: Change, tools: Tools): Promise<AttributesOf> {
  const paths = (side: Side) => change.files.flatMap((file) => file[side]?.path ?? []);
  const removed = change.files.filter((file) => file.status === "removed").map((file) => file.base.path);
  const head = await readAttributes(change.head, paths("head"), tools.calls);
  const base = removed.length > 0 ? await readAttributes(change.base, removed, tools.calls) : () => [];
  return (path) => {
    const attributes = head(path);
    return attributes.length > 0 ? attributes : base(path);
  };
}

/** Asks every rule. One that fails is said in `unchecked`, and the others are asked all the same. */
function judge(
  facts: Facts,
  severityOf: (rule: string, path: string) => Severity | "off" | null,
): {
  readonly raised: readonly Raised[];
  readonly unchecked: readonly Unchecked[];
} {
  const raised: Raised[] = [];
  const unchecked: Unchecked[] = [];
  for (const rule of rules) {
    try {
      for (const finding of rule.check(facts)) raised.push({ rule: rule.id, finding });
      for (const { undecided, at } of rule.undecided?.(facts) ?? []) {
        if (severityOf(rule.id, at.span.path) === "off") continue;
        unchecked.push({ what: at.span.path, reason: `${rule.id}: ${undecided}` });
      }
    } catch (error) {
      unchecked.push({ what: rule.id, reason: `the rule failed: ${messageOf(error)}` });
    }
  }
  return { raised, unchecked };
}
