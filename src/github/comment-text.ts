/** The text of our line comments, with the marker that identifies them. It counts only in comments of our own. */
import { code, prose } from "../report/markdown-escape.ts";
import type { Finding } from "../report/review.ts";

const MARKER = /^<!-- verifod:v1 ([0-9a-f]{12,64})( solved)? -->\n/;

/** The finding that a comment is about; null for a comment without our marker. */
export function parseMarker(body: string): { readonly fingerprint: string; readonly solved: boolean } | null {
  const [, fingerprint, solved] = MARKER.exec(body.replaceAll("\r\n", "\n")) ?? [];
  return fingerprint === undefined ? null : { fingerprint, solved: solved !== undefined };
}

/** The comment for a finding: the same finding gives the same text at every head. */
export function commentBody(finding: Finding): string {
  const { severity, rule, title, message, before, after, help, fingerprint } = finding;
  const value = (text: string | null): string => (text === null ? "(none)" : code(text, 300));
  const parts = [
    `**${severity}**: ${prose(title, 300)}`,
    ...(before === null && after === null ? [] : [`${value(before)} → ${value(after)}`]),
    ...message.split(/\r?\n/, 20).flatMap((line) => (line.trim() === "" ? [] : [prose(line, 2_000)])),
    `[${rule}](${help}), finding ${code(fingerprint.slice(0, 12))}`,
  ];
  return `<!-- verifod:v1 ${fingerprint} -->\n${parts.join("\n\n")}\n`;
}

/** A comment of ours, struck through: `head` no longer has its finding. */
export function solvedBody(body: string, fingerprint: string, head: string): string {
  const [first = "", ...rest] = body.replaceAll("\r\n", "\n").replace(MARKER, "").split("\n");
  const text = [`~~${first}~~`, "", `Solved in ${head.slice(0, 12)}.`, ...rest].join("\n");
  return `<!-- verifod:v1 ${fingerprint} solved -->\n${text}`;
}
