/** GitHub's API as `GitHubApi`, with GitHub's own back-off. */

import { retry } from "@octokit/plugin-retry";
import { throttling } from "@octokit/plugin-throttling";
import { Octokit } from "@octokit/rest";
import Bottleneck from "bottleneck/light.js";
import type { GitHubApi } from "../change/github-api.ts";
import { VERSION } from "../version.ts";

export interface ClientOptions {
  readonly token: string;
  /** As `https://api.github.com`, or `https://HOST/api/v3` of an enterprise server. */
  readonly apiUrl: string;
  /** What stretches all pauses: 1 as GitHub asks, 0 for a GitHub of our own. */
  readonly pace?: number;
  /** Told of each wait for a rate limit. */
  readonly onWait?: (message: string) => void;
}

/** Longer waits are not worth a runner; the next run is. */
const longestWaitSeconds = 180;
const mostWaits = 2;

/**
 * A client that waits between writes and for rate limits, and repeats reads that fail. It never repeats a write whose
 * outcome is not known: who writes has to look first.
 * https://docs.github.com/en/rest/using-the-rest-api/best-practices-for-using-the-rest-api
 */
export function createGitHubApi({ token, apiUrl, pace = 1, onWait = () => {} }: ClientOptions): GitHubApi {
  const wait = (kind: string) => (seconds: number, _options: unknown, _octokit: unknown, waited: number) => {
    if (seconds > longestWaitSeconds || waited >= mostWaits) return false;
    onWait(`${kind} of GitHub reached: waiting ${seconds} s`);
    return true;
  };
  const client = (minTime: number) =>
    new (Octokit.plugin(retry, throttling))({
      auth: token,
      baseUrl: apiUrl,
      userAgent: `verifod/${VERSION}`,
      log: { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} },
      retry: { retryAfterBaseValue: 1_000 * pace },
      throttle: {
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

/** What of an Octokit is needed: that of a Probot context has it too. */
export interface OctokitLike {
  readonly request: (
    route: string,
    parameters: Record<string, unknown>,
  ) => Promise<{ readonly data: unknown }>;
  readonly graphql: (query: string, variables: Record<string, unknown>) => Promise<unknown>;
}

/** An Octokit as `GitHubApi`: its retry plugin repeats reads only. */
export function githubApi(octokit: OctokitLike): GitHubApi {
  const once = { request: { retries: 0 } };
  return {
    request: (route, parameters) => octokit.request(route, { ...parameters, ...(isRead(route) ? {} : once) }),
    graphql: (query, variables) =>
      octokit.graphql(query, { ...variables, ...(isMutation(query) ? once : {}) }),
  };
}

function isRead(route: string): boolean {
  return route.startsWith("GET ");
}

function isMutation(query: string): boolean {
  return query.trimStart().startsWith("mutation");
}
