/** The change of a pull request: from the checkout where there is a whole one, else from the API. */
import { openApiChange, type PullChange, type PullRange } from "../change/api.ts";
import type { Change } from "../change/change.ts";
import { openGitChange, openGitPair } from "../change/git.ts";
import type { GitHubApi, RepositoryName } from "../change/github-api.ts";
import { openRepository, type Repository } from "../change/repository.ts";
import { repositoryTree } from "../change/tree.ts";
import { VerifodError } from "../errors.ts";
import type { OpenedPull } from "../review-pull.ts";

/** Opens a pull request's change for publishing. Nothing is checked out or run, wherever it is read from. */
export async function openPull(
  api: GitHubApi,
  name: RepositoryName,
  pull: PullRange,
  workspace: string,
  prefetch: readonly string[],
): Promise<OpenedPull> {
  const repository = await openRepository(workspace).catch(() => null);
  const local = repository && (await openLocally(repository, pull));
  if (repository && local) return { change: local, close: () => repository.close() };
  repository?.close();
  return { change: await openApiChange(api, name, pull, prefetch), close: () => {} };
}

/** Null when the checkout lacks a commit, or what leads from one to the other. */
async function openLocally(repository: Repository, { base, head }: PullRange): Promise<PullChange | null> {
  const [tip, tipOfHead] = await Promise.all([repository.commit(base), repository.commit(head)]);
  if (tip === null || tipOfHead === null || repository.shallow) return null;
  try {
    const change = await openGitChange(repository, `${base}...${head}`);
    return { ...change, tip: repositoryTree(repository, tip.oid, tip.tree) };
  } catch (error) {
    if (error instanceof VerifodError) return null;
    throw error;
  }
}

/**
 * The change of a checkout for verification: that of the merge commit which the runner checks out, else from the merge
 * base.
 * @throws VerifodError (usage) when the checkout lacks commits
 */
export async function openCheckout(repository: Repository, base: string, head: string): Promise<Change> {
  const current = await repository.resolve("HEAD");
  const [first, second] = current.parents;
  if (first !== undefined && second === head && (await repository.commit(first)) !== null) {
    return openGitPair(repository, first, current.oid);
  }
  if ((await repository.commit(base)) === null || (await repository.commit(head)) === null) {
    throw new VerifodError(
      "usage",
      "the checkout lacks commits of the pull request: give actions/checkout fetch-depth: 2",
    );
  }
  return openGitChange(repository, `${base}...${head}`);
}
