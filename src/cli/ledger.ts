/** `verifod ledger`: the record of all verdicts. */
import { type Command, InvalidArgumentError, Option } from "commander";
import { VerifodError } from "../errors.ts";
import { type Head, type LedgerReader, openLedgerReader } from "../ledger/ledger.ts";
import { ledgerLocation } from "../ledger/places.ts";
import { WAIT_SECONDS } from "../ledger/record-verdict.ts";
import { EXIT } from "../report/status.ts";
import { writeOut } from "./output.ts";
import { createProgress } from "./progress.ts";

export function register(program: Command): void {
  const command = program
    .command("ledger")
    .description("the record of all verdicts: in a directory, or in the PostgreSQL of VERIFOD_DATABASE_URL");
  command
    .command("check")
    .description("look whether a record was changed, taken out or put in")
    .addOption(
      new Option("--expect <sequence:digest>", "an end that an earlier check told, kept elsewhere").argParser(
        headOf,
      ),
    )
    .action(({ expect }: { expect?: Head }) => withLedger((ledger) => check(ledger, expect)));
  command
    .command("export")
    .description("write all records as JSON lines")
    .action(() => withLedger(exportAll));
}

function headOf(text: string): Head {
  const [, sequence, digest] = /^(\d+):([0-9a-f]{64})$/.exec(text) ?? [];
  if (sequence === undefined || digest === undefined) {
    throw new InvalidArgumentError("Expected what verifod ledger check printed, as 12:0a1b….");
  }
  return { sequence: Number(sequence), digest };
}

async function withLedger(use: (ledger: LedgerReader) => Promise<void>): Promise<void> {
  const ledger = await openLedgerReader(ledgerLocation(process.env), WAIT_SECONDS);
  if (ledger === null) throw new VerifodError("usage", "there is no ledger here: nothing was recorded yet");
  try {
    await use(ledger);
  } finally {
    await ledger.close();
  }
}

async function check(ledger: LedgerReader, expected: Head | undefined): Promise<void> {
  const progress = createProgress();
  const { head, broken } = await ledger.check((sequence) => progress.update(`${sequence} records checked`));
  progress.end();
  if (broken !== null) {
    await writeOut(`broken at record ${broken.sequence}: ${broken.what}\n`);
    process.exitCode = EXIT.findings;
  } else if (expected && !(await ledger.continues(expected))) {
    await writeOut(
      `record ${expected.sequence} is not the one that was expected: records were replaced or cut off\n`,
    );
    process.exitCode = EXIT.findings;
  } else {
    await writeOut(`${head.sequence} records, intact\n${head.sequence}:${head.digest}\n`);
  }
}

async function exportAll(ledger: LedgerReader): Promise<void> {
  for await (const { sequence, digest, text } of ledger.stored()) {
    // The record's own text: whoever reads the lines can compute the chain again.
    await writeOut(`{"sequence":${sequence},"digest":"${digest}","record":${text}}\n`);
  }
}
