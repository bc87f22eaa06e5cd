/** Opens each forge by the software that it runs. */
import { unreachable } from "../errors.ts";
import type { ForgeKind } from "../origin/forges.ts";
import type { Budget } from "./budget.ts";
import type { Forge } from "./forge.ts";
import { forgejoForge } from "./forgejo.ts";
import { gitlabForge } from "./gitlab.ts";
import type { Learnt } from "./memory.ts";
import { plainGitForge } from "./plain-git.ts";

export interface ForgesOptions {
  readonly budget: Budget;
  /** github.com, with a token of its own. */
  readonly github: Forge;
  /** Where all others answer instead, each below its host. */
  readonly base?: string | undefined;
  readonly learnt?: Learnt;
}

/** The forge at a host; null: it is not asked. Only github.com gets a token. */
export function openForges({ budget, github, base, learnt }: ForgesOptions) {
  const allowedHosts = base === undefined ? [] : [new URL(base).host];
  const addressOf = (host: string) => (base === undefined ? `https://${host}` : new URL(host, base).href);
  return (host: string, software: ForgeKind): Forge | null => {
    switch (software) {
      case "github":
        return host === "github.com" ? github : null;
      case "gitlab":
        return gitlabForge({ budget, allowedHosts, address: addressOf(host), learnt });
      case "forgejo":
        return forgejoForge({ budget, allowedHosts, address: addressOf(host), learnt });
      case "git":
        return plainGitForge({
          budget,
          allowedHosts,
          addressOf: (url) => addressOf(url.slice("https://".length)),
        });
      default:
        return unreachable(software);
    }
  };
}
