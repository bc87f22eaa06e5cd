/** What people ask of Verifod in comments: `@verifod recheck` and the like, each alone on a line. */
import { type OwnLine, ownLines } from "./command-lines.ts";

export type Command =
  | { readonly kind: "recheck" /** Null: everything. */; readonly finding: string | null }
  | { readonly kind: "acknowledge"; readonly finding: string; readonly reason: string }
  | { readonly kind: "explain" /** A rule or a finding. */; readonly subject: string }
  | { readonly kind: "help" }
  /** Addressed to us, but not understood. `problem`: a sentence of ours, with no text of the comment. */
  | { readonly kind: "malformed"; readonly problem: string };

/** Nobody needs more at once, and each may cost a review. */
const MOST_COMMANDS = 5;
const LONGEST_REASON = 300;

/** The list of commands, for people who ask or mistype. `handle` without the @. */
export function usage(handle: string): readonly string[] {
  return [
    `@${handle} recheck [FINDING]`,
    `@${handle} acknowledge FINDING REASON`,
    `@${handle} explain RULE|FINDING`,
    `@${handle} help`,
  ];
}

/** The commands in a comment, in order. `handle`: the App's name, without the @. */
export function readCommands(body: string, handle: string): readonly Command[] {
  const commands = ownLines(body).flatMap((line) => {
    const rest = afterMention(line.plain, handle);
    return rest === null ? [] : [commandOf(line, rest)];
  });
  if (commands.length <= MOST_COMMANDS) return commands;
  const problem = `A comment may hold ${MOST_COMMANDS} commands: those after them were not read.`;
  return [...commands.slice(0, MOST_COMMANDS), { kind: "malformed", problem }];
}

/** What follows the mention; null when the line does not begin with it. Only ordinary spaces end the mention. */
function afterMention(plain: string, handle: string): string | null {
  const text = plain.replace(/^ {1,3}/, "");
  const name = `@${handle}`;
  if (asciiLower(text.slice(0, name.length)) !== asciiLower(name)) return null;
  const rest = text.slice(name.length);
  return rest === "" || /^[ \t]/.test(rest) ? rest : null;
}

/** Lower case for ASCII letters only: account names ignore case, but other letters must not become ASCII by it. */
function asciiLower(text: string): string {
  return text.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
}

function commandOf({ plain, whole, hasHtml }: OwnLine, rest: string): Command {
  const words = rest.split(/[ \t]+/).filter((word) => word !== "");
  const [verb = "", subject = "", ...more] = words;
  const isAlone = plain === whole;
  switch (asciiLower(verb)) {
    case "recheck":
      if (!isAlone || more.length > 0)
        return malformed("recheck takes nothing, or one FINDING, and stands alone on its line.");
      return subject === ""
        ? { kind: "recheck", finding: null }
        : about(subject, (finding) => ({ kind: "recheck", finding }));
    case "acknowledge":
      if (hasHtml) return malformed("The reason must not hold HTML: nobody would see all of it.");
      return about(subject, (finding) => acknowledge(finding, reasonIn(whole)));
    case "explain":
      if (!isAlone || more.length > 0 || !/^[a-z0-9-]{1,100}$/i.test(subject))
        return malformed("explain takes the name of a RULE, or a FINDING.");
      return { kind: "explain", subject: asciiLower(subject) };
    case "help":
      return isAlone && subject === "" ? { kind: "help" } : malformed("help takes nothing more.");
    default:
      return malformed("There is no such command.");
  }
}

function malformed(problem: string): Command {
  return { kind: "malformed", problem };
}

/** A finding's fingerprint, or at least its first eight digits, which hardly two findings share by chance. */
const FINDING = /^[0-9a-f]{8,64}$/i;

function about(word: string, make: (finding: string) => Command): Command {
  if (FINDING.test(word)) return make(asciiLower(word));
  return malformed(
    "FINDING is the number that the check run shows beside the finding, or at least its first 8 digits, as plain text.",
  );
}

/** What stands after the third word. */
function reasonIn(line: string): string {
  const before = /^\s*\S+[ \t]+\S+[ \t]+\S+/.exec(line)?.[0] ?? line;
  return line.slice(before.length).trim();
}

function acknowledge(finding: string, reason: string): Command {
  if (!/\p{L}/u.test(reason)) return malformed("acknowledge takes a REASON after the finding, in words.");
  if (reason.length > LONGEST_REASON) return malformed(`A REASON has at most ${LONGEST_REASON} characters.`);
  return { kind: "acknowledge", finding, reason };
}
