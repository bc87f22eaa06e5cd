/** `verifod lookup`: where a hash, a location or a project is pinned. */
import { type Command, Option } from "commander";
import { openRepository } from "../change/repository.ts";
import { VerifodError } from "../errors.ts";
import { lookUp, questionOf } from "../ledger/lookup.ts";
import { type FoundPin, openIndex } from "../ledger/pin-index.ts";
import { indexFile } from "../ledger/places.ts";
import { EXIT } from "../report/status.ts";
import { visible, visibleJson } from "../report/visible.ts";
import { writeOut } from "./output.ts";

interface Options {
  readonly repo: string;
  readonly index?: string;
  readonly format: "text" | "json";
}

export function register(program: Command): void {
  program
    .command("lookup")
    .description("ask the index: by hash in any spelling, by URL, by owner/repo, or by attribute")
    .argument("<what>", "HASH, URL, OWNER/REPO or ATTRIBUTE")
    .option("--repo <dir>", "the git repository that was indexed", ".")
    .option("--index <file>", "where the index is (default: in the cache directory)")
    .addOption(
      new Option("--format <format>", "the form of the answer").choices(["text", "json"]).default("text"),
    )
    .action(run);
}

async function run(what: string, options: Options): Promise<void> {
  const file = options.index ?? (await defaultFile(options.repo));
  const index = await openIndex(file);
  if (index === null)
    throw new VerifodError("usage", "there is no index that this version can use: run verifod index first");
  const question = questionOf(what);
  const found = lookUp(index, question);
  const { commit, unread } = index.header;
  if (unread > 0) {
    process.stderr.write(`${unread} files of the index could not be read: their pins are not known\n`);
  }
  if (found.length === 0) process.exitCode = EXIT.findings;
  await writeOut(
    options.format === "json"
      ? `${visibleJson(JSON.stringify({ schema: "verifod-lookup-v1", commit, unread, question, found }, null, 2))}\n`
      : found.map(line).join(""),
  );
}

async function defaultFile(directory: string): Promise<string> {
  const repository = await openRepository(directory);
  repository.close();
  return indexFile(process.env, repository.directory);
}

function line({ pin, standing }: FoundPin): string {
  const { path, line: number, binding, pname, version, hash, urls, rev } = pin;
  const name = [pname, version].filter((part) => part !== null).join(" ");
  const place = [urls[0] ?? "no location known", rev !== null && !urls[0]?.includes(rev) ? rev : ""];
  const gone = standing.in === "history" ? ` (gone since ${standing.until.slice(0, 12)})` : "";
  const parts = [`${path}:${number}`, [name, binding].filter(Boolean).join(" "), ...place, hash ?? "no hash"];
  return `${parts
    .filter(Boolean)
    .map((part) => visible(part))
    .join("  ")}${gone}\n`;
}
