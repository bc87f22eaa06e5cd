import type { Side } from "../change/change.ts";
import { FETCHER } from "../nix/fetcher-files.ts";
import type { Source } from "../nix/model.ts";
import { type Weakness, weaknessOf } from "./_hashes.ts";
import { baseAt, headAt, pinName, placeName, shown, textAt } from "./_pins.ts";
import { isTestPath } from "./_settings.ts";
import type { Facts, Rule, RuleFinding } from "./rule.ts";

/** A hash that pins nothing: fake, empty, of an empty file, or of an algorithm for which collisions can be made. */
export const rule: Rule = {
  id: "weak-or-disabled-hash",
  threat: "A38",
  description: "A hash is fake, empty, not written out, or of a broken algorithm",
  severity: "high",
  check,
};

function* check(facts: Facts): Iterable<RuleFinding> {
  yield* fakes(facts);
  yield* computed(facts);
  for (const { before, after } of facts.sources) {
    if (!after) continue;
    const now = weakness(facts, "head", after);
    if (now === null || isDefault(after, before, now)) continue;
    const then = before ? weakness(facts, "base", before) : null;
    // What the base had already is no news.
    if (then?.kind === now.kind || (now.kind === "computed" && before === null)) continue;
    const text = shown(textAt(facts, headAt(after.hashSpan)) ?? after.hash ?? "");
    yield {
      severity: isCustomary(facts, after, now) ? "low" : SEVERITY[now.kind],
      confidence: now.kind === "computed" ? "low" : "high",
      title: `${pinName(after)}: ${now.what}`,
      message: [
        `The hash of ${placeName(after)} was ${before ? (before.hash ?? "not written out") : "not there"} and is now ${text}: ${now.what}.`,
        now.why,
        "The SRI hash (sha256) of the fetched source clears it; to see it: verifod verify",
      ].join(" "),
      at: headAt(after.hashSpan),
      before: before?.hash ?? null,
      after: after.hash ?? text,
      evidence: ["static"],
      related: before ? [{ at: baseAt(before.hashSpan), note: "the hash before" }] : [],
      identity: [after.pname ?? after.binding, now.kind, text],
    };
  }
}

/** Whether it is a function's default for no hash, a placeholder, an empty file on purpose, or in a test. */
function isDefault(after: Source, before: Source | null, { kind }: Weakness): boolean {
  if (isTestPath(after.path)) return true;
  // A fetcher's definition has a default for no hash; changes there are reported by `fetcher-infra-change`.
  if (before === null && FETCHER.test(after.path)) return true;
  if (kind === "empty") return after.urls.length === 0;
  return kind === "fake" && before === null && after.urls.length === 0 && after.hash === null;
}

/** A file with so many such pins is a list that a program wrote from a registry's own hashes. */
const LIST = 20;

/** Whether the file usually pins with this algorithm: it did before, or it is a list of a registry's packages. */
function isCustomary(facts: Facts, { path, hash }: Source, { kind }: Weakness): boolean {
  if (kind !== "broken") return false;
  const algorithm = hash?.split("-")[0];
  const alike = (pin: Source) => pin.path === path && pin.hash?.split("-")[0] === algorithm;
  return facts.pins.base.some(alike) || facts.pins.head.filter(alike).length >= LIST;
}

/** The placeholders that nixpkgs has for a hash that is not known yet: lib/deprecated/misc.nix. */
const FAKE = /^(with [\w.]+; ?)?([\w.]+\.)?fake(Hash|Sha(256|512))$/;

const NOT_REAL: Weakness = {
  kind: "fake",
  what: "no real hash",
  why: "It was never built: every fetch fails.",
};

/** `hash = lib.fakeHash`: not a text, so it is found among the settings and not the pins. */
function* fakes(facts: Facts): Iterable<RuleFinding> {
  for (const { before, after } of facts.settings) {
    if (!after || !FAKE.test(after.text) || before?.text === after.text) continue;
    // A function's default for a missing hash is no pin.
    if (after.conditions.length > 0 || after.packageSpan === null || isTestPath(after.path)) continue;
    const name = after.attributes.join(".");
    yield {
      severity: SEVERITY.fake,
      confidence: "high",
      title: `${name}: ${NOT_REAL.what}`,
      message: [
        `${name} was ${before ? shown(before.text) : "not there"} and is now ${after.text}: ${NOT_REAL.what}.`,
        NOT_REAL.why,
        "The SRI hash (sha256) of the fetched source clears it; to see it: verifod verify",
      ].join(" "),
      at: headAt(after.span),
      before: before ? shown(before.text) : null,
      after: after.text,
      evidence: ["static"],
      related: before ? [{ at: baseAt(before.span), note: "the value before" }] : [],
      identity: [name, after.text],
    };
  }
}

/** `hash = lib.fileContents ./hash`: with a hash that the text does not give, there is no pin any more. */
function* computed(facts: Facts): Iterable<RuleFinding> {
  const removed = facts.sources.flatMap(({ change, before }) => (change === "removed" ? before : []));
  if (removed.length === 0) return;
  for (const { before, after } of facts.settings) {
    if (before?.value.kind !== "string" || after?.value.kind !== "other") continue;
    // A name is followed where it can be, and of several hashes each is a pin; fakes are reported above.
    if (/^[\w.'"-]+$|"[\w+/:=-]{26,}"/.test(after.text) || FAKE.test(after.text) || isTestPath(after.path))
      continue;
    const { span } = before;
    const pin = removed.find(
      ({ path, hashSpan }) => path === span.path && span.start <= hashSpan.start && hashSpan.end <= span.end,
    );
    if (!pin) continue;
    const name = after.attributes.join(".");
    yield {
      severity: SEVERITY.computed,
      confidence: "low",
      title: `${pinName(pin)}: ${COMPUTED.what}`,
      message: [
        `The hash of ${placeName(pin)} was ${pin.hash} and is now ${shown(after.text)}: ${COMPUTED.what}.`,
        COMPUTED.why,
        "The SRI hash (sha256) of the fetched source clears it; to see it: verifod verify",
      ].join(" "),
      at: headAt(after.span),
      before: pin.hash,
      after: shown(after.text),
      evidence: ["static"],
      related: [{ at: baseAt(pin.hashSpan), note: "the hash before" }],
      identity: [name, shown(after.text)],
    };
  }
}

const COMPUTED: Weakness = {
  kind: "computed",
  what: "the hash is computed",
  why: "A reader cannot see which bytes are meant, and the text of the change does not decide it.",
};

const SEVERITY = { fake: "high", empty: "block", broken: "high", computed: "medium" } as const;

function weakness(facts: Facts, side: Side, source: Source): Weakness | null {
  return source.hash === null
    ? missing(textAt(facts, { side, span: source.hashSpan }))
    : weaknessOf(source.hash);
}

/** Why a pin has no hash that could be read, from its text. */
function missing(text: string | null): Weakness | null {
  if (text === null) return null;
  if (/^(""|'{4})$/.test(text.trim())) return NOT_REAL;
  // Dependencies without a hash come with the source (`vendorHash = null`).
  if (text.trim() === "null") return null;
  return COMPUTED;
}
