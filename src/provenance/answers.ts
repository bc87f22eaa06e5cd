/** What upstream says of a pin, as plain data for rules: each answer is a value, or why there is none. */
import type { Source } from "../nix/model.ts";

/** Unknown is an answer, and clears nothing. */
export type Answer<T> =
  | { readonly known: true; readonly value: T }
  | { readonly known: false; readonly reason: string };

export function known<T>(value: T): Answer<T> {
  return { known: true, value };
}

export function unknown(reason: string): Answer<never> {
  return { known: false, reason };
}

/** The value; null when there is none, for whatever reason. */
export function told<T>(answer: Answer<T> | null): T | null {
  return answer?.known ? answer.value : null;
}

/** Longer than what forges accept as the description of a repository. */
const MOST_WRITTEN = 1_000;

/** What people wrote about their own project, cut to a length; null: nothing. */
export function written(text: string | null | undefined): string | null {
  return text?.slice(0, MOST_WRITTEN).trim() || null;
}

/** A repository of a forge as it is now. Dates are ISO 8601, in UTC. */
export type RepositoryFacts =
  | {
      readonly kind: "there";
      /** As it is called now: another name than the one asked for means that it was renamed or moved. */
      readonly fullName: string;
      readonly created: string | null;
      /** Null: the forge does not tell. */
      readonly archived: boolean | null;
      readonly stars: number | null;
      /** Null: it is no fork. */
      readonly forkOf: Answer<{ readonly fullName: string; readonly stars: number | null } | null>;
      /** Null: there are no accounts. */
      readonly owner: { readonly login: string; readonly created: string | null } | null;
      /** In the words of whoever has the repository, as they wrote it: mostly a URL. Null: the forge tells none. */
      readonly homepage: string | null;
      readonly description: string | null;
    }
  /** `owner`: whether the account is still there; null: not known. */
  | { readonly kind: "gone"; readonly owner: boolean | null };

export interface TagFacts {
  /** The commit that it names now. */
  readonly commit: string;
  /** Null: the forge does not tell. */
  readonly annotated: boolean | null;
  /** When it was made, as its maker says; for a lightweight tag, when its commit was made. */
  readonly date: string | null;
}

/** What a name (of a tag or branch) is in a repository. */
export interface RefFacts {
  readonly tag: TagFacts | null;
  /** The commit at the tip of the branch of that name. Where there is such a tag, not every forge is asked for it. */
  readonly branch: string | null;
  /** The other commit that the tag named when it was last looked at from here; null: there is none. */
  readonly moved: { readonly from: string; readonly seen: string } | null;
}

/** Whether a branch or tag of the repository itself leads to a commit. */
export type Reach =
  /** `through`: such as `main`, or `tag v1.0`. */
  | { readonly kind: "reachable"; readonly through: string }
  /** No branch or tag of the repository leads to it; `refs`: how many there are, null where the forge does not count. */
  | { readonly kind: "unreachable"; readonly refs: number | null }
  | { readonly kind: "undecided"; readonly reason: string };

export interface PullFacts {
  readonly number: number;
  readonly state: "open" | "closed" | "merged";
}

/** What a full commit id is in a repository; null: the forge serves no such commit there. */
export interface CommitFacts {
  /** As its maker says. */
  readonly date: string | null;
  readonly reach: Reach;
  /** Pull requests of this repository that have it; null: the forge does not tell. */
  readonly pulls: readonly PullFacts[] | null;
}

/** A file that somebody attached to a release. */
export interface AssetFacts {
  readonly name: string;
  readonly uploader: string | null;
  readonly created: string | null;
  readonly updated: string | null;
  /** SRI of its bytes, as the forge says. */
  readonly digest: string | null;
}

export interface ReleaseFacts {
  readonly published: string | null;
  readonly author: string | null;
  readonly prerelease: boolean;
  /** Null: the forge does not tell. */
  readonly immutable: boolean | null;
  /** The file that the pin fetches; null: the pin fetches none, or there is none of that name. */
  readonly asset: AssetFacts | null;
}

/** That nobody should use a version, as its registry says. */
export interface Withdrawal {
  /** `yanked`: it was taken back. `deprecated`: something else should be used. */
  readonly kind: "yanked" | "deprecated";
  /** In the words of whoever withdrew it. */
  readonly reason: string | null;
}

/** A version in a package registry. */
export interface RegistryFacts {
  readonly registry: RegistryName;
  readonly name: string;
  readonly version: string;
  /** When the file came to the registry, by the registry's clock. */
  readonly published: string | null;
  readonly publisher: string | null;
  readonly withdrawn: Withdrawal | null;
  /** Whether the registry vouches for the machine that published it; null: it does not tell. */
  readonly attested: boolean | null;
  /** Whether the version has the file that the pin fetches. */
  readonly hasFile: boolean;
  /** SRI of that file's bytes, in each algorithm that the registry gives. */
  readonly checksums: readonly string[];
  /** The repository that the package names as its own. */
  readonly repository: string | null;
}

/** Registries that are asked, as people call them. */
export const REGISTRY_NAMES = ["crates.io", "PyPI", "npm", "RubyGems", "Hex", "Hackage"] as const;
export type RegistryName = (typeof REGISTRY_NAMES)[number];

/** What HTTP and DNS show of a host that is no forge and no registry. */
export type HostFacts =
  /** DNS has no such name. `registered`: whether it has the domain; if not, anybody can register it. */
  | { readonly kind: "unresolvable"; readonly registered: boolean }
  | {
      readonly kind: "answers";
      readonly status: number;
      /** Where it sends to, as an absolute URL. */
      readonly location: string | null;
      readonly contentType: string | null;
    };

/** Whether a host says that there is nothing at the address. */
export function isGone(facts: HostFacts | null): boolean {
  return facts?.kind === "answers" && (facts.status === 404 || facts.status === 410);
}

/** What is known of one side of a pin; null: there is nothing of that kind to ask. */
export interface PinFacts {
  readonly repository: Answer<RepositoryFacts> | null;
  readonly ref: Answer<RefFacts> | null;
  readonly commit: Answer<CommitFacts | null> | null;
  readonly release: Answer<ReleaseFacts | null> | null;
  readonly registry: Answer<RegistryFacts | null> | null;
  readonly host: Answer<HostFacts> | null;
}

/** Nothing to ask. */
export const NOTHING: PinFacts = {
  repository: null,
  ref: null,
  commit: null,
  release: null,
  registry: null,
  host: null,
};

/** What upstream says of the pins of a change. */
export interface UpstreamFacts {
  /** When it was asked, ISO 8601: rules have no other clock. */
  readonly now: string;
  /** By the pin itself, of either side. */
  readonly pins: ReadonlyMap<Source, PinFacts>;
  /** Requests that it took. */
  readonly requests: number;
}
