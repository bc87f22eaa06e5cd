import { expect, it } from "vitest";
import { createPacing } from "../../src/verify/pacing.ts";
import { schedule } from "../../src/verify/schedule.ts";

it("spaces what goes to one host, while others go on", async () => {
  const pacing = createPacing(0.2);
  const starts: { readonly host: string; readonly at: number }[] = [];
  const began = performance.now();
  const hosts = ["a", "a", "a", "b", "b"];
  const limits = { total: 4, perKey: 1, readyAt: (host: string) => pacing.readyAt(host) };
  await schedule(
    hosts,
    (host) => host,
    limits,
    async (host) => {
      starts.push({ host, at: performance.now() - began });
      pacing.ended(host, null);
    },
  );
  expect(starts.map(({ host }) => host).sort()).toEqual(hosts);
  for (const host of ["a", "b"]) {
    const times = starts.filter((start) => start.host === host).map(({ at }) => at);
    times.slice(1).forEach((at, n) => {
      // A timer may be a millisecond early.
      expect(at - (times[n] ?? 0)).toBeGreaterThan(195);
    });
  }
  const order = starts.map(({ host }) => host).join("");
  expect(order.indexOf("b")).toBeLessThan(order.indexOf("a", order.indexOf("a") + 1));
});

it("keeps to what a host asks for, whatever a later fetch says", () => {
  const pacing = createPacing(1);
  expect(pacing.readyAt("a")).toBe(0);
  pacing.ended("a", 600);
  pacing.ended("a", null);
  expect(pacing.readyAt("a") - performance.now()).toBeGreaterThan(599_000);
  expect([pacing.isFar("a"), pacing.isFar("b")]).toEqual([true, false]);
});
