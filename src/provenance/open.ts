/** Upstream as each door asks it: forges, package registries and other hosts, within the budgets of one review. */
import type { GitHubApi } from "../change/github-api.ts";
import { createBudget } from "./budget.ts";
import { openForges } from "./forges.ts";
import { githubForge } from "./github.ts";
import { openHosts } from "./hosts.ts";
import type { KeptMemory } from "./memory.ts";
import { openRegistries } from "./registries/open.ts";
import { createUpstream, type Upstream } from "./upstream.ts";

/** A pull request of one pin takes one to four; a treewide change asks for the first ones and says so of the rest. */
const MOST_REQUESTS = 60;
const MOST_SECONDS = 60;
/** Their own, since a change of a hundred gems must not leave commits unasked. A pin takes one to four. */
const MOST_REGISTRY_REQUESTS = 120;
/** One for each address. */
const MOST_HOST_REQUESTS = 20;

/** Where the API of github.com answers. A token that belongs elsewhere is not to ask there, nor the other way round. */
export function upstreamApi(environment: Readonly<Record<string, string | undefined>>): string {
  return environment.VERIFOD_GITHUB_API || "https://api.github.com";
}

export interface UpstreamAccess {
  /** A client of `upstreamApi` that waits for no rate limit. */
  readonly api: GitHubApi;
  /** Where the other forges answer instead, each below its host. */
  readonly forgesUrl?: string | undefined;
  /** Where the registries answer instead, each below its name. */
  readonly registriesUrl?: string | undefined;
  /** Where all other hosts answer instead, each below its name. */
  readonly hostsUrl?: string | undefined;
  /** What was learnt before; what is learnt now is kept in it. */
  readonly memory: KeptMemory;
}

/**
 * The token of `api` goes to github.com alone: other forges are asked without one. The budgets are those of one review, and
 * none of what reads the change itself.
 */
export function openUpstream({ api, forgesUrl, registriesUrl, hostsUrl, memory }: UpstreamAccess): Upstream {
  const budget = createBudget(MOST_REQUESTS, MOST_SECONDS);
  const now = new Date().toISOString();
  const learnt = { memory, now };
  const github = githubForge(api, budget, learnt);
  const upstream = createUpstream({
    budget,
    now,
    forgeAt: openForges({ budget, github, base: forgesUrl, learnt }),
    registries: openRegistries({
      budget: createBudget(MOST_REGISTRY_REQUESTS, MOST_SECONDS),
      base: registriesUrl,
      learnt,
    }),
    hosts: openHosts({ budget: createBudget(MOST_HOST_REQUESTS, MOST_SECONDS), base: hostsUrl, learnt }),
    memory,
  });
  return {
    async ask(changes) {
      const facts = await upstream.ask(changes);
      await memory.save();
      return facts;
    },
  };
}
