/** Upstream as a command asks it: GitHub and package registries, within the budgets of one review. */
import { createGitHubApi } from "../github/client.ts";
import { createBudget } from "./budget.ts";
import { githubForge } from "./github.ts";
import { openRegistries } from "./registries/open.ts";
import { createUpstream, type Upstream } from "./upstream.ts";

/** A pull request of one pin takes one to four; a treewide change asks for the first ones and says so of the rest. */
const MOST_REQUESTS = 60;
const MOST_SECONDS = 60;
/** Their own, since a change of a hundred gems must not leave commits unasked. A pin takes one to four. */
const MOST_REGISTRY_REQUESTS = 120;

export interface UpstreamAccess {
  readonly token: string;
  /** Where the API of github.com answers, as `https://api.github.com`. */
  readonly apiUrl: string;
  /** Where the registries answer instead, each below its name. */
  readonly registriesUrl?: string | undefined;
}

/** Of forges github.com only: the token is its own, and goes nowhere else. */
export function openUpstream({ token, apiUrl, registriesUrl }: UpstreamAccess): Upstream {
  const budget = createBudget(MOST_REQUESTS, MOST_SECONDS);
  const github = githubForge(createGitHubApi({ token, apiUrl, patient: false }), budget);
  return createUpstream({
    budget,
    now: new Date().toISOString(),
    forgeAt: (host) => (host === "github.com" ? github : null),
    registries: openRegistries({
      budget: createBudget(MOST_REGISTRY_REQUESTS, MOST_SECONDS),
      base: registriesUrl,
    }),
  });
}
