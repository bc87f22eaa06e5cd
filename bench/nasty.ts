/** Reviews changes of a size that no people make with the built programs, through each of the three doors. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { DOORS, pass } from "../test/support/doors.ts";
import { makeHuge, NEEDLE, SHAPES } from "../test/support/huge-repository.ts";
import { makeNastyRepository } from "../test/support/nasty-repository.ts";
import { type KnownRepository, knownRepository } from "../test/support/repository.ts";

const { values } = parseArgs({
  options: {
    scale: { type: "string", default: "1" },
    shape: { type: "string", multiple: true },
    door: { type: "string", multiple: true },
    /** In megabytes, of what Node keeps for objects; by default as Node has it. */
    heap: { type: "string" },
  },
});
const doors = DOORS.filter((door) => values.door?.includes(door) ?? true);
const env: Readonly<Record<string, string>> =
  values.heap === undefined ? {} : { NODE_OPTIONS: `--max-old-space-size=${values.heap}` };
const isWanted = (shape: string) => values.shape?.includes(shape) ?? true;

console.log(
  "| shape | door | seconds | of a processor | MB | MB more than at rest | ended | checked | needle |",
);
console.log("|---|---|---:|---:|---:|---:|---|---|---|");
for (const shape of SHAPES.filter(isWanted)) {
  const folder = mkdtempSync(join(tmpdir(), "verifod-nasty-"));
  try {
    const directory = join(folder, "repository");
    const { base, head } = makeHuge(directory, shape, Number(values.scale));
    await measure(shape, knownRepository(directory), base, head, NEEDLE);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
if (isWanted("names")) {
  const nasty = makeNastyRepository();
  try {
    const [needle = ""] = nasty.swapped;
    await measure("names", nasty, nasty.entries.base, nasty.entries.head, needle);
  } finally {
    nasty.remove();
  }
}

async function measure(
  shape: string,
  repository: KnownRepository,
  base: string,
  head: string,
  needle: string,
): Promise<void> {
  for (const door of doors) {
    const { usage, conclusion, outcome, paths, faults } = await pass(door, {
      repository,
      base,
      head,
      env,
      limitMs: 1_800_000,
    });
    const cells = [
      shape,
      door,
      usage.seconds.toFixed(1),
      usage.processor.toFixed(1),
      usage.megabytes.toFixed(0),
      door === "app" ? (usage.megabytes - usage.before).toFixed(0) : "",
      conclusion,
      outcome,
      paths.includes(needle) ? "found" : "not found",
    ];
    console.log(`| ${cells.join(" | ")} |`);
    for (const fault of faults) console.error(fault);
  }
}
