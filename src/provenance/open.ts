/** Upstream as a command asks it: GitHub, within the budget of one review. */
import { createGitHubApi } from "../github/client.ts";
import { createBudget } from "./budget.ts";
import { githubForge } from "./github.ts";
import { createUpstream, type Upstream } from "./upstream.ts";

/** A pull request of one pin takes one to four; a treewide change asks for the first ones and says so of the rest. */
const MOST_REQUESTS = 60;
const MOST_SECONDS = 60;

export interface UpstreamAccess {
  readonly token: string;
  /** Where the API of github.com answers, as `https://api.github.com`. */
  readonly apiUrl: string;
}

/** Asks github.com only: the token is its own, and goes nowhere else. */
export function openUpstream({ token, apiUrl }: UpstreamAccess): Upstream {
  const budget = createBudget(MOST_REQUESTS, MOST_SECONDS);
  const github = githubForge(createGitHubApi({ token, apiUrl, patient: false }), budget);
  return createUpstream({
    budget,
    now: new Date().toISOString(),
    forgeAt: (host) => (host === "github.com" ? github : null),
  });
}
