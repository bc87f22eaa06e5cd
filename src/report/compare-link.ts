/** Links to what upstream changed between the two sides of a pin. */
import type { Pin, PinChange } from "./review.ts";

/** Links are built from parts that match these patterns, never from a text of the change as a whole. */
const NAME = "[A-Za-z0-9][A-Za-z0-9._-]*";
const REVISION = /^[A-Za-z0-9][A-Za-z0-9._+/-]*$/;
interface Forge {
  readonly source: RegExp;
  readonly compare: string;
}
const GITLAB: Forge = {
  source: new RegExp(`^/(${NAME}(?:/${NAME}?)+?)(?:\\.git)?(?:/-/archive/(.+?)/[^/]+)?/?$`),
  compare: "/-/compare/",
};
const FORGES: Readonly<Record<string, Forge>> = {
  "github.com": {
    source: new RegExp(
      `^/(${NAME}/${NAME}?)(?:\\.git)?(?:/archive/(?:refs/(?:tags|heads)/)?(.+?)\\.(?:tar\\.gz|zip))?/?$`,
    ),
    compare: "/compare/",
  },
  "codeberg.org": {
    source: new RegExp(`^/(${NAME}/${NAME}?)(?:\\.git)?(?:/archive/(.+?)\\.(?:tar\\.gz|zip))?/?$`),
    compare: "/compare/",
  },
  "gitlab.com": GITLAB,
  "gitlab.gnome.org": GITLAB,
  "gitlab.freedesktop.org": GITLAB,
  "salsa.debian.org": GITLAB,
  "invent.kde.org": GITLAB,
  "framagit.org": GITLAB,
};

/** What fetchFromGitLab downloads from; the revision stands beside it. */
const GITLAB_API = /^\/api\/v4\/projects\/([^/]+)\/repository\/archive\.tar\.gz$/;

interface Location {
  readonly host: string;
  readonly repository: string;
  readonly revision: string;
}

/** Where on a forge a pin's source is; null when the text does not say so plainly. */
function locationOf({ urls, rev, resolved }: Pin): Location | null {
  const url = urls[0] !== undefined && resolved && URL.canParse(urls[0]) ? new URL(urls[0]) : null;
  if (url === null || url.protocol !== "https:" || url.port !== "" || url.username !== "") return null;
  const project = GITLAB_API.exec(url.pathname)?.[1]?.replace(/%2f/gi, "/").replace(/%2e/gi, ".");
  if (project === undefined && url.search !== "") return null;
  const path = project === undefined ? url.pathname : `/${project}`;
  const [, repository, ofUrl] = FORGES[url.hostname]?.source.exec(path) ?? [];
  const revision = (rev ?? ofUrl)?.replace(/^refs\/(?:tags|heads)\//, "");
  if (repository === undefined || revision === undefined) return null;
  if (!REVISION.test(revision) || revision.includes("..")) return null;
  return { host: url.hostname, repository, revision };
}

/** The page on which the forge compares the two sides of a pin; null when they are not of one repository. */
export function compareLink({ before, after }: Pick<PinChange, "before" | "after">): string | null {
  const [from, to] = [before && locationOf(before), after && locationOf(after)];
  if (!from || !to || from.host !== to.host || from.repository !== to.repository) return null;
  const forge = FORGES[from.host];
  if (forge === undefined || from.revision === to.revision) return null;
  return `https://${from.host}/${from.repository}${forge.compare}${from.revision}...${to.revision}`;
}
