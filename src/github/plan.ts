/** Plans what is left to write, from what is published and what should be; nothing, once both agree. */
import type { Review } from "../report/review.ts";
import type { Annotation, CheckOutput } from "./check-output.ts";
import { commentBody, solvedBody } from "./comment-text.ts";
import type { Placement } from "./placement.ts";
import { CHECK_NAME, type CheckMark, formatMark, type OwnCheck, type Published } from "./published.ts";

/** https://docs.github.com/en/rest/checks/runs#update-a-check-run */
const ANNOTATIONS_PER_REQUEST = 50;
/** The most open line comments of ours on a pull request. */
const MOST_COMMENTS = 10;

/** A button of a check run. GitHub accepts three; its texts have at most 20, 40 and 20 characters. */
export interface CheckAction {
  readonly label: string;
  readonly description: string;
  readonly identifier: string;
}

/** A request that writes a check run; `id` null makes one. */
export interface CheckWrite {
  readonly id: number | null;
  readonly body: Readonly<Record<string, unknown>>;
  /** The check run as it is afterwards. */
  readonly after: Omit<OwnCheck, "id" | "startedAt">;
}

/** The run that reports; later runs overrule earlier ones. */
export type Reporter = Omit<CheckMark, "result" | "acknowledged">;

/** Whether the newest check run is the finished one of a review against `base`. */
export function isFinished([newest]: readonly OwnCheck[], base: string): boolean {
  return newest?.completed === true && newest.mark.result !== null && newest.mark.base === base;
}

/**
 * The write that says that a review is under way; null when a check run says so already, or a finished one is still right.
 * `again`: write a new one even then.
 */
export function planStart(
  checks: readonly OwnCheck[],
  reporter: Reporter,
  details: string | null,
  again = false,
): CheckWrite | null {
  const [newest] = checks;
  if (newest?.completed === false || (!again && isFinished(checks, reporter.base))) return null;
  const mark = { ...reporter, result: null, acknowledged: 0 };
  return {
    id: null,
    body: { status: "in_progress", external_id: formatMark(mark), ...(details && { details_url: details }) },
    after: { completed: false, annotations: 0, mark },
  };
}

/** Whether a later run has already reported on this head. */
export function isSuperseded(checks: readonly OwnCheck[], { run }: Reporter): boolean {
  return checks.some(({ completed, mark }) => mark.run > run && (completed || mark.result !== null));
}

/**
 * The next write towards a completed check run; null when there is none left. Annotations are only ever added, at most
 * 50 at once, and the conclusion comes with the last of them.
 */
export function planCheck(
  checks: readonly OwnCheck[],
  output: CheckOutput,
  reporter: Reporter,
  details: string | null,
  actions: readonly CheckAction[] = [],
): CheckWrite | null {
  const mark: CheckMark = { ...reporter, result: output.digest, acknowledged: output.acknowledged };
  const [newest] = checks;
  if (newest?.completed && newest.mark.result === output.digest) return null;
  const fits = (check: OwnCheck) =>
    !check.completed && (check.annotations === 0 || check.mark.result === output.digest);
  const target = checks.find(fits);
  // A check run with annotations of another result cannot be completed: it would stay in progress for ever.
  const stuck = checks.find(
    (check) => !check.completed && check !== target && check.mark.run <= reporter.run,
  );
  if (stuck !== undefined) return cancellation(stuck);
  const done = target?.annotations ?? 0;
  const batch = output.annotations.slice(done, done + ANNOTATIONS_PER_REQUEST);
  const completed = done + batch.length >= output.annotations.length;
  return {
    id: target?.id ?? null,
    body: {
      ...(completed ? { status: "completed", conclusion: output.conclusion } : { status: "in_progress" }),
      external_id: formatMark(mark),
      ...(details && { details_url: details }),
      output: outputBody(output, batch),
      ...(completed && actions.length > 0 && { actions }),
    },
    after: { completed, annotations: done + batch.length, mark },
  };
}

/** The write that ends a check run without a result. */
export function cancellation({ id, annotations, mark }: OwnCheck): CheckWrite {
  const none = { ...mark, result: null, acknowledged: 0 };
  return {
    id,
    body: { status: "completed", conclusion: "cancelled", external_id: formatMark(none) },
    after: { completed: true, annotations, mark: none },
  };
}

function outputBody({ title, summary, text }: CheckOutput, annotations: readonly Annotation[]): object {
  return { title, summary, ...(text !== null && { text }), annotations };
}

/** The route and body of a check write. */
export function checkRequest(
  write: CheckWrite,
  head: string,
): readonly [string, Readonly<Record<string, unknown>>] {
  return write.id === null
    ? ["POST /repos/{owner}/{repo}/check-runs", { name: CHECK_NAME, head_sha: head, ...write.body }]
    : ["PATCH /repos/{owner}/{repo}/check-runs/{check_run_id}", { check_run_id: write.id, ...write.body }];
}

/** A change of one of our comments. */
export interface CommentEdit {
  readonly id: string;
  /** The new text; null: as it is. */
  readonly body: string | null;
  /** null: as it is. */
  readonly minimize: boolean | null;
}

export interface CommentPlan {
  readonly edits: readonly CommentEdit[];
  readonly additions: readonly Placement[];
}

/**
 * What to do about line comments. A finding that has a comment gets no other. A comment whose finding is gone is struck
 * through, and hidden unless somebody answered it; if the finding comes back, the comment is restored.
 */
export function planComments(
  { comments, allComments }: Published,
  review: Review,
  placements: readonly Placement[],
  head: string,
): CommentPlan {
  const findings = new Map(review.findings.map((finding) => [finding.fingerprint, finding]));
  const edits = comments.flatMap((comment): CommentEdit[] => {
    const { id, fingerprint, solved, minimized, answered } = comment;
    const finding = findings.get(fingerprint);
    if (finding !== undefined) {
      const body = commentBody(finding);
      const minimize = solved && minimized ? false : null;
      return sameText(body, comment.body) && minimize === null ? [] : [{ id, body, minimize }];
    }
    // What could not be checked is not solved. A comment that is struck through keeps its title and names the head.
    if (!review.complete) return [];
    const minimize = !minimized && !answered ? true : null;
    if (solved) return minimize === null ? [] : [{ id, body: null, minimize }];
    return [{ id, body: solvedBody(comment.body, fingerprint, head), minimize }];
  });
  const known = new Set(comments.map(({ fingerprint }) => fingerprint));
  const open = comments.filter(({ fingerprint }) => findings.has(fingerprint)).length;
  const fresh = placements.filter(({ finding }) => !known.has(finding.fingerprint));
  return { edits, additions: allComments ? fresh.slice(0, Math.max(0, MOST_COMMENTS - open)) : [] };
}

/** GitHub gives text back with its own line ends, and without white space at the end. */
function sameText(a: string, b: string): boolean {
  const plain = (text: string): string => text.replaceAll("\r\n", "\n").trimEnd();
  return plain(a) === plain(b);
}
