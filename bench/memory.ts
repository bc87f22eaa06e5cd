// What the memory costs: `npx tsx bench/memory.ts [--repo DIR] [--records N] [--ledger-only]`. Index: time and size against
// one raw parse of the same files. Ledger: appending, looking up, checking and exporting, and what it takes of the disk, in
// the embedded one and in a PostgreSQL server of its own.
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { openRepository } from "../src/change/repository.ts";
import { openLedger } from "../src/ledger/ledger.ts";
import { openIndex, readIndex, writeIndex } from "../src/ledger/pin-index.ts";
import { updateIndex } from "../src/ledger/update-index.ts";
import { startPostgres } from "../test/support/postgres.ts";
import { makeRecord, sri } from "../test/support/records.ts";
import { makeRepository, packages, packageText } from "./inputs.mjs";

const { values } = parseArgs({
  options: {
    repo: { type: "string" },
    records: { type: "string", default: "20000" },
    "ledger-only": { type: "boolean", default: false },
  },
});
const folder = mkdtempSync(join(tmpdir(), "verifod-memory-"));

/** Milliseconds of wall clock and of CPU: on a busy machine the second says more. */
async function measure<T>(what: string, work: () => Promise<T>): Promise<T> {
  const started = performance.now();
  const before = process.cpuUsage();
  const result = await work();
  const { user, system } = process.cpuUsage(before);
  const milliseconds = performance.now() - started;
  process.stdout.write(
    `${what.padEnd(44)} ${milliseconds.toFixed(1).padStart(10)} ms, CPU ${((user + system) / 1000).toFixed(1)} ms\n`,
  );
  return result;
}

/** The time of the parser alone, in one thread. */
function rawParse(
  directory: string,
  pair: string,
): { readonly blobs: number; readonly milliseconds: number } {
  const program = fileURLToPath(new URL("parse.mjs", import.meta.url));
  const output = execFileSync(process.execPath, [program, directory], { input: pair, encoding: "utf8" });
  return JSON.parse(output) as ReturnType<typeof rawParse>;
}

const RUNS = 3;

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}

/** The milliseconds of the command, its start with it. */
function indexWithCommand(directory: string, revision: string, file: string): number {
  rmSync(file, { force: true });
  const program = fileURLToPath(new URL("../dist/cli.mjs", import.meta.url));
  const started = performance.now();
  execFileSync(process.execPath, [program, "index", revision, "--repo", directory, "--index", file], {
    stdio: "pipe",
  });
  return performance.now() - started;
}

async function benchIndex(directory: string): Promise<void> {
  const repository = await openRepository(directory);
  const file = join(folder, "index");
  const [before, head] = [await repository.resolve("HEAD~1"), await repository.resolve("HEAD")];
  const pair = `${repository.emptyTree} ${before.oid}`;
  // By turns: the speed of a machine changes from one second to the next.
  const runs = Array.from({ length: RUNS }, () => {
    const { blobs, milliseconds } = rawParse(directory, pair);
    return { blobs, raw: milliseconds, command: indexWithCommand(directory, before.oid, file) };
  });
  const [raw, command] = [median(runs.map((run) => run.raw)), median(runs.map((run) => run.command))];
  process.stdout.write(
    `one raw parse of its ${runs[0]?.blobs} Nix files: ${raw.toFixed(0)} ms\n` +
      `verifod index of the whole tree: ${command.toFixed(0)} ms, ${(command / raw).toFixed(2)} times that\n`,
  );
  // What another program made is made anew.
  const content = await updateIndex(repository, before, null);
  await writeIndex(file, content);
  await measure("index of the next commit", async () =>
    writeIndex(file, await updateIndex(repository, head, await readIndex(file))),
  );
  const bytes = statSync(file).size;
  process.stdout.write(
    `${bytes} bytes for ${content.header.pins} pins: ${Math.round(bytes / content.header.pins)} each\n`,
  );
  const hash =
    [...content.files.values()].flatMap(({ pins }) => pins.flatMap((pin) => pin.hash ?? []))[0] ?? "";
  await measure("lookup", async () => (await openIndex(file))?.find([hash], (pin) => pin.hash === hash));
  repository.close();
}

const BATCH = 1_000;

/** Bytes of all files below a directory. */
function sizeOf(directory: string): number {
  return Number(execFileSync("du", ["-sB1", directory], { encoding: "utf8" }).split("\t")[0]);
}

/** The most memory that this process has had so far, and now: what grows with the ledger would show. */
function memory(): string {
  const megabytes = (bytes: number) => `${Math.round(bytes / 1e6)} MB`;
  return `memory ${megabytes(process.memoryUsage.rss())}, at most ${megabytes(process.resourceUsage().maxRSS * 1024)}`;
}

async function benchLedger(location: string, records: number, directory: string): Promise<void> {
  const before = sizeOf(directory);
  const ledger = await measure("opening the ledger", () => openLedger(location));
  const started = performance.now();
  await measure(`appending ${records} records, ${BATCH} at a time`, async () => {
    for (let done = 0; done < records; done += BATCH) {
      await ledger.append(Array.from({ length: BATCH }, (_, n) => makeRecord(`r${done + n}`)));
    }
  });
  const rate = (1_000 * records) / (performance.now() - started);
  process.stdout.write(`  ${rate.toFixed(0)} records a second; ${memory()}\n`);
  await measure("appending one", () => ledger.append([makeRecord("one")]));
  const hashes = Array.from({ length: 100 }, (_, n) => sri(`r${(n * 7919) % records}`));
  await measure("looking up one hash", () => ledger.newest(hashes.slice(0, 1)));
  await measure("looking up a hundred", () => ledger.newest(hashes));
  const { broken } = await measure("checking the chain", () => ledger.check());
  if (broken) throw new Error(`the chain is broken: ${broken.what}`);
  process.stdout.write(`  ${memory()}\n`);
  await measure("exporting", async () => {
    let bytes = 0;
    for await (const { text } of ledger.stored()) bytes += text.length;
    process.stdout.write(`  ${(bytes / 1e6).toFixed(0)} MB of records; ${memory()}\n`);
  });
  await ledger.close();
  const bytes = sizeOf(directory) - before;
  process.stdout.write(
    `  ${(bytes / 1e6).toFixed(0)} MB on the disk, ${Math.round(bytes / records)} bytes a record\n`,
  );
  await measure("opening it again", async () => (await openLedger(location)).close());
}

/** A history of two commits that pin some thousand sources. */
function exampleRepository(): string {
  const files = packages(3_000, "1.0.0");
  const [path = ""] = files[7] ?? [];
  return makeRepository(join(folder, "repository"), [files, [[path, packageText("pkg0007", "1.1.0")]]]);
}

const records = Number(values.records);
try {
  if (!values["ledger-only"]) await benchIndex(values.repo ?? exampleRepository());
  process.stdout.write("\nThe embedded ledger\n");
  await benchLedger(join(folder, "ledger"), records, folder);
  const server = await startPostgres().catch((error: Error) => error);
  if (server instanceof Error) process.stdout.write(`\nPostgreSQL is not measured: ${server.message}\n`);
  else {
    process.stdout.write("\nPostgreSQL\n");
    await benchLedger(server.database(), records, server.directory).finally(() => server.stop());
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
