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

/** The HTTP status of a failed request; null for any other error. A broken connection counts as 500. */
export function statusOf(error: unknown): number | null {
  if (!(error instanceof Error) || !("status" in error)) return null;
  return typeof error.status === "number" ? error.status : null;
}

/** An answer to a GraphQL query with errors, as Octokit throws it. https://github.com/octokit/graphql.js#errors */
interface GraphqlError extends Error {
  readonly errors: readonly { readonly type?: string; readonly message?: string }[];
  readonly data: unknown;
}

export function isGraphqlError(error: unknown): error is GraphqlError {
  if (!(error instanceof Error) || error.name !== "GraphqlResponseError") return false;
  return "errors" in error && Array.isArray(error.errors) && "data" in error;
}

/** Whether the token may not do what was asked. */
export function isForbidden(error: unknown): boolean {
  if (isGraphqlError(error)) return error.errors.some(({ type }) => type === "FORBIDDEN");
  const status = statusOf(error);
  if (status !== 403 && status !== 404) return false;
  // A rate limit is refused with the same status.
  return error instanceof Error && !/rate limit/i.test(error.message);
}
