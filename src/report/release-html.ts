/**
 * A release compared with its tag, as one page that needs nothing else: no script, no image, no font, no link. Nearly all of
 * it is text of others; each piece goes through `text`, so that a browser shows it and never interprets it.
 */
import { createHash } from "node:crypto";
import { type Entry, type Folded, suspicious } from "../asset/compare.ts";
import { SHOWN_LINES } from "../asset/difference.ts";
import {
  byDanger,
  DANGER_TITLES,
  diffLines,
  extent,
  foldTitle,
  type ReleaseReport,
  reason,
  releaseSummary,
} from "./release-words.ts";
import { visible } from "./visible.ts";

const STYLE = `
body { font: 15px/1.5 system-ui, sans-serif; max-width: 75rem; margin: 2rem auto; padding: 0 1rem; color: #1f2328; background: #fff; }
h1 { font-size: 1.3rem; } h2 { font-size: 1.1rem; margin-top: 2rem; }
code, pre { font: 13px/1.45 ui-monospace, monospace; overflow-wrap: anywhere; }
pre { margin: .5rem 0; border: 1px solid #d1d9e0; overflow-x: auto; } pre span { display: block; white-space: pre-wrap; padding: 0 .5rem; min-height: 1.45em; }
.add { background: #dafbe1; } .del { background: #ffebe9; } .at { background: #ddf4ff; }
details { margin: .5rem 0; } summary { cursor: pointer; } .why, .extent { color: #59636e; }
dt { font-weight: 600; } dd { margin: 0 0 .5rem; }
@media (prefers-color-scheme: dark) {
  body { color: #f0f6fc; background: #0d1117; } pre { border-color: #3d444d; } .why, .extent { color: #9198a1; }
  .add { background: #12261e; } .del { background: #301b1e; } .at { background: #121d2f; }
}
`;

// The style is allowed by its hash and nothing else is: https://www.w3.org/TR/CSP3/#source-list-syntax
const POLICY = `default-src 'none'; style-src 'sha256-${createHash("sha256").update(STYLE).digest("base64")}'`;

/** So many of the first files to read have their diff unfolded; a page with a thousand open diffs helps nobody. */
const OPEN = 10;
/** Paths of one fold; the rest is counted. */
const MOST_PATHS = 500;

export function formatReleaseHtml(report: ReleaseReport): string {
  const { release, result } = report;
  const summary = text(releaseSummary(report), 2_000);
  const body =
    result.kind === "failed"
      ? ""
      : [
          `<dl><dt>Commit</dt><dd><code>${text(result.commit)}</code></dd></dl>`,
          ...sections(result.comparison.entries, suspicious(result.comparison)),
          ...folds(result.comparison.folded),
          ...list(
            "Not compared",
            result.comparison.unchecked.map(
              ({ what, reason }) => `<code>${text(what)}</code>: ${text(reason)}`,
            ),
          ),
        ].join("\n");
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${POLICY}">
<meta name="referrer" content="no-referrer">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${text(release.tag)}: release and repository</title>
<style>${STYLE}</style>
</head>
<body>
<h1>${summary}</h1>
<dl>
<dt>Archive</dt><dd><code>${text(release.asset)}</code></dd>
<dt>Repository</dt><dd><code>${text(release.repository)}</code></dd>
<dt>Tag</dt><dd><code>${text(release.tag)}</code></dd>
</dl>
${body}
</body>
</html>
`;
}

/** A value as text: nothing invisible or reordering, nothing that HTML knows. */
function text(value: string, limit = 500): string {
  return visible(value, limit).replace(/[&<>"'`]/g, (character) => `&#${character.charCodeAt(0)};`);
}

function sections(entries: readonly Entry[], toRead: readonly Entry[]): string[] {
  const open = new Set(toRead.slice(0, OPEN));
  return byDanger(entries).map(
    ([danger, group]) =>
      `<h2>${text(DANGER_TITLES[danger])}</h2>\n${group.map((entry) => entryHtml(entry, open.has(entry))).join("\n")}`,
  );
}

function entryHtml(entry: Entry, open: boolean): string {
  const title = `<code>${text(entry.path)}</code> <span class="extent">${text(extent(entry))}</span>`;
  const lines = diffLines(entry, SHOWN_LINES + 100).map((line) => {
    const kind = line.startsWith("+")
      ? "add"
      : line.startsWith("-")
        ? "del"
        : line.startsWith("@")
          ? "at"
          : "same";
    return `<span class="${kind}">${text(line)}</span>`;
  });
  const diff = lines.length === 0 ? "" : `<pre>${lines.join("")}</pre>`;
  return `<details${open ? " open" : ""}><summary>${title}</summary><p class="why">${text(reason(entry))}</p>${diff}</details>`;
}

function folds(folded: readonly Folded[]): string[] {
  if (folded.length === 0) return [];
  const groups = folded.map((fold) => {
    const paths = fold.paths.slice(0, MOST_PATHS).map((path) => `<li><code>${text(path)}</code></li>`);
    const more = fold.paths.length - paths.length;
    const rest = more > 0 ? `<li>and ${more} more</li>` : "";
    return `<details><summary>${text(foldTitle(fold))}</summary><ul>${paths.join("")}${rest}</ul></details>`;
  });
  return ["<h2>Accounted for</h2>", ...groups];
}

function list(title: string, items: readonly string[]): string[] {
  return items.length === 0
    ? []
    : [`<h2>${title}</h2>`, `<ul>${items.map((item) => `<li>${item}</li>`).join("")}</ul>`];
}
