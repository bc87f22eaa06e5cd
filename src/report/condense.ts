/** Turns many findings of one kind in a file into one: lists that programs write hold hundreds of pins. */

import { createHash } from "node:crypto";
import { addTo } from "../lists.ts";
import type { Finding } from "./review.ts";

/** From so many findings of one kind in a file on, one that counts them takes their place. */
const MANY = 3;

/** How many of them are named and linked. */
const NAMED = 5;

/**
 * The findings in order, with many of one rule, kind, severity and confidence in one file as one. It stands where the first
 * of them does, links some of the others, and its fingerprint is made from all of theirs, so that it changes as soon as one
 * of them comes or goes. Suppressed findings have to be removed before.
 */
export function condense(findings: readonly Finding[]): Finding[] {
  // Titles are `pin: what happened`, or only what happened.
  const kindOf = (title: string) => title.slice(title.indexOf(": ") + 1);
  const keyOf = ({ rule, severity, confidence, side, path, title }: Finding) =>
    [rule, severity, confidence, side, path, kindOf(title)].join(" ");
  const groups = new Map<string, Finding[]>();
  for (const finding of findings) addTo(groups, keyOf(finding), finding);
  return findings.flatMap((finding) => {
    const group = groups.get(keyOf(finding)) ?? [];
    if (group.length < MANY) return [finding];
    return group[0] === finding ? [together(finding, group.slice(1))] : [];
  });
}

function together(first: Finding, others: readonly Finding[]): Finding {
  const named = others.slice(0, NAMED);
  const more = others.length > NAMED ? "; …" : "";
  return {
    ...first,
    title: `${first.title}, and ${others.length} more in this file`,
    message: `${first.message} ${others.length} more in this file: ${named.map(({ title }) => title).join("; ")}${more}`,
    related: [
      ...first.related,
      ...named.map(({ path, startLine, title }) => ({ path, line: startLine, note: title })),
    ],
    fingerprint: createHash("sha256")
      .update([first, ...others].map(({ fingerprint }) => fingerprint).join("\n"))
      .digest("hex"),
  };
}
