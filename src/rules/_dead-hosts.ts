/** What the answer of a host that is no forge or registry shows: that it is gone, parked or sold. */
import type { Location } from "../origin/location.ts";
import { domainOf } from "../origin/place.ts";
import { type HostFacts, isGone } from "../provenance/answers.ts";
import type { Confidence, Severity } from "../report/review.ts";
import { shown } from "./_pins.ts";

/** What is wrong with the place that a pin comes from. */
export interface Concern {
  readonly severity: Severity;
  readonly confidence: Confidence;
  readonly title: string;
  readonly what: string;
  readonly clears: string;
}

/** File names under which no server would answer with a page. */
const ARCHIVE =
  /\.(?:tar|tar\.[a-z0-9]{1,5}|t[bgx]z2?|tzst|zip|gz|bz2|xz|zst|lz|lzma|7z|rar|jar|deb|rpm|dmg|pkg|exe|msi|appimage|gem|whl|iso|crx|xpi|apk|bin|run|ttf|otf)$/i;

/** What clears a place that is gone. */
export const CLEARS =
  "A place where the project is now clears it; so does a mirror that its distribution keeps.";

/** What speaks against a host by its answer; null: nothing. */
export function hostConcern(location: Location, facts: HostFacts): Concern | null {
  if (facts.kind === "unresolvable") return unresolvable(location, facts.registered);
  const concern = answered(location, facts);
  // Over http, anybody on the way may have answered.
  return concern && location.scheme === "http" ? { ...concern, confidence: "low" } : concern;
}

function unresolvable({ host }: Location, registered: boolean): Concern {
  const domain = domainOf(host);
  return registered
    ? {
        severity: "low",
        confidence: "high",
        title: "the host that it comes from is gone",
        what: `DNS has no ${shown(host)}, though it has the domain ${shown(domain)}: nothing can be fetched there now.`,
        clears: CLEARS,
      }
    : {
        severity: "medium",
        confidence: "high",
        title: "the domain that it comes from is gone",
        what: `DNS has no domain ${shown(domain)}: whoever registers it decides what it serves.`,
        clears: CLEARS,
      };
}

function answered(location: Location, facts: Extract<HostFacts, { kind: "answers" }>): Concern | null {
  const { status, contentType } = facts;
  if (isGone(facts)) {
    return {
      severity: "low",
      confidence: "medium",
      title: "there is nothing at its address",
      what: `The host answers with status ${status}: that the file can be had elsewhere, from a cache for one, may hide it.`,
      clears: CLEARS,
    };
  }
  if (!ARCHIVE.test(location.path)) return null;
  const elsewhere = facts.location === null ? null : otherFrontPage(location, facts.location);
  if (elsewhere !== null) {
    return {
      severity: "medium",
      confidence: "medium",
      title: "its host sends to the front page of another domain",
      what: `In place of the file, the host sends to ${shown(elsewhere)} (status ${status}): domains that were sold or left do so.`,
      clears: CLEARS,
    };
  }
  if (status === 200 && /^(?:text\/html|application\/xhtml\+xml)\b/i.test(contentType ?? "")) {
    return {
      severity: "low",
      confidence: "medium",
      title: "there is a page at the address of its file",
      what: `In place of the file, the host answers with a page (status 200, ${shown(contentType ?? "", 60)}): the domain may be parked or sold, or wants to see a browser.`,
      clears: "A look at the page clears it.",
    };
  }
  return null;
}

/** The URL, if it is the front page of another registrable domain; else null. */
function otherFrontPage({ host }: Location, to: string): string | null {
  if (!URL.canParse(to)) return null;
  const { protocol, hostname, pathname } = new URL(to);
  const isPage = (protocol === "https:" || protocol === "http:") && pathname === "/";
  return isPage && domainOf(hostname) !== domainOf(host) ? to : null;
}
