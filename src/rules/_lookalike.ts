/** Names that were chosen to be taken for others. */
import { distance } from "fastest-levenshtein";
import { type Location, withoutPlaceholders } from "../origin/location.ts";
import { domainOf, type Owner } from "../origin/place.ts";
import { ownerName, shown } from "./_pins.ts";

/** Letters and digits that look alike in common fonts, and the one that stands for all of them. */
const ALIKE: readonly (readonly [RegExp, string])[] = [
  [/rn/g, "m"],
  [/vv/g, "w"],
  [/[il1|]/g, "l"],
  [/[o0]/g, "o"],
  [/[5s]/g, "s"],
  [/[8b]/g, "b"],
  [/[2z]/g, "z"],
];

/** A name with letters that look alike made the same: equal for `cloudflare` and `cloudfIare`. */
function skeleton(name: string): string {
  let text = name.normalize("NFKC").toLowerCase();
  for (const [pattern, letter] of ALIKE) text = text.replace(pattern, letter);
  return text.replace(/[-_.]/g, "");
}

/** Whether `name` differs from `known` but may be taken for it: a letter off, two swapped, or looking alike. */
function resembles(name: string, known: string): boolean {
  const [a, b] = [name.toLowerCase(), known.toLowerCase()];
  if (a === b) return false;
  if (skeleton(name) === skeleton(known)) return true;
  // Short names are a letter apart by chance.
  const shorter = Math.min(a.length, b.length);
  if (shorter < 5) return false;
  return distance(a, b) <= (shorter < 9 ? 1 : 2) || isSwap(a, b);
}

/** Two neighbouring letters changed places. */
function isSwap(a: string, b: string): boolean {
  if (a.length !== b.length) return false;
  const at = [...a].findIndex((letter, index) => letter !== b[index]);
  return a[at] === b[at + 1] && a[at + 1] === b[at] && a.slice(at + 2) === b.slice(at + 2);
}

/** The part of a domain that people read: `acme` of `acme.co.uk`. */
function label(domain: string): string {
  return domain.split(".")[0] ?? domain;
}

/** The same name under another public suffix: `acme.org` for `acme.com`. */
function isOtherSuffix(domain: string, known: string): boolean {
  return label(domain) === label(known) && label(domain).length > 3;
}

/** The name of a package in its registry: `frob` of `PyPI frob`. */
function nameIn({ id, domain }: Owner): string {
  return id.slice(domain.length + 1);
}

/** Whether the owner or host of `after` may be taken for that of `before`. */
function isLookalike(before: Location, after: Location): boolean {
  const [old, current] = [before.owner, after.owner];
  if (!old || !current || old.id === current.id) return false;
  if (old.repository && current.repository && old.repository.forge === current.repository.forge) {
    const [was, is] = [old.repository, current.repository];
    return was.owner.toLowerCase() === is.owner.toLowerCase() ? false : resembles(is.owner, was.owner);
  }
  if (before.kind === "registry" && after.kind === "registry" && old.domain === current.domain)
    return resembles(nameIn(current), nameIn(old));
  if (old.domain === current.domain || !old.domain.includes(".") || !current.domain.includes("."))
    return false;
  // A project that moves between forges keeps its name: it is another owner, but no imitation.
  if (old.repository || current.repository)
    return (
      old.repository !== null &&
      current.repository !== null &&
      !WELL_KNOWN.includes(current.domain) &&
      resembles(current.domain, old.domain)
    );
  return resembles(current.domain, old.domain) || isOtherSuffix(current.domain, old.domain);
}

/** Why a location is taken for another. */
export interface Deceit {
  readonly severity: "block" | "high" | "medium";
  readonly what: string;
}

/** User names that old servers want where there are no accounts. */
const NOBODY = /^(anonymous|anoncvs|anonsvn|guest|git|hg|svn)(:[^@]*)?$/i;

/** A URL that shows one host and means another, or has a form that no honest location has; null: neither. */
function deceptiveForm(location: Location, old: readonly Location[]): Deceit | null {
  const { host, userinfo, port, scheme } = location;
  const text = withoutPlaceholders(location.text);
  const authority = /^[a-z][a-z0-9+.-]*:\/{1,3}([^/?#]*)/i.exec(text)?.[1] ?? "";
  if (scheme === "file") return null;
  if (/^(?:https?|ftps?):(?!\/\/[^/])/i.test(text)) {
    return {
      severity: "block",
      what: `two slashes do not follow the scheme, and programs ask ${shown(host)}`,
    };
  }
  if (/[\\\s\x00-\x1f\x7f]/.test(text)) {
    return { severity: "block", what: "the URL holds a backslash, white space or a control character" };
  }
  if (userinfo !== null && !NOBODY.test(userinfo) && location.resolved) {
    return { severity: "block", what: `what stands before the @ is no host: it asks ${shown(host)}` };
  }
  if (/%2f|%40|%5c/i.test(authority))
    return { severity: "block", what: "the host holds an escaped separator" };
  if (/[^\x00-\x7f]/.test(authority)) {
    return { severity: "block", what: "the host has letters that are not ASCII" };
  }
  if (/\.(:\d+)?$/.test(authority)) return { severity: "block", what: "the host ends in a dot" };
  if (/(^|\.)xn--/.test(host) && !old.some((other) => other.host === host)) {
    return { severity: "high", what: "the host has letters of another script (xn--)" };
  }
  const usual = port === null || port === "" || ["80", "443"].includes(port) || scheme !== "https";
  if (!usual && !old.some((other) => other.port === port && other.host === host)) {
    return { severity: "medium", what: `an unusual port, ${port}` };
  }
  return null;
}

/** Hosts that most sources come from, whose names are worth imitating. */
const WELL_KNOWN = [
  "github.com",
  "githubusercontent.com",
  "gitlab.com",
  "codeberg.org",
  "bitbucket.org",
  "sourceforge.net",
  "pythonhosted.org",
  "crates.io",
  "npmjs.org",
  "rubygems.org",
  "kernel.org",
  "gnu.org",
];

/** Why readers may take a location for one that the base has, or for a well-known one; null: no reason is seen. */
export function deceitOf(location: Location, old: readonly Location[]): Deceit | null {
  return deceptiveForm(location, old) ?? resemblance(location, old);
}

function resemblance(location: Location, old: readonly Location[]): Deceit | null {
  const { host } = location;
  const domain = domainOf(host);
  if (!location.owner || host === "") return null;
  const [other] = old.filter((each) => isLookalike(each, location));
  if (other) return { severity: "high", what: `${ownerName(location)} resembles ${ownerName(other)}` };
  // Well-known hosts imitate nothing, and neither do those that the base already has.
  if (WELL_KNOWN.includes(domain) || old.some((each) => domainOf(each.host) === domain)) return null;
  for (const known of WELL_KNOWN) {
    if (host.startsWith(`${known}.`) || host.includes(`.${known}.`)) {
      return { severity: "high", what: `the host only starts like ${known}` };
    }
    if (domain.includes(".") && resembles(domain, known)) {
      return { severity: "high", what: `${domain} resembles ${known}` };
    }
  }
  return null;
}
