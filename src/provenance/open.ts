/** Opens upstream for the command, the Action and the App: forges, registries and other hosts, within one review's budgets. */
import type { GitHubApi } from "../change/github-api.ts";
import { VerifodError } from "../errors.ts";
import { createBudget } from "./budget.ts";
import { openForges } from "./forges.ts";
import { githubForge } from "./github.ts";
import { openHosts } from "./hosts.ts";
import type { KeptMemory } from "./memory.ts";
import { openRegistries } from "./registries/open.ts";
import { createUpstream, type Upstream } from "./upstream.ts";

/** A change of one pin takes one to four; a treewide change asks about its first pins, and reports the rest as not asked. */
const MOST_REQUESTS = 60;
const MOST_SECONDS = 60;
/** A budget of their own, since a change of a hundred gems must not leave commits unasked. A pin takes one to four. */
const MOST_REGISTRY_REQUESTS = 120;
/** One for each address. */
const MOST_HOST_REQUESTS = 20;

type Environment = Readonly<Record<string, string | undefined>>;

/** Where the API of github.com answers. A token for another server must not be sent there, nor this one elsewhere. */
export function upstreamApi(environment: Environment): string {
  return environment.VERIFOD_GITHUB_API || "https://api.github.com";
}

/** Other addresses at which upstream answers; undefined: its own. */
export interface UpstreamPlaces {
  /** Of all forges but github.com, each below its host. */
  readonly forges?: string | undefined;
  /** Of registries, each below its name. */
  readonly registries?: string | undefined;
  /** Of all other hosts, each below its name. */
  readonly hosts?: string | undefined;
}

/** @throws VerifodError (usage) for what is no address */
export function upstreamPlaces(environment: Environment): UpstreamPlaces {
  const address = (name: string) => {
    const value = environment[name] || undefined;
    if (value !== undefined && !(/^https?:/.test(value) && URL.canParse(value)))
      throw new VerifodError("usage", `${name} is an address, as https://upstream.example/`);
    return value;
  };
  return {
    forges: address("VERIFOD_FORGES"),
    registries: address("VERIFOD_REGISTRIES"),
    hosts: address("VERIFOD_HOSTS"),
  };
}

export interface UpstreamAccess {
  /** A client of `upstreamApi` that waits for no rate limit. */
  readonly api: GitHubApi;
  readonly places: UpstreamPlaces;
  /** What was learnt before; what is learnt now is kept in it. */
  readonly memory: KeptMemory;
}

/**
 * The token of `api` goes to github.com alone: other forges are asked without one. The budgets are for one review, and do not
 * include the requests that read the change itself.
 */
export function openUpstream({ api, places, memory }: UpstreamAccess): Upstream {
  const budget = createBudget(MOST_REQUESTS, MOST_SECONDS);
  const now = new Date().toISOString();
  const learnt = { memory, now };
  const github = githubForge(api, budget, learnt);
  const upstream = createUpstream({
    budget,
    now,
    forgeAt: openForges({ budget, github, base: places.forges, learnt }),
    registries: openRegistries({
      budget: createBudget(MOST_REGISTRY_REQUESTS, MOST_SECONDS),
      base: places.registries,
      learnt,
    }),
    hosts: openHosts({ budget: createBudget(MOST_HOST_REQUESTS, MOST_SECONDS), base: places.hosts, learnt }),
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
