/** The gate for readers. */
import type { Gate, GatedPin, GateState } from "../ledger/gate.ts";
import { GATE_STATES } from "../ledger/gate.ts";
import { code, prose } from "./markdown-escape.ts";
import { visible, visibleJson } from "./visible.ts";

export type GateFormat = "text" | "json" | "markdown";

const WORDS: Readonly<Record<GateState, string>> = {
  match: "verified",
  expired: "expired",
  mismatch: "MISMATCH",
  unstable: "unstable",
  unavailable: "unavailable",
  unsupported: "unsupported",
  "not-checked": "not checked",
  never: "never verified",
  "no-hash": "no hash",
};

/** The report in a form; ends with a line feed. */
export function formatGate(gate: Gate, format: GateFormat): string {
  switch (format) {
    case "json":
      return `${visibleJson(JSON.stringify(gate, null, 2))}\n`;
    case "text":
      return [
        ...gate.pins.map(
          (pin) => `${wordOf(pin).padEnd(16)}${visible(nameOf(pin))}  ${visible(placeOf(pin))}`,
        ),
        ...gate.unchecked.map(({ what, reason }) => `not read        ${visible(what)}: ${visible(reason)}`),
        summaryOf(gate),
        "",
      ].join("\n");
    case "markdown":
      return [
        `**${summaryOf(gate)}**`,
        "",
        ...gate.pins.map((pin) => `- ${prose(wordOf(pin))}: ${code(nameOf(pin))} ${code(placeOf(pin))}`),
        ...gate.unchecked.map(({ what, reason }) => `- not read: ${code(what)} ${prose(reason, 500)}`),
        "",
      ].join("\n");
  }
}

function wordOf({ state, onlyUntrusted }: GatedPin): string {
  return onlyUntrusted ? "untrusted only" : WORDS[state];
}

function nameOf({ pin, binding, attrs }: GatedPin): string {
  const version = pin.version === null ? "" : ` ${pin.version}`;
  return `${pin.path}:${pin.line} ${attrs[0] ?? binding}${version}`;
}

function placeOf({ pin, verdict }: GatedPin): string {
  const when = verdict === null ? "" : `  (${verdict.at.slice(0, 10)}: ${verdict.reason})`;
  return `${pin.urls[0] ?? pin.hash ?? "no location"}${when}`;
}

function summaryOf({ pins, unchecked }: Gate): string {
  const counts = GATE_STATES.flatMap((state) => {
    const count = pins.filter((pin) => pin.state === state).length;
    return count === 0 ? [] : [`${count} ${WORDS[state]}`];
  });
  const unread = unchecked.length === 0 ? "" : `; ${unchecked.length} parts could not be read`;
  return `${pins.length} pins differ${counts.length === 0 ? "" : `: ${counts.join(", ")}`}${unread}`;
}
