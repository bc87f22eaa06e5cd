/** A patrol for readers: what changed, what died, what moved, what could not be checked. */
import type { Patrol, PatrolEnd, PatrolledPin } from "../patrol.ts";
import type { GateFormat } from "./gate.ts";
import { code, prose } from "./markdown-escape.ts";
import { visible } from "./visible.ts";

type Section = "changed" | "died" | "moved" | "unchecked";

const TITLES: Readonly<Record<Section, string>> = {
  changed: "Changed: the location gives other bytes than declared",
  died: "Died: the location is gone",
  moved: "Moved: the location permanently redirects",
  unchecked: "Could not be checked",
};

const ENDS: Readonly<Record<PatrolEnd, string>> = {
  done: "all due pins were looked at",
  time: "the time was used up",
  bytes: "the bytes were used up",
  interrupted: "interrupted",
};

/** The sections that list a pin; one that moved but still matches is in `moved` only. */
export function sectionsOf({ outcome, died, movedTo }: PatrolledPin): readonly Section[] {
  const moved: readonly Section[] = movedTo === null ? [] : ["moved"];
  if (outcome === "match") return moved;
  if (outcome === "mismatch" || outcome === "unstable") return ["changed", ...moved];
  return died ? ["died"] : ["unchecked", ...moved];
}

/** The report in a form; ends with a line feed. */
export function formatPatrol(patrol: Patrol, format: GateFormat): string {
  if (format === "json") return `${JSON.stringify(patrol, null, 2)}\n`;
  const isText = format === "text";
  const lines = [isText ? summaryOf(patrol) : `**${summaryOf(patrol)}**`, ""];
  for (const section of Object.keys(TITLES) as Section[]) {
    const pins = patrol.pins.filter((pin) => sectionsOf(pin).includes(section));
    if (pins.length === 0) continue;
    lines.push(isText ? TITLES[section] : `### ${TITLES[section]}`, ...(isText ? [] : [""]));
    lines.push(...pins.map((pin) => (isText ? textLine(pin, section) : markdownLine(pin, section))), "");
  }
  return `${lines.join("\n").trimEnd()}\n`;
}

function summaryOf({ pins, due, left, ended, seconds, bytes }: Patrol): string {
  const count = (section: Section) => pins.filter((pin) => sectionsOf(pin).includes(section)).length;
  const held = pins.filter(({ outcome }) => outcome === "match").length;
  const megabytes = (bytes / 1e6).toFixed(1);
  return (
    `${pins.length} of ${due} due pins looked at in ${seconds} s, ${megabytes} MB: ${held} hold, ${count("changed")} changed, ` +
    `${count("died")} died, ${count("moved")} moved, ${count("unchecked")} not checked; ${left} left (${ENDS[ended]})`
  );
}

function nameOf({ pin: { path, line, pname, version, binding } }: PatrolledPin): string {
  return [`${path}:${line}`, pname, version, binding].filter(Boolean).join(" ");
}

function tail(pin: PatrolledPin, section: Section): string {
  if (section === "moved") return `now at ${pin.movedTo ?? ""}`;
  const before = pin.before === null ? "" : ` (${pin.before.outcome} on ${pin.before.at.slice(0, 10)})`;
  return `${pin.reason}${before}`;
}

function textLine(pin: PatrolledPin, section: Section): string {
  const place = pin.pin.urls[0] ?? "no location";
  return `  ${visible(nameOf(pin))}  ${visible(place)}: ${visible(tail(pin, section), 500)}`;
}

function markdownLine(pin: PatrolledPin, section: Section): string {
  return `- ${code(nameOf(pin))} ${code(pin.pin.urls[0] ?? "no location")}: ${prose(tail(pin, section), 500)}`;
}
