/** What upstream was asked and did not answer. */
import type { Answer, PinFacts, UpstreamFacts } from "./answers.ts";

const QUESTIONS: readonly (readonly [keyof PinFacts, string])[] = [
  ["repository", "the repository"],
  ["ref", "the tag or branch"],
  ["commit", "the commit"],
  ["release", "the release"],
  ["registry", "the registry"],
  ["host", "the host"],
];

/** Why a pin's questions have no answer, each reason once, with what it is about. */
export function unknownOf(facts: PinFacts): readonly string[] {
  const reasons = new Map<string, string[]>();
  for (const [key, what] of QUESTIONS) {
    const answer: Answer<unknown> | null = facts[key];
    if (answer && !answer.known) reasons.set(answer.reason, [...(reasons.get(answer.reason) ?? []), what]);
  }
  return [...reasons].map(([reason, what]) => `${what.join(", ")}: ${reason}`);
}

/** A list needs no more than these. */
const MOST = 200;

/** The same for all pins: `what` is the pin's file. */
export function unansweredOf({
  pins,
}: UpstreamFacts): readonly { readonly what: string; readonly reason: string }[] {
  const all = [...pins].flatMap(([{ path }, facts]) =>
    unknownOf(facts).map((reason) => ({ what: path, reason })),
  );
  return [...new Map(all.map((item) => [`${item.what}\0${item.reason}`, item])).values()].slice(0, MOST);
}
