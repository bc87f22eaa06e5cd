/** Asks GitHub for facts: each request within the budget, each failure as a reason. */
import * as z from "zod";
import { type GitHubApi, isGraphqlError, statusOf } from "../change/github-api.ts";
import { messageOf } from "../errors.ts";
import { type Answer, known, unknown } from "./answers.ts";
import type { Budget } from "./budget.ts";

/** An error in a part of a GraphQL answer, at a path of aliases such as `r0.t1`. */
export interface QueryError {
  readonly path: string;
  readonly type: string;
  readonly message: string;
}

/** The data of a query, with what went wrong in parts of it. */
export interface QueryAnswer {
  readonly data: unknown;
  readonly errors: readonly QueryError[];
}

/** Part of each query: how much of the limit is left. https://docs.github.com/en/graphql/overview/rate-limits-and-query-limits-for-the-graphql-api */
export const RATE_LIMIT = "rateLimit { remaining }";
/** So many points of an hour's limit are kept for reviews themselves, which use the same token. */
const RESERVE = 100;
const rateSchema = z.object({ rateLimit: z.object({ remaining: z.number() }) });

export interface GitHubQuestions {
  query(text: string, variables: Readonly<Record<string, unknown>>): Promise<Answer<QueryAnswer>>;
}

/** Questions to one GitHub. A request that fails on GitHub's side is repeated once. */
export function githubQuestions(api: GitHubApi, budget: Budget): GitHubQuestions {
  const request = { signal: budget.signal, retries: 0 };
  let left = Number.POSITIVE_INFINITY;
  async function attempt<T>(act: () => Promise<T>, otherwise: (error: unknown) => T | null) {
    for (let tries = 1; ; tries++) {
      if (left < RESERVE) return unknown(`not asked: ${left} requests to GitHub are left for this hour`);
      const refused = budget.take();
      if (refused !== null) return unknown(refused);
      try {
        return known(await act());
      } catch (error) {
        const instead = otherwise(error);
        if (instead !== null) return known(instead);
        if (tries === 2 || (statusOf(error) ?? 0) < 500) return unknown(reasonOf(error, budget));
      }
    }
  }
  return {
    query: (text, variables) =>
      attempt<QueryAnswer>(
        async () => {
          const data = await api.graphql(text, { ...variables, request });
          left = rateSchema.safeParse(data).data?.rateLimit.remaining ?? left;
          return { data, errors: [] };
        },
        (error) => (isGraphqlError(error) && error.data ? partial(error) : null),
      ),
  };
}

function partial(error: Error & { readonly errors: readonly object[]; readonly data: unknown }): QueryAnswer {
  const errors = error.errors.map((each): QueryError => {
    const { path, type, message } = each as { path?: unknown[]; type?: string; message?: string };
    return { path: (path ?? []).join("."), type: type ?? "", message: message ?? "" };
  });
  return { data: error.data, errors };
}

/** Why a request gave nothing, in a few words. */
function reasonOf(error: unknown, budget: Budget): string {
  if (budget.signal.aborted) return "GitHub did not answer in time";
  if (isGraphqlError(error)) return `GitHub could not say: ${messageOf(error).slice(0, 200)}`;
  const status = statusOf(error);
  if (status === 401) return "GitHub did not take the token";
  if ((status === 403 || status === 429) && /rate limit/i.test(messageOf(error)))
    return "the rate limit of GitHub is reached";
  return status === null || status === 500
    ? `GitHub could not be asked: ${messageOf(error).slice(0, 200)}`
    : `GitHub answered with status ${status}`;
}
