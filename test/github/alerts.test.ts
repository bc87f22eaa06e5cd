import fc from "fast-check";
import { marked } from "marked";
import { expect, test } from "vitest";
import { alertBody, concernLines, planAlerts, toldBy } from "../../src/github/alerts.ts";
import type { Concern } from "../../src/owners/subsystems.ts";
import { allTokens, liveText } from "../support/markdown.ts";
import { finding, hostileText } from "../support/reviews.ts";

const concern = (n: number, whom: string, values = {}): Concern => ({
  finding: finding({ fingerprint: n.toString(16).padStart(16, "0").padEnd(64, "0"), ...values }),
  subsystem: "boot chain",
  whom,
});
const nobody = toldBy([]);
const [one, two] = [concern(1, "@NixOS/boot"), concern(2, "@NixOS/boot")];

test("each team is told of each finding once, whatever is said again", () => {
  const first = planAlerts([one], nobody, 3);
  expect(first).toEqual({ say: [one], unsaid: [] });
  const body = alertBody(first.say);
  const told = toldBy([body]);
  expect(planAlerts([one], told, 3)).toEqual({ say: [], unsaid: [] });
  expect(planAlerts([concern(1, "@nixos/BOOT")], told, 3).say).toEqual([]);
  expect(planAlerts([one, two], told, 3).say).toEqual([two]);
  // GitHub gives text back with its own line ends.
  expect(planAlerts([one], toldBy([body.replaceAll("\n", "\r\n")]), 3).say).toEqual([]);
});

test("one pull request has so many mentions and no more, over all that is told", () => {
  const concerns = ["@a/1", "@a/2", "@a/3", "@a/4"].map((whom) => concern(1, whom));
  const first = planAlerts([...concerns, two], nobody, 2);
  expect(first.say.map(({ whom }) => whom)).toEqual(["@a/1", "@a/2"]);
  expect(first.unsaid.length).toBe(3);
  const body = alertBody(first.say);
  expect(body.split("\n")[1]).toBe("@a/1 @a/2: a finding in `boot chain`.");
  const told = toldBy([body]);
  expect(told.mentions).toBe(2);
  expect(planAlerts([concern(9, "@a/1"), ...concerns], told, 2).say).toEqual([]);
  expect(planAlerts([concern(9, "@a/1")], told, 3).say.length).toBe(1);
  expect(planAlerts(concerns, nobody, 0).say).toEqual([]);
});

test("a marker of another kind, or one that is broken, tells nothing", () => {
  for (const body of [
    "",
    "@NixOS/boot",
    "<!-- verifod:alert:v1 e30 -->",
    "<!-- verifod:alert:v1 !! -->\n",
    "<!-- verifod:answers:v1 W10 -->",
    ` ${alertBody([one])}`,
  ])
    expect(toldBy([body])).toEqual(nobody);
});

test("nothing is live in an alert but those who are told", () => {
  fc.assert(
    fc.property(hostileText, hostileText, hostileText, (title, path, subsystem) => {
      const body = alertBody([{ ...concern(1, "@NixOS/boot", { title, path }), subsystem }]);
      expect(body.length).toBeLessThan(65_536);
      const rest = body.slice(body.indexOf("\n") + 1).replace("@NixOS/boot", "");
      const tokens = allTokens(marked.lexer(rest));
      for (const { type } of tokens)
        expect(["html", "image", "link", "code", "blockquote", "hr", "def", "table"]).not.toContain(type);
      expect(liveText(tokens)).not.toMatch(/@|#\d|:\/\/|www\.|gh-\d|<|\$/i);
      expect(rest).not.toContain("<!--");
      const lines = concernLines([{ ...one, subsystem }], [one]).join("\n");
      expect(liveText(allTokens(marked.lexer(lines)))).not.toMatch(/@|#\d|:\/\/|www\.|<|\$/i);
    }),
  );
});

test("a thousand findings are one short comment", () => {
  const concerns = Array.from({ length: 1_000 }, (_, i) =>
    concern(1, `@${"o".repeat(50)}/${"t".repeat(50)}`, {
      fingerprint: `${i}`.padStart(16, "0").padEnd(64, "f"),
    }),
  );
  const { say, unsaid } = planAlerts(concerns, nobody, 3);
  expect([say.length, unsaid.length]).toEqual([300, 700]);
  const body = alertBody(say);
  expect(body).toContain("- 280 more");
  expect(body.length).toBeLessThan(65_536);
  expect(toldBy([body]).pairs.size).toBe(300);
});
