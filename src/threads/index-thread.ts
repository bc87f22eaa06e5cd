/** A thread that reads the pins of files. See index-threads.ts. */
import { parentPort, workerData } from "node:worker_threads";
import { openRepository } from "../change/repository.ts";
import { repositoryTree } from "../change/tree.ts";
import { readPins } from "../ledger/read-pins.ts";
import { createDocuments } from "../nix/documents.ts";
import type { WholeTraces } from "../nix/reading.ts";
import type { IndexJob, IndexThreadSettings } from "./index-threads.ts";

if (!parentPort) throw new Error("index-thread runs as a thread only");
const port = parentPort;
const settings = workerData as IndexThreadSettings;
const opening = openRepository(settings.repository);
const documents = createDocuments();
const traces: WholeTraces = new Map();

async function run(job: IndexJob): Promise<void> {
  const tree = repositoryTree(await opening, settings.commit, settings.tree);
  for await (const file of readPins(tree, job, () => documents, traces)) port.postMessage(file);
}

port.on("message", (job: IndexJob) => void run(job));
