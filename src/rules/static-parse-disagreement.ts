/** Changed code that the static layer cannot read: no other rule has seen what stands there. */

import { argument, count, headPath, inHead, visible } from "./_text.ts";
import type { FileFacts, Rule, RuleFinding } from "./rule.ts";

/** Files that may be broken on purpose. */
const TEST_PATH = /(?:^|\/)(?:tests?|fixtures?)\//;

type Range = FileFacts["changed"][number];

/** The errors that a changed stretch touches. Both lists are in order, so one walk along both is enough. */
function touched(errors: readonly Range[], changed: readonly Range[]): readonly Range[] {
  const found: Range[] = [];
  let next = 0;
  for (const error of errors) {
    while (next < changed.length && (changed[next] as Range).end < error.start) next++;
    const range = changed[next];
    if (range && range.start <= error.end) found.push(error);
  }
  return found;
}

function* check(file: FileFacts): Iterable<RuleFinding> {
  const text = file.head;
  if (text === null) return;
  const errors = touched(file.parseErrors, file.changed);
  const [first] = errors;
  if (!first) return;
  // If the base could not be read either, that is not the change's doing; its new content went unseen all the same.
  const old = file.baseParseErrors.length >= file.parseErrors.length;
  const snippet = visible(text.slice(first.start, Math.min(first.end, first.start + 200)).trim());
  yield {
    severity: old || TEST_PATH.test(headPath(file)) ? "low" : "high",
    confidence: old ? "low" : "medium",
    title: old
      ? "Changed code in a part that could not be read before either"
      : "Changed code could not be read",
    message:
      `The parser gave up at ${count(errors.length, "place")} of what this change touches` +
      `${snippet === "" ? "" : `, first at \`${snippet}\``}. ` +
      "Either the file is not valid Nix, or it is valid in a way that the static rules cannot see: nothing that stands " +
      "there was reviewed. Clear it by writing it in a plainer way, or by a review of those lines by eye. " +
      `Check with: nix-instantiate --parse ${argument(headPath(file))}`,
    at: inHead(file, first.start, first.end),
    before: null,
    after: snippet,
    evidence: ["static"],
    related: errors
      .slice(1, 6)
      .map((error) => ({ at: inHead(file, error.start, error.end), note: "not read either" })),
    identity: errors.map((error) => text.slice(error.start, Math.min(error.end, error.start + 200)).trim()),
  };
}

export const rule: Rule = {
  id: "static-parse-disagreement",
  threat: "A50",
  description: "Changed Nix code that could not be parsed, so that no rule has seen it",
  severity: "high",
  *check(facts) {
    for (const file of facts.files) yield* check(file);
  },
};
