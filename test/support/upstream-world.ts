/** Changes of one package, and reviews of them that ask a fake GitHub on loopback. */
import { openGitPair } from "../../src/change/git.ts";
import { openRepository } from "../../src/change/repository.ts";
import { DEFAULT_CONFIG } from "../../src/config.ts";
import { createGitHubApi } from "../../src/github/client.ts";
import { createBudget } from "../../src/provenance/budget.ts";
import { githubForge } from "../../src/provenance/github.ts";
import { createUpstream, type Upstream } from "../../src/provenance/upstream.ts";
import type { Review } from "../../src/report/review.ts";
import { review } from "../../src/review.ts";
import { createTools } from "../../src/tools.ts";
import { actionsBot, type FakeGitHub } from "../fake-github/server.ts";
import { makeRepository } from "./repository.ts";

export const HASHES = [
  "sha256-y6BrVzb69n5UsHtWHq6UOV53TFF6fZEKVDaeEmPM+9Q=",
  "sha256-EVB6Di9eadXfpApiob17buV+a82FxnybhDGzb/8hxDc=",
] as const;

export interface FrobPin {
  readonly version: string;
  readonly owner?: string;
  readonly tag?: string;
  readonly rev?: string;
  readonly hash?: string;
  /** In place of fetchFromGitHub. */
  readonly src?: string;
  readonly homepage?: string;
  readonly description?: string;
}

/** The recipe of a package `frob` that is fetched from GitHub. */
export function frobRecipe(pin: FrobPin): string {
  const { version, owner = "acme", tag, rev, hash = HASHES[0], src, homepage, description } = pin;
  const revision = rev === undefined ? `tag = "${tag ?? `v${version}`}";` : `rev = "${rev}";`;
  const fetched =
    src ??
    `fetchFromGitHub {
    owner = "${owner}";
    repo = "frob";
    ${revision}
    hash = "${hash}";
  }`;
  const meta = Object.entries({ description, homepage })
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `  meta.${name} = "${value}";\n`)
    .join("");
  return `{ stdenv, fetchFromGitHub, fetchurl, fetchgit }:
stdenv.mkDerivation {
  pname = "frob";
  version = "${version}";
  src = ${fetched};
${meta}}
`;
}

export const NOW = "2026-03-05T12:00:00Z";

/** The review of a change from one recipe to another (null: the package is new), asking what `fake` knows. */
export function reviewAsking(
  fake: FakeGitHub,
  before: FrobPin | null,
  after: FrobPin,
  { requests = 40, seconds = 20 }: { readonly requests?: number; readonly seconds?: number } = {},
): Promise<Review> {
  const token = fake.token(actionsBot({ contents: "read" }));
  const api = createGitHubApi({ token, apiUrl: fake.url, pace: 0, patient: false });
  const budget = createBudget(requests, seconds);
  const forge = githubForge(api, budget);
  const forgeAt = (host: string) => (host === "github.com" ? forge : null);
  return reviewWith(createUpstream({ budget, now: NOW, forgeAt, registries: null }), before, after);
}

/** The same asking any upstream. */
export async function reviewWith(
  upstream: Upstream,
  before: FrobPin | null,
  after: FrobPin,
): Promise<Review> {
  const path = "pkgs/by-name/fr/frob/package.nix";
  const made = makeRepository({ [path]: before && frobRecipe(before) }, { [path]: frobRecipe(after) });
  try {
    const repository = await openRepository(made.directory);
    try {
      const change = await openGitPair(
        repository,
        made.git("rev-parse", "HEAD^"),
        made.git("rev-parse", "HEAD"),
      );
      return await review(change, await createTools(), { config: DEFAULT_CONFIG, upstream });
    } finally {
      repository.close();
    }
  } finally {
    made.remove();
  }
}

/** Of a review's findings what tells them apart. */
export function said({ findings }: Review): string[] {
  return findings.map(({ rule, severity }) => `${rule}: ${severity}`);
}
