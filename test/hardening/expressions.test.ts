/** Every regular expression of the sources on texts that are made from it: none takes time by the square of a text. */
import { expect, test } from "vitest";
import { type Expression, expressionsOfSources, pumpsOf } from "../support/expressions.ts";

/** Milliseconds of this process's own computing that an expression takes on a pump that fills a text. */
function millisecondsOf({ source, flags }: Expression, pump: string, count: number): number {
  const expression = new RegExp(source, flags.replace(/[gy]/g, ""));
  const text = `${pump.repeat(count)}\0\n`;
  const before = process.cpuUsage();
  expression.test(text);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000;
}

/** Twice, as what else the machine does must not count. */
const takesLonger = (expression: Expression, pump: string, count: number, limit: number): boolean =>
  [1, 2].every(() => millisecondsOf(expression, pump, count) > limit);

/** Of what grows with each pump by a factor, so few take long, and few more for ever. */
const FEW = [12, 16, 20, 24, 28];
/** Steps of what begins anew at each pump and looks to the end: in 1,400 characters or more, then in ten times as many. */
const STEPS = 1_000_000;
const MORE_STEPS = 100_000_000;
/** What grows with the text takes a tenth of that for the steps, what grows by the square twice as much. */
const MOST_MILLISECONDS = 100;

function slowestOf(expression: Expression): string | null {
  for (const pump of pumpsOf(expression)) {
    if (FEW.some((count) => takesLonger(expression, pump, count, 10))) return pump;
    const count = (steps: number): number => Math.ceil(Math.sqrt((2 * steps) / pump.length));
    if (!takesLonger(expression, pump, count(STEPS), 1)) continue;
    if (takesLonger(expression, pump, count(MORE_STEPS), MOST_MILLISECONDS)) return pump;
  }
  return null;
}

test("no expression takes more than time by the length of a text", { timeout: 120_000 }, () => {
  const expressions = expressionsOfSources();
  expect(expressions.length).toBeGreaterThan(1_000);
  const slow = expressions.flatMap((expression) => {
    const pump = slowestOf(expression);
    return pump === null ? [] : [`${expression.place}: /${expression.source}/ on ${JSON.stringify(pump)}`];
  });
  expect(slow).toEqual([]);
});

test.each([
  ["a prefix that stands in what follows it", "inherit\\b[^;]*hash"],
  ["a part that is the begin of itself", "hash[\\w.-]*="],
  ["repetitions in one another", "^(?:cap_\\w*|,)*$"],
])("it sees %s", (_, source) => {
  expect(slowestOf({ place: "here", source, flags: "" })).not.toBeNull();
});
