/** What a run of the action leaves behind: outputs, files, the step summary, and annotations where nothing else works. */
import { writeFile } from "node:fs/promises";
import * as core from "@actions/core";
import { messageOf, VerifodError } from "../errors.ts";
import type { Conclusion } from "../github/check-output.ts";
import type { Publication } from "../github/publish.ts";
import { formatGithub } from "../report/github.ts";
import { formatJson } from "../report/json.ts";
import { formatMarkdown } from "../report/markdown.ts";
import type { Review } from "../report/review.ts";
import { formatSarif } from "../report/sarif.ts";
import { summary } from "../report/summary.ts";
import { rules } from "../rules/index.ts";
import type { Inputs } from "./inputs.ts";

/** Writes the files that were asked for, and the outputs. `writesReport`: the input `report` is where it goes. */
export async function leaveResults(
  review: Review,
  conclusion: Conclusion,
  { report, sarif }: Inputs,
  writesReport: boolean,
): Promise<void> {
  if (report !== null && writesReport) await write(report, formatJson(review));
  if (sarif !== null) await write(sarif, formatSarif(review, rules));
  core.setOutput("conclusion", conclusion);
  core.setOutput("findings", String(review.findings.length));
  core.setOutput("report", report ?? "");
  core.setOutput("sarif", sarif ?? "");
}

async function write(path: string, text: string): Promise<void> {
  try {
    await writeFile(path, text);
  } catch (error) {
    throw new VerifodError("usage", `cannot write ${path}: ${messageOf(error)}`);
  }
}

/** The review in the summary of the step, where the runner has one. */
export async function writeStepSummary(review: Review): Promise<void> {
  if (process.env.GITHUB_STEP_SUMMARY) await core.summary.addRaw(formatMarkdown(review), true).write();
}

/** The findings as annotations of the run: for a token that may not write checks. */
export function printAnnotations(review: Review): void {
  process.stdout.write(formatGithub(review));
}

/** One line of the log for what was done; nothing of it comes from the pull request. */
export function logPublication(
  number: number,
  review: Review,
  conclusion: Conclusion,
  publication: Publication,
): void {
  const { check, comments, missing } = publication;
  core.info(
    `#${number} at ${review.head}: ${conclusion} (${summary(review)}); check run ${check}, comments ${comments}`,
  );
  for (const permission of missing) {
    core.warning(`the token lacks the permission ${permission}: give it to the job under permissions`);
  }
}
