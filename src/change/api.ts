/** The change of a pull request, read through GitHub's API: nothing is checked out. */
import * as z from "zod";
import { VerifodError } from "../errors.ts";
import { type ApiObjects, apiObjects } from "./api-objects.ts";
import {
  byPath,
  type Change,
  type FileChange,
  fileChange,
  MOST_COMMITS,
  type Tree,
  type Unchecked,
} from "./change.ts";
import { type GitHubApi, type RepositoryName, statusOf } from "./github-api.ts";
import { matchRenames } from "./renames.ts";

/** https://docs.github.com/en/rest/commits/commits#compare-two-commits */
const COMPARED_FILES = 300;
/** https://docs.github.com/en/rest/pulls/pulls#list-pull-requests-files */
const LISTED_FILES = 3_000;
const PAGE_SIZE = 100;

export interface PullRange {
  readonly number: number;
  /** The tip of the base branch; its merge base with `head` is the change's base. */
  readonly base: string;
  readonly head: string;
  /** How many files GitHub says differ; null when it is not known. */
  readonly changedFiles: number | null;
}

/** Only names and ids of GitHub's list are used: its diffs go missing beyond 20,000 lines, without a word. */
const fileSchema = z.object({
  filename: z.string(),
  previous_filename: z.string().optional(),
  sha: z.string().nullable(),
});
type ListedFile = z.infer<typeof fileSchema>;
const compareSchema = z.object({
  merge_base_commit: z.object({ sha: z.string() }),
  total_commits: z.number(),
  commits: z.array(z.object({ commit: z.object({ message: z.string() }) })),
  files: z.array(fileSchema).optional(),
});

/** A pull request's change, and the tip of its base branch: who chooses an old merge base does not choose its rules. */
export interface PullChange extends Change {
  readonly tip: Tree;
}

/**
 * The change between the merge base and the head of a pull request. `prefetch`: paths of the tip that are read anyway.
 * Takes two requests for up to 40 files, then one for each 40 more.
 * @throws VerifodError (outside) when GitHub does not answer, or does not know the commits
 */
export async function openApiChange(
  api: GitHubApi,
  repository: RepositoryName,
  pull: PullRange,
  prefetch: readonly string[] = [],
): Promise<PullChange> {
  const compared = await compare(api, repository, pull);
  const { files, unchecked } = await listFiles(api, repository, pull, compared.files ?? []);
  const objects = apiObjects(api, repository);
  const base = apiTree(objects, compared.merge_base_commit.sha);
  const head = apiTree(objects, pull.head);
  const tip = apiTree(objects, pull.base);

  for (const path of prefetch) void tip.entry(path).catch(() => {});
  const paths = [
    ...new Set(files.flatMap((file) => [file.filename, file.previous_filename ?? file.filename])),
  ];
  const found = await Promise.all(
    paths.map(async (path) => ({ path, sides: await Promise.all([base.entry(path), head.entry(path)]) })),
  );
  const listed = new Map(files.map((file) => [file.filename, file.sha]));
  const changes = found.flatMap(({ path, sides: [before, after] }): FileChange | readonly FileChange[] => {
    const sha = listed.get(path);
    if (sha !== undefined && (after ?? before)?.oid !== sha)
      unchecked.push({ what: path, reason: DISAGREEMENT });
    const isSame = before?.oid === after?.oid && before?.kind === after?.kind;
    return isSame ? [] : (fileChange(before, after) ?? []);
  });
  const renamed = await matchRenames(changes.sort(byPath), base, head);
  return { base, head, tip, files: renamed.sort(byPath), unchecked, subjects: subjectsOf(compared) };
}

function subjectsOf({ total_commits, commits }: z.infer<typeof compareSchema>): readonly string[] | null {
  if (total_commits > MOST_COMMITS) return null;
  return commits.map(({ commit }) => commit.message.split("\n", 1)[0] ?? "").reverse();
}

const DISAGREEMENT = "GitHub lists this file otherwise than its commits have it: run the review again";

async function compare(
  api: GitHubApi,
  { owner, name }: RepositoryName,
  { base, head }: PullRange,
): Promise<z.infer<typeof compareSchema>> {
  const parameters = { owner, repo: name, basehead: `${base}...${head}`, per_page: MOST_COMMITS };
  try {
    const { data } = await api.request("GET /repos/{owner}/{repo}/compare/{basehead}", parameters);
    return compareSchema.parse(data);
  } catch (error) {
    const status = statusOf(error);
    const advice = status === 404 ? "the two have no common history, or one is gone" : "run the review again";
    throw new VerifodError("outside", `GitHub cannot compare ${base} with ${head}: ${advice}`, {
      cause: error,
    });
  }
}

/** The files that differ. The comparison lists them by commit, but not more than it holds on one page. */
async function listFiles(
  api: GitHubApi,
  { owner, name }: RepositoryName,
  { number, changedFiles }: PullRange,
  compared: readonly ListedFile[],
): Promise<{ readonly files: readonly ListedFile[]; readonly unchecked: Unchecked[] }> {
  if (compared.length < COMPARED_FILES) return { files: compared, unchecked: [] };
  const files: ListedFile[] = [];
  for (let page = 1; files.length < LISTED_FILES; page += 1) {
    const parameters = { owner, repo: name, pull_number: number, per_page: PAGE_SIZE, page };
    let answer: unknown;
    try {
      answer = (await api.request("GET /repos/{owner}/{repo}/pulls/{pull_number}/files", parameters)).data;
    } catch (error) {
      throw new VerifodError(
        "outside",
        `GitHub does not list the files of #${number}: run the review again`,
        { cause: error },
      );
    }
    const more = z.array(fileSchema).parse(answer);
    files.push(...more);
    if (more.length < PAGE_SIZE) break;
  }
  if (files.length >= LISTED_FILES && changedFiles !== files.length) {
    const count = changedFiles === null ? "more" : `${changedFiles}`;
    const reason = `GitHub lists no more than ${LISTED_FILES} files of a pull request (${count} differ): review it with verifod review`;
    return { files, unchecked: [{ what: `files beyond the first ${LISTED_FILES}`, reason }] };
  }
  if (changedFiles !== null && changedFiles !== files.length) {
    const reason = `GitHub lists ${files.length} of ${changedFiles} files: run the review again`;
    return { files, unchecked: [{ what: "files of the change", reason }] };
  }
  return { files, unchecked: [] };
}

function apiTree(objects: ApiObjects, commit: string): Tree {
  return {
    remote: true,
    commit,
    entry: (path) => objects.entry(commit, path),
    list: (directory) => objects.list(commit, directory),
    read: (entry) => objects.read(entry),
    size: async (entry) => objects.size(entry),
  };
}
