/** The guards that keep what is published right: schedules of kills and faults must miss each. */
import { type Guard, guards } from "./guard.ts";

export const PUBLISHING: readonly Guard[] = [
  ...guards("src/github/plan.ts", "test/hardening/publishing.test.ts", [
    [
      "a check run is completed with its last annotation",
      "const completed = done + batch.length >= output.annotations.length;",
      "const completed = true;",
    ],
    [
      "an annotation stands once",
      "output.annotations.slice(done, done + ANNOTATIONS_PER_REQUEST)",
      "output.annotations.slice(0, ANNOTATIONS_PER_REQUEST)",
    ],
    [
      "a check run has annotations of one result",
      "!check.completed && (check.annotations === 0 || check.mark.result === output.digest)",
      "!check.completed",
    ],
    ["no check run is left pending", "if (stuck !== undefined) return cancellation(stuck);", ""],
    ["a check run that is right stays", "(!again && isFinished(checks, reporter.base))", "again"],
    ["a finding has one comment", "!known.has(finding.fingerprint)", 'finding.fingerprint !== ""'],
  ]),
  ...guards("src/github/publish.ts", "test/hardening/publishing.test.ts", [
    ["a closed pull request gets no comment", "|| !published.open ", ""],
    [
      "what is there is read again after a fault",
      "act(attempt === 1 && known ? known : await readPublished(api, pull)),",
      "act((known ??= await readPublished(api, pull))),",
    ],
  ]),
  ...guards("src/github/plan.ts", "test/github/publish.test.ts", [
    [
      "a result is published once",
      "if (newest?.completed && newest.mark.result === output.digest) return null;",
      "",
    ],
  ]),
];
