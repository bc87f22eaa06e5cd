/** `verifod index`: builds or refreshes the index of a tree's pins. */
import type { Command } from "commander";
import { openRepository } from "../change/repository.ts";
import { readIndex, writeIndex } from "../ledger/pin-index.ts";
import { checkMayWrite, indexFile } from "../ledger/places.ts";
import { updateIndex } from "../ledger/update-index.ts";
import { EXIT } from "../report/status.ts";
import { visible } from "../report/visible.ts";
import { readOnThreads } from "../threads/index-threads.ts";
import { compileLess } from "../v8-flags.ts";
import { createProgress } from "./progress.ts";

interface Options {
  readonly repo: string;
  readonly index?: string;
}

export function register(program: Command): void {
  program
    .command("index")
    .description("build or refresh the index of all pins of a revision: later revisions cost what changed")
    .argument("[revision]", "the revision to index", "HEAD")
    .option("--repo <dir>", "the git repository: a work tree or a bare one", ".")
    .option("--index <file>", "where the index is (default: in the cache directory)")
    .action(run);
}

async function run(revision: string, options: Options): Promise<void> {
  checkMayWrite(process.env, "the index");
  compileLess();
  const repository = await openRepository(options.repo);
  const progress = createProgress();
  try {
    const file = options.index ?? indexFile(process.env, repository.directory);
    const commit = await repository.resolve(revision);
    const content = await updateIndex(repository, commit, await readIndex(file), {
      readMany: readOnThreads(repository.directory),
      onProgress: (done, total) => progress.update(`indexing: ${done} of ${total} files`),
    });
    await writeIndex(file, content);
    progress.end();
    const { pins, files, unread } = content.header;
    process.stderr.write(`${pins} pins in ${files} files of ${commit.oid}: ${visible(file)}\n`);
    if (unread === 0) return;
    process.stderr.write(`${unread} files could not be read:\n`);
    for (const { path, reason } of content.files.values()) {
      if (reason !== null) process.stderr.write(`  ${visible(path)}: ${visible(reason)}\n`);
    }
    process.exitCode = EXIT.incomplete;
  } finally {
    progress.end();
    repository.close();
  }
}
