/** Reviews changes of a size that no people make with the built program, with the memory that Node takes on a machine of 512 MB. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import type { Review } from "../src/report/review.ts";
import { verifod } from "../test/support/cli.ts";
import { makeHuge, NEEDLE, SHAPES, type Shape } from "../test/support/huge-repository.ts";
import { type Usage, watch } from "../test/support/measure.ts";

const { values } = parseArgs({
  options: { scale: { type: "string", default: "1" }, shape: { type: "string", multiple: true } },
});
const wanted = values.shape ?? SHAPES;

console.log("| shape | seconds | MB | status | complete | needle |\n|---|---:|---:|---:|---|---|");
for (const shape of SHAPES.filter((each) => wanted.includes(each)))
  await measure(shape, Number(values.scale));

async function measure(shape: Shape, scale: number): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "verifod-nasty-"));
  try {
    const directory = join(folder, "repository");
    const { base, head } = makeHuge(directory, shape, scale);
    const watching: (() => Usage)[] = [];
    const run = await verifod(["review", `${base}..${head}`, "--repo", directory, "--format", "json"], {
      env: { NODE_OPTIONS: "--max-old-space-size=320" },
      onSpawn: (child) => watching.push(watch(child)),
    });
    const [usage] = watching.map((done) => done());
    const review = run.stdout === "" ? null : (JSON.parse(run.stdout) as Review);
    const isFound = review?.findings.some(({ path }) => path === NEEDLE) ?? false;
    console.log(
      `| ${shape} | ${usage?.seconds.toFixed(1)} | ${usage?.megabytes.toFixed(0)} | ${run.status} | ${review?.complete ?? run.stderr.slice(0, 200)} | ${isFound ? "found" : "not found"} |`,
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
}
