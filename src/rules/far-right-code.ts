/** Code pushed out of the visible part of a line, where a diff view cuts or scrolls. */
import type { Severity } from "../report/review.ts";
import { addedLines, argument, extension, headPath, inHead, type Line, quota, visible } from "./_text.ts";
import type { FileFacts, Rule, RuleFinding } from "./rule.ts";

/** So many blanks in the middle of a line: no formatter makes such a gap, and no table needs it. */
const GAP = 40;
/** Indentation beyond that of the lines around. */
const DEEP = 100;
/** GitHub's diff shows about this many columns without scrolling. */
const VISIBLE_COLUMNS = 160;
const USUAL_COLUMNS = 100;

const CODE = new Set(["nix", "sh", "bash", "py", "pl", "rb", "js", "mjs", "cjs", "ts", "lua", "yml", "yaml"]);
const BLANK_THEN_CODE = new RegExp(`\\S(\\s{${GAP},})(?=[^\\s#])`);
/** A further binding: with it a tail is more than the end of a long string. */
const BINDING = /;\s*[A-Za-z_"][\w.'"-]*\s*=[^=]/;

interface Hit {
  readonly severity: Severity;
  readonly start: number;
  readonly tail: string;
  readonly what: string;
}

/** So many lines on each side count as those around a line. */
const AROUND = 4;

/** The nearest lines around a line. */
function* siblings(text: string, line: Line): Generator<string> {
  let end = line.start - 1;
  for (let seen = 0; seen < AROUND && end > 0; seen++) {
    const start = text.lastIndexOf("\n", end - 1) + 1;
    yield text.slice(start, end);
    end = start - 1;
  }
  let start = line.end + 1;
  for (let seen = 0; seen < AROUND && start < text.length; seen++) {
    const feed = text.indexOf("\n", start);
    const stop = feed < 0 ? text.length : feed;
    yield text.slice(start, stop);
    start = stop + 1;
  }
}

function indentation(line: string): number {
  const first = line.search(/\S/);
  return Math.max(first, 0);
}

/** Whether what follows the blanks is a comment, or the next cell of a table. */
function isBeside(before: string, tail: string): boolean {
  if (tail.startsWith("//")) return true;
  return tail.startsWith("|") && (before.includes("|") || /\|\s{0,9}$/.test(tail));
}

function hitOf(text: string, line: Line): Hit | null {
  if (line.text.length < GAP + 2) return null;
  const isComment = /^\s*(?:#|\/\/)/.test(line.text);
  const gap = isComment ? null : BLANK_THEN_CODE.exec(line.text);
  const start = gap ? gap.index + gap[0].length : 0;
  // A closing bracket in a column of its own says nothing, nor does a row of a table.
  if (
    gap &&
    /\w/.test(line.text.slice(start)) &&
    !isBeside(line.text.slice(0, start), line.text.slice(start))
  ) {
    return {
      severity: "high",
      start,
      tail: line.text.slice(start),
      what: `behind ${gap[1]?.length ?? GAP} blanks`,
    };
  }
  const indent = indentation(line.text);
  if (indent >= DEEP) {
    const around = Math.max(0, ...[...siblings(text, line)].map(indentation));
    if (around < indent / 2)
      return {
        severity: "high",
        start: indent,
        tail: line.text.slice(indent),
        what: `indented by ${indent} columns`,
      };
  }
  if (isComment || line.text.length <= VISIBLE_COLUMNS) return null;
  const more = BINDING.exec(line.text.slice(USUAL_COLUMNS));
  const column = more ? USUAL_COLUMNS + more.index + 1 : 0;
  if (column < VISIBLE_COLUMNS) return null;
  for (const sibling of siblings(text, line)) if (sibling.length > USUAL_COLUMNS) return null;
  return { severity: "medium", start: column, tail: line.text.slice(column), what: `past column ${column}` };
}

/** Of each severity: the others of it say nothing new. */
const MOST_FINDINGS = 20;

function* check(file: FileFacts): Iterable<RuleFinding> {
  const path = headPath(file);
  const isCode = CODE.has(extension(path)) || (extension(path) === "" && file.head?.startsWith("#!"));
  if (file.head === null || !isCode) return;
  const hasRoom = quota(MOST_FINDINGS);
  for (const line of addedLines(file)) {
    const hit = hitOf(file.head, line);
    if (!hit || !hasRoom(hit.severity)) continue;
    const tail = visible(hit.tail.trim());
    yield {
      severity: hit.severity,
      confidence: hit.severity === "high" ? "high" : "medium",
      title: `Code far to the right: ${hit.what}`,
      message:
        `\`${tail}\` stands ${hit.what}, where a diff view has scrolled or folded it away, while the lines around are short: ` +
        "a reader does not see it. Clear it by putting it on a line of its own. " +
        `Check with: cut -c ${hit.start + 1}- ${argument(path)}`,
      at: inHead(file, line.start + hit.start, line.end),
      before: null,
      after: tail,
      evidence: ["static"],
      related: [],
      identity: [hit.tail.trim()],
    };
  }
}

export const rule: Rule = {
  id: "far-right-code",
  threat: "A51",
  description: "Code pushed out of view by blanks or at the end of a very long line",
  severity: "high",
  *check(facts) {
    for (const file of facts.files) yield* check(file);
  },
};
