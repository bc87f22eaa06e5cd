/** A bare carriage return ends a comment for Nix, but not for editors, formatters, diffs and most parsers. */

import {
  addedLines,
  argument,
  codePoint,
  count,
  extension,
  headPath,
  inHead,
  type Line,
  visible,
} from "./_text.ts";
import type { FileFacts, Rule, RuleFinding } from "./rule.ts";

/** A CR that no LF follows. Lines come without their LF, so the CR of a CRLF is a line's last character. */
const LONE_CR = /\r(?!$)/;
/** Other characters that some programs take for the end of a line, and Nix does not. */
const ODD_BREAK = /[\v\f\u0085\u2028\u2029]/;

interface Hit {
  readonly line: Line;
  readonly at: number;
}

function hits(file: FileFacts, pattern: RegExp): readonly Hit[] {
  const found: Hit[] = [];
  for (const line of addedLines(file)) {
    const isLast = line.end === file.head?.length;
    // In a last line without LF, a final CR is a lone one too.
    const at = line.text.search(isLast && pattern === LONE_CR ? /\r/ : pattern);
    if (at >= 0) found.push({ line, at });
  }
  return found;
}

/** What follows the break: the part that a reader takes for the end of a comment. */
function hidden(hit: Hit): string {
  return hit.line.text.slice(hit.at + 1).trim();
}

function related(file: FileFacts, found: readonly Hit[], note: string) {
  return found
    .slice(1, 6)
    .map(({ line, at }) => ({ at: inHead(file, line.start + at, line.start + at + 1), note }));
}

function* check(file: FileFacts): Iterable<RuleFinding> {
  if (file.head === null || extension(headPath(file)) !== "nix") return;
  const returns = hits(file, LONE_CR);
  const [first] = returns;
  if (first) {
    const comment = first.line.text.lastIndexOf("#", first.at) >= 0;
    const code = hidden(first);
    yield {
      severity: "block",
      confidence: "high",
      title: comment ? "Code hidden behind a carriage return in a comment" : "Lone carriage return",
      message:
        `${count(returns.length, "added line")} of this file has a carriage return (U+000D) without a line feed. ` +
        `Nix ends a comment there, while diffs, editors and nixfmt show one line: what follows` +
        `${code === "" ? "" : `, here \`${visible(code)}\`,`} is live code that reads as a comment. ` +
        "Clear it by writing LF line ends (`sed -i 's/\\r/\\n/g' FILE`), so that everybody sees the same lines. " +
        `Check with: grep -nP '\\r(?!$)' ${argument(headPath(file))}`,
      at: inHead(file, first.line.start + first.at, first.line.end),
      before: null,
      after: visible(code, 200),
      evidence: ["static"],
      related: related(file, returns, "another carriage return without a line feed"),
      identity: returns.map(hidden),
    };
  }
  const breaks = hits(file, ODD_BREAK);
  const [odd] = breaks;
  if (odd) {
    const name = codePoint(odd.line.text.charAt(odd.at));
    yield {
      severity: "medium",
      confidence: "high",
      title: `Unusual line break ${name}`,
      message:
        `${count(breaks.length, "added line")} of this file has a character that some programs show as a line break ` +
        `and Nix does not (${name}): a reader may see code on a line of its own that Nix reads as part of a comment ` +
        "or string, or the other way round. Clear it by removing the character. " +
        `Check with: grep -nP '[\\x0B\\x0C\\x{85}\\x{2028}\\x{2029}]' ${argument(headPath(file))}`,
      at: inHead(file, odd.line.start + odd.at, odd.line.start + odd.at + 1),
      before: null,
      after: visible(odd.line.text, 200),
      evidence: ["static"],
      related: related(file, breaks, "another one"),
      identity: breaks.map(({ line }) => line.text.trim()),
    };
  }
}

export const rule: Rule = {
  id: "lone-cr-hidden-code",
  threat: "A32",
  description: "A carriage return that makes live Nix code look like a comment",
  severity: "block",
  *check(facts) {
    for (const file of facts.files) yield* check(file);
  },
};
