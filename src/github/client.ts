/** GitHub's API as `GitHubApi`, with GitHub's own back-off. */

import { retry } from "@octokit/plugin-retry";
import { throttling } from "@octokit/plugin-throttling";
import { Octokit } from "@octokit/rest";
import Bottleneck from "bottleneck/light.js";
import type { GitHubApi } from "../change/github-api.ts";
import { VERSION } from "../version.ts";

/** A token, or how to get one: an authentication strategy of Octokit with its options. */
export type Credentials =
  | { readonly token: string }
  | { readonly strategy: Strategy; readonly options: Readonly<Record<string, unknown>> };

export type ClientOptions = Credentials & {
  /** `https://api.github.com`, or `https://HOST/api/v3` of an enterprise server. */
  readonly apiUrl: string;
  /** A factor for all pauses: 1 as GitHub asks, 0 for a simulated GitHub. */
  readonly pace?: number;
  /** False: a rate limit is an error at once, for requests that are not worth waiting for. */
  readonly patient?: boolean;
  /** Told of each wait for a rate limit. */
  readonly onWait?: (message: string) => void;
};

type Strategy = NonNullable<NonNullable<ConstructorParameters<typeof Octokit>[0]>["authStrategy"]>;

/** Longer waits are not worth a runner's time; the next run will do it. */
const LONGEST_WAIT_SECONDS = 180;
const MOST_WAITS = 2;

let clients = 0;

/**
 * A client that waits between writes and for rate limits, and repeats reads that fail. It never repeats a write whose outcome
 * is not known: the caller has to look first.
 * https://docs.github.com/en/rest/using-the-rest-api/best-practices-for-using-the-rest-api
 */
export function createGitHubApi(options: ClientOptions): GitHubApi {
  const { apiUrl, pace = 1, patient = true, onWait = () => {} } = options;
  const id = String(++clients);
  const wait = (kind: string) => (seconds: number, _options: unknown, _octokit: unknown, waited: number) => {
    if (!patient || seconds > LONGEST_WAIT_SECONDS || waited >= MOST_WAITS) return false;
    onWait(`${kind} of GitHub reached: waiting ${seconds} s`);
    return true;
  };
  const client = (minTime: number) =>
    new (Octokit.plugin(retry, throttling))({
      ...("token" in options
        ? { auth: options.token }
        : { authStrategy: options.strategy, auth: options.options }),
      baseUrl: apiUrl,
      userAgent: `verifod/${VERSION}`,
      log: { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} },
      retry: { retryAfterBaseValue: 1_000 * pace },
      throttle: {
        // The plugin counts all clients with one id together; other installations must not count with this one.
        id,
        onRateLimit: wait("Rate limit"),
        onSecondaryRateLimit: wait("Secondary rate limit"),
        retryAfterBaseValue: 1_000 * pace,
        write: new Bottleneck.Group({ maxConcurrent: 1, minTime }),
        notifications: new Bottleneck.Group({ maxConcurrent: 1, minTime: 3 * minTime }),
      },
    });
  // The pause that GitHub asks for is for what changes something; the plugin counts each GraphQL query as a write.
  const reader = githubApi(client(0));
  const writer = githubApi(client(1_000 * pace));
  return {
    request: (route, parameters) => (isRead(route) ? reader : writer).request(route, parameters),
    graphql: (query, variables) => (isMutation(query) ? writer : reader).graphql(query, variables),
  };
}

/** The parts of an Octokit that are needed; that of a Probot context has them too. */
export interface OctokitLike {
  readonly request: (
    route: string,
    parameters: Record<string, unknown>,
  ) => Promise<{ readonly data: unknown }>;
  readonly graphql: (query: string, variables: Record<string, unknown>) => Promise<unknown>;
}

/** An Octokit as `GitHubApi`: its retry plugin repeats reads only. */
function githubApi(octokit: OctokitLike): GitHubApi {
  const once = { request: { retries: 0 } };
  return {
    request: (route, parameters) => octokit.request(route, { ...parameters, ...(isRead(route) ? {} : once) }),
    graphql: (query, variables) =>
      octokit.graphql(query, { ...variables, ...(isMutation(query) ? once : {}) }),
  };
}

/** Whether a route only reads. */
export function isRead(route: string): boolean {
  return route.startsWith("GET ");
}

/** Whether a GraphQL text writes. */
export function isMutation(query: string): boolean {
  return query.trimStart().startsWith("mutation");
}
