/** GitHub as this project sees it: two ways to ask. Octokit fits, and so does that of a Probot context. */

export interface GitHubApi {
  /** A REST request, as `GET /repos/{owner}/{repo}`; values that the route does not name are its query or body. */
  request(route: string, parameters: Readonly<Record<string, unknown>>): Promise<{ readonly data: unknown }>;
  /** A GraphQL query or mutation; its data. Throws when there is any error. */
  graphql(query: string, variables: Readonly<Record<string, unknown>>): Promise<unknown>;
}

export interface RepositoryName {
  readonly owner: string;
  readonly name: string;
}

/** The HTTP status of a failed request; null for what is none. A broken connection counts as 500. */
export function statusOf(error: unknown): number | null {
  if (!(error instanceof Error) || !("status" in error)) return null;
  return typeof error.status === "number" ? error.status : null;
}
