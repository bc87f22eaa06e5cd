import { expect, it } from "vitest";
import { bar, createProgress, duration } from "../../src/cli/progress.ts";

it("shows how far it is, and when it ends", () => {
  expect(bar("pins", 25, 100, { spent: 60, left: 3_600 })).toBe(
    "[#####---------------] 25/100 pins, ETA 3 min",
  );
  expect(bar("pins", 25, 100, { spent: 60, left: 100 })).toContain("ends in 2 min at the latest");
  expect(bar("pins", 0, 100, { spent: 5, left: 7_200 })).toContain("ends in 2.0 h at the latest");
  expect(bar("pins", 0, 0, { spent: 0, left: 0 })).toContain("[####################] 0/0 pins");
  expect([duration(0.2), duration(89), duration(90), duration(5_400)]).toEqual([
    "1 s",
    "89 s",
    "2 min",
    "1.5 h",
  ]);
});

it("draws over its line on a terminal, and keeps notes", async () => {
  const written: string[] = [];
  const stream = { isTTY: true, columns: 20, write: (text: string) => written.push(text) > 0 };
  const progress = createProgress(stream);
  await new Promise((soon) => setTimeout(soon, 250));
  progress.update("a line that is longer than the terminal");
  progress.note("kept");
  progress.end();
  expect(written).toEqual(["\r\u001b[Ka line that is long", "\r\u001b[K", "kept\n"]);
});
