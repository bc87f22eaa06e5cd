import type { Script, Source } from "../nix/model.ts";
import { recipeChanges } from "../pair/sources.ts";
import { isInterpreter, isNetwork } from "./_commands.ts";
import { eventOf, type Pair, pairsOf, shapeChanges } from "./_events.ts";
import { baseAt, headAt, pinName, placeName, shown } from "./_pins.ts";
import { newSightings, type Sighting, shownCommand } from "./_scripts.ts";
import type { Facts, Rule, RuleFinding } from "./rule.ts";

/**
 * What a fetcher does beside fetching: `postFetch` and its like run with network access and decide which bytes the hash
 * covers. The URL that a reader checks is then only an input.
 */
export const rule: Rule = {
  id: "fetch-hook-changed",
  threat: "A20",
  description: "What a fetcher does with what it fetches changed",
  severity: "high",
  check,
};

function* check(facts: Facts): Iterable<RuleFinding> {
  const told = new Set<Source>();
  for (const { script, seen } of newSightings(facts, hookCommands)) {
    const pin = facts.sources.find(({ after }) => after && contains(after, script));
    // The script is the fetcher itself: its change is reported below.
    if (pin?.before && pin.after?.hashAttribute === "outputHash" && eventOf(pin as Pair) === "shape-alone")
      continue;
    // Fetchers and their tools are reported by `fetcher-infra-change`.
    if (!pin && !HOOK.test(script.binding)) continue;
    if (pin?.after) told.add(pin.after);
    yield hookFinding(script, seen, pin?.after ?? null);
  }
  for (const pair of pairsOf(facts)) {
    if (told.has(pair.after)) continue;
    const event = eventOf(pair);
    if (event === "shape-alone") yield keptFinding(pair);
    if (event === "hash-and-shape" && pair.after.role !== "dependencies") yield shapeFinding(pair);
  }
}

function contains({ path, span }: Source, script: Script): boolean {
  return path === script.path && span.start <= script.span.start && script.span.end <= span.end;
}

/** The names that nixpkgs' fetchers give to code that runs with them. */
const HOOK = /(^|\.)"?(extra)?(pre|post)(Fetch|Checkout)"?$/i;

interface HookCommand extends Sighting {
  readonly what: string;
}

/** Programs of the source itself, which its hash does not cover yet, and what runs them. */
const RUNS_SOURCE = /^(make|(\.{1,2}|\$out|"?\$\{out\}"?)\/\S+)$/;

/** Commands of a hook that bring bytes from elsewhere, or run a program that the hash does not cover yet. */
function hookCommands(script: Script): readonly HookCommand[] {
  if (script.context !== "fetch") return [];
  return script.commands
    .filter(
      (command) =>
        isNetwork(command) ||
        (RUNS_SOURCE.test(command.name) && HOOK.test(script.binding)) ||
        (isInterpreter(command) && !/^(g?awk|source|\.)$/.test(command.name)),
    )
    .map((command) => ({
      key: `fetch ${shownCommand(command)}`,
      span: command.span,
      what: shownCommand(command),
    }));
}

function hookFinding(script: Script, { what, span }: HookCommand, pin: Source | null): RuleFinding {
  const name = pin ? pinName(pin) : script.binding;
  return {
    severity: "high",
    confidence: pin ? "high" : "medium",
    title: `${name}: code that runs while fetching`,
    message: [
      `${script.binding || "A script"} now runs \`${what}\`.`,
      "It runs with network access, before the hash is taken, so the source is whatever it leaves behind and not what the location holds.",
      "A separate source with its own hash, or the same work in a build phase, clears it; to fetch it in a sandbox: verifod verify",
    ].join(" "),
    at: headAt(span),
    before: null,
    after: what,
    evidence: ["static"],
    related: pin ? [{ at: headAt(pin.hashSpan), note: "the hash that covers what the hook leaves" }] : [],
    identity: [name, what],
  };
}

function shapeFinding({ before, after }: Pair): RuleFinding {
  const names = shapeChanges(before, after).map(({ name }) => name);
  const what =
    before.fetcher === after.fetcher ? names.join(", ") : `${before.fetcher} became ${after.fetcher}`;
  return {
    severity: "low",
    confidence: "medium",
    title: `${pinName(after)}: the hash changed with how it is fetched`,
    message: [
      `The hash went from ${before.hash} to ${after.hash} at the same location, ${placeName(after)}, and the way of fetching changed: ${what}.`,
      "That explains another hash, but it also hides one that changed for another reason.",
      "A refetch that yields the new hash clears it; to check: verifod verify",
    ].join(" "),
    at: headAt(after.hashSpan),
    before: before.hash,
    after: after.hash,
    evidence: ["static"],
    related: [{ at: baseAt(before.hashSpan), note: "the hash before" }],
    identity: [after.pname ?? after.binding, what, String(before.hash), String(after.hash)],
  };
}

/** The finding for a source whose way of being fetched changed while its hash stayed. */
function keptFinding({ before, after }: Pair): RuleFinding {
  const names = recipeChanges(before, after);
  const text = (source: Source) =>
    names.map((name) => source.recipe.find((part) => part.name === name)?.text ?? `no ${name}`).join(", ");
  const what = names.join(", ");
  return {
    severity: isPlaced(after) ? "low" : "medium",
    confidence: "medium",
    title: `${pinName(after)}: it is fetched in another way, the hash did not change`,
    message: [
      `${what} changed, and the hash is still ${after.hash}.`,
      "Caches answer by the hash, so that builds get what was fetched before, whatever the text says now.",
      "A refetch that still yields this hash clears it; to check: verifod verify",
    ].join(" "),
    at: headAt(argumentAt(after, names) ?? after.hashSpan),
    before: shown(text(before)),
    after: shown(text(after)),
    evidence: ["static"],
    related: [{ at: headAt(after.hashSpan), note: "the hash that stayed" }],
    identity: [after.pname ?? after.binding, what, String(after.hash)],
  };
}

function isPlaced({ urls, role }: Source): boolean {
  return urls.length > 0 || role === "dependencies";
}

/** Where a changed argument is written; null when it is added to the pin elsewhere. */
function argumentAt({ shape }: Source, names: readonly string[]): Source["span"] | null {
  return shape.find(({ name }) => names.includes(name))?.span ?? null;
}
