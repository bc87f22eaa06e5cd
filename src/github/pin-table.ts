/** The changed source pins as a table, with links to what upstream changed between the two. */
import { code } from "../report/markdown-escape.ts";
import type { Pin, PinChange, Review, Verdict } from "../report/review.ts";

/** A page of a forge; links are made of parts that match these, never of what the change says as a whole. */
const NAME = "[A-Za-z0-9][A-Za-z0-9._-]*";
const REVISION = /^[A-Za-z0-9][A-Za-z0-9._+/-]*$/;
const FORGES: Readonly<Record<string, { readonly source: RegExp; readonly compare: string }>> = {
  "github.com": {
    source: new RegExp(
      `^/(${NAME}/${NAME}?)(?:\\.git)?(?:/archive/(?:refs/(?:tags|heads)/)?(.+?)\\.(?:tar\\.gz|zip))?/?$`,
    ),
    compare: "/compare/",
  },
  "gitlab.com": {
    source: new RegExp(`^/(${NAME}(?:/${NAME})+?)(?:\\.git)?(?:/-/archive/(.+?)/[^/]+)?/?$`),
    compare: "/-/compare/",
  },
  "codeberg.org": {
    source: new RegExp(`^/(${NAME}/${NAME}?)(?:\\.git)?(?:/archive/(.+?)\\.(?:tar\\.gz|zip))?/?$`),
    compare: "/compare/",
  },
};

interface Location {
  readonly host: string;
  readonly repository: string;
  readonly revision: string;
}

/** Where on a forge a pin's source is; null when the text does not say so plainly. */
function locationOf({ urls, rev, resolved }: Pin): Location | null {
  const url = urls[0] !== undefined && resolved && URL.canParse(urls[0]) ? new URL(urls[0]) : null;
  if (
    url === null ||
    url.protocol !== "https:" ||
    url.port !== "" ||
    url.username !== "" ||
    url.search !== ""
  )
    return null;
  const [, repository, ofUrl] = FORGES[url.hostname]?.source.exec(url.pathname) ?? [];
  const revision = (rev ?? ofUrl)?.replace(/^refs\/(?:tags|heads)\//, "");
  if (repository === undefined || revision === undefined) return null;
  if (!REVISION.test(revision) || revision.includes("..")) return null;
  return { host: url.hostname, repository, revision };
}

/** The page on which the forge compares the two sides of a pin; null when they are not of one repository. */
export function compareLink({ before, after }: PinChange): string | null {
  const [from, to] = [before && locationOf(before), after && locationOf(after)];
  if (!from || !to || from.host !== to.host || from.repository !== to.repository) return null;
  const forge = FORGES[from.host];
  if (forge === undefined || from.revision === to.revision) return null;
  return `https://${from.host}/${from.repository}${forge.compare}${from.revision}...${to.revision}`;
}

/** A value as code within a cell, where a bar would end the cell whatever stands before it. */
function cell(value: string, limit = 80): string {
  return code(value, limit).replaceAll("|", "\\u{7c}");
}

/** The version of a pin, else its revision, else the end of its location. */
function label(pin: Pin | null): string {
  if (pin === null) return "(none)";
  const name = pin.version ?? pin.rev ?? pin.urls[0];
  return name === undefined ? "(unknown)" : cell(name);
}

function verdictOf(pin: Pin | null, verdicts: readonly Verdict[]): string {
  const found = pin?.hash ? verdicts.filter(({ declared }) => declared === pin.hash) : [];
  return [...new Set(found.map(({ outcome }) => outcome))].join(", ") || "–";
}

function row(change: PinChange, verdicts: readonly Verdict[]): string {
  const { path, binding, before, after } = change;
  const link = compareLink(change);
  const versions = `${label(before)} → ${label(after)}`;
  const hashes = before?.hash === after?.hash ? "unchanged" : cell(after?.hash ?? "none");
  const columns = [
    `${cell(path, 120)} ${cell(binding)}`,
    change.change,
    link === null ? versions : `[${versions}](${link})`,
    hashes,
    verdictOf(after, verdicts),
  ];
  return `| ${columns.join(" | ")} |`;
}

const HEAD =
  "### Source pins\n\n| Pin | Change | From → to | Hash | Fetched again |\n| --- | --- | --- | --- | --- |";

/** The table as Markdown of at most `limit` bytes; null when no pin changed. What does not fit is counted. */
export function pinTable({ sources, verdicts }: Review, limit: number): string | null {
  if (sources.length === 0) return null;
  let room = limit - Buffer.byteLength(HEAD) - 100;
  const rows: string[] = [];
  for (const change of sources) {
    const line = row(change, verdicts);
    room -= Buffer.byteLength(line) + 1;
    if (room < 0) break;
    rows.push(line);
  }
  const left = sources.length - rows.length;
  const more = left === 0 ? [] : [`\n${left} more source pins changed; they are in the report.`];
  return [HEAD, ...rows, ...more].join("\n");
}
