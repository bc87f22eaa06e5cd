/** Text that speaks to a reviewing program instead of to people. */
import {
  addedLines,
  addedText,
  argument,
  count,
  fileName,
  headPath,
  inHead,
  type Line,
  visible,
} from "./_text.ts";
import type { FileFacts, Rule, RuleFinding } from "./rule.ts";

/**
 * Sentences that tell a model what to do or to report. Each pattern is tried where its first word stands, and reads only
 * a few words after it.
 */
const PHRASES: readonly RegExp[] = [
  /\b(?:ignore|disregard|forget|override) (?:all |any |the |your |every )?(?:of )?(?:the |your |my )?(?:previous|prior|earlier|above|preceding|foregoing|system|other) (?:[a-z]{1,20} )?(?:instructions?|prompts?|rules|context|directives?|guid(?:elines|ance)|messages?)/i,
  /\b(?:automated|ai|llm|bot|language[- ]model|model|assistant|agent)[- ](?:based )?(?:code )?(?:reviewers?|reviews?|assistants?|agents?|models?|bots?|scanners?|checkers?)\b.{0,40}\b(?:must|should|shall|please|are to|need to|has to|have to)\b.{0,60}\b(?:answer|approve|report|respond|reply|ignore|skip|say|output|mark|merge|state|conclude|not mention|classify|treat)/i,
  /\b(?:if you are|you are now) an? (?:ai|llm|automated (?:reviewer|reviewing|agent|assistant|scanner)|language[- ]model|assistant|large language)\b/i,
  /\bas an? (?:ai|llm|automated|language[- ]model|large language)\b.{0,40}\b(?:you|reviewer|reviewing)\b/i,
  /\b(?:ignore|disregard|forget|override) (?:all |any )?(?:of )?(?:the |your )?(?:instructions?|prompts?|guidelines|guidance) (?:above|before|given|so far)\b/i,
  /\b(?:previous|prior|earlier|above) instructions? (?:are|is) (?:now )?(?:void|null|cancelled|obsolete|superseded|revoked)\b/i,
  /(?:^|[\s#/*@(])(?:note|attention|message|notice|instructions?|for|to|dear|hey|@) {0,2}(?:(?:to|for) )?(?:all |any |the )?(?:ais?|llms?|language[- ]models?|claude|copilot|chatgpt|gemini|coderabbit)\b.{0,40}[:,].{0,100}\b(?:approve|skip|do not|don't|must|already (?:passed|verified|reviewed)|was (?:verified|reviewed)|no need)\b/i,
  /(?:^|[\s#/*])(?:@(?:claude|copilot|coderabbit\w{0,5}|gemini)\b|(?:claude|copilot|chatgpt|gemini|coderabbit)[:,]).{0,100}\b(?:approve|skip|ignore|do not|don't|resolve)\b/i,
  /\bwhen (?:you are )?reviewing th(?:is|e) (?:pull request|pr|change|diff|patch|commit|package)\b.{0,20}\b(?:treat|assume|consider|ignore|skip|report|answer)\b/i,
  /\b(?:reviewers?|assistants?|agents?) (?:based on|using|powered by) (?:an? )?(?:ai|llms?|language[- ]models?)\b.{0,60}\b(?:must|should|shall)\b/i,
  /\bend of (?:the )?(?:diff|patch|file|context|prompt|input)\b.{0,20}\b(?:new|next|your) (?:task|instructions?|prompt)\b/i,
  /\b(?:assistant|human): .{0,80}\b(?:human|user|assistant): /i,
  /\b(?:ignoriere|ignorez|ignora|ignore|vergiss)\b.{0,20}\b(?:vorherigen|bisherigen|obigen|pr[eé]c[eé]dentes|anteriores|previas)\b.{0,20}\b(?:anweisungen|instructions|instrucciones|instru[cç][oõ]es)|\b(?:ignorez|ignora|ignore)\b.{0,20}\b(?:instructions|instrucciones|instru[cç][oõ]es) (?:pr[eé]c[eé]dentes|anteriores|previas)|忽略.{0,10}(?:之前|以上|先前|上述).{0,8}(?:指令|提示|说明)/i,
  /\b(?:do not|don't|never) (?:mention|report|flag|reveal|disclose|review|comment on)\b.{0,30}\b(?:this (?:line|file|change|comment|package|commit|diff|hunk)|these (?:lines|changes)|it to the user)/i,
  /\b(?:answer|respond|reply|report|output|say|conclude)\b.{0,20}["'“«`]?(?:no (?:findings|issues|problems|vulnerabilities)|lgtm|approved?|looks good to me|safe to merge)\b/i,
  /<\|(?:im_start|im_end|system|user|assistant|endoftext)\|>|\[\/?INST\]|<<\/?SYS>>|<\/?system[-_](?:prompt|message|reminder)>/i,
  /^[\s#/*;-]*(?:system|assistant|developer)\s{0,3}(?:prompt|message|note|instruction)?\s{0,3}:\s{0,3}(?:automated|ignore|you (?:are|must|should)|do not|approve|this (?:package|change|file|commit|diff) (?:is|was|has)|all (?:automated|ai|reviewers?|previous)|the reviewer|reviewers?)\b/i,
  /\b(?:new|updated|important|system) instructions?(?: for (?:the )?(?:ai|llm|model|agents?|assistants?|reviewers?|bots?))\b/i,
];

/**
 * The same patterns for a whole text, matching at least where a line matches. They leave out the start of a line, since
 * endless blanks after `^` would be gone through from each of them.
 */
const IN_TEXT = PHRASES.map(({ source }) => new RegExp(source.replace(/^\^\[.*?\]\*/, ""), "i"));

/** Files that are written for models, or about them. */
const PROMPT_FILE =
  /(?:^|\/)(?:AGENTS|CLAUDE|GEMINI|COPILOT[-_]?INSTRUCTIONS|copilot-instructions|SKILL|llms)(?:\.local)?\.(?:md|mdc|txt)$|(?:^|\/)\.(?:cursor|claude|github\/prompts|github\/instructions|windsurf|aider)[^/]*\/|\.prompt(?:\.md|\.txt)?$|(?:^|\/)prompts?\/|\.cursorrules$/i;

/** Long lines are read in stretches, each with the end of the one before: no phrase is longer than the overlap. */
const STRETCH = 4_000;
const OVERLAP = 400;

/** The text with each run of blanks as one space. */
const single = (text: string): string => text.replace(/[^\S\n]{2,}|[^\S\n ]/g, " ");

/** Characters that are searched at a time: a copy of a whole file may not fit into memory. */
const PIECE = 100_000;

/** Whether a line of a text may hold one of the phrases. */
function mayHoldPhrase(text: string): boolean {
  for (let start = 0; start < text.length; ) {
    const lineEnd = text.indexOf("\n", start + PIECE);
    const end = lineEnd < 0 ? text.length : lineEnd;
    const piece = single(text.slice(start, end).replace(/\n[ \t]{0,200}(?:#|\/\/|\*)[#/* \t]{0,20}/g, " "));
    if (IN_TEXT.some((phrase) => phrase.test(piece))) return true;
    start = end + 1;
  }
  return false;
}

/** The offset in a text that belongs to an offset in `single(text)`. */
function offsetIn(text: string, offset: number): number {
  let at = 0;
  for (let left = offset; left > 0; left--) {
    if (/\s/.test(text[at] ?? "")) while (/\s/.test(text[at + 1] ?? "")) at++;
    at++;
  }
  return at;
}

function phraseIn(text: string): { readonly at: number; readonly phrase: string } | null {
  for (let start = 0; start === 0 || start + OVERLAP < text.length; start += STRETCH - OVERLAP) {
    const stretch = text.slice(start, start + STRETCH);
    for (const phrase of PHRASES) {
      const match = phrase.exec(stretch);
      if (match) return { at: start + match.index, phrase: match[0].trim() };
    }
  }
  return null;
}

const MARK = /^\s*(?:#|\/\/|\*)[#/*\s]*/;
const isComment = ({ text }: Line) => MARK.test(text) && text.length < OVERLAP;
/** So many lines a sentence has at most. */
const MOST_BELOW = 3;

/** The comments right below a line. */
function below(lines: readonly Line[], index: number): readonly Line[] {
  const found: Line[] = [];
  let last = lines[index];
  for (const line of lines.slice(index + 1, index + 1 + MOST_BELOW)) {
    if (line.start !== (last?.end ?? 0) + 1 || !isComment(line)) break;
    found.push(line);
    last = line;
  }
  return found;
}

function* check(file: FileFacts): Iterable<RuleFinding> {
  const path = headPath(file);
  if (file.head === null || PROMPT_FILE.test(path)) return;
  if (!mayHoldPhrase(addedText(file))) return;
  const found: { readonly line: Line; readonly at: number; readonly phrase: string }[] = [];
  const lines = addedLines(file);
  let told = -1;
  for (const [index, line] of lines.entries()) {
    const hit = phraseIn(single(line.text));
    if (hit) found.push({ line, at: offsetIn(line.text, hit.at), phrase: hit.phrase });
    // A sentence that goes on in the comments below.
    else if (index > told && isComment(line)) {
      const rest = below(lines, index);
      const over =
        rest.length > 0 && phraseIn([line, ...rest].map(({ text }) => text.replace(MARK, "")).join(" "));
      if (!over || rest.some(({ text }) => phraseIn(single(text)))) continue;
      told = index + rest.length;
      found.push({ line, at: 0, phrase: over.phrase });
    }
  }
  const [first] = found;
  if (!first) return;
  yield {
    severity: "medium",
    confidence: "medium",
    title: "Text that speaks to an automated reviewer",
    message:
      `${count(found.length, "added line")} of \`${visible(fileName(path), 100)}\` tell${found.length === 1 ? "s" : ""} a reviewing program what to answer. ` +
      "Whoever lets a model read this change gets its author's verdict instead of a review. " +
      "Clear it by removing the text, or by a word on why a package needs it. " +
      "This review does not read prose: its result is the same with and without. " +
      `Check with: git show HEAD -- ${argument(path)}`,
    at: inHead(file, first.line.start + first.at, first.line.end),
    before: null,
    // The text itself is not repeated: the report may be read by such a program.
    after: null,
    evidence: ["static"],
    related: found
      .slice(1, 6)
      .map(({ line, at }) => ({ at: inHead(file, line.start + at, line.end), note: "another one" })),
    identity: found.map(({ phrase }) => phrase.toLowerCase()),
  };
}

export const rule: Rule = {
  id: "reviewer-prompt-injection",
  threat: "A47",
  description: "Added text that tells a reviewing program what to answer",
  severity: "medium",
  *check(facts) {
    for (const file of facts.files) yield* check(file);
  },
};
