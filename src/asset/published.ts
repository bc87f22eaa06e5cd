/**
 * Files that releases carry copies of, by their digests: macros of gnulib, gettext, libtool, automake and the Autoconf
 * Archive, and the scripts that automake and libtool install. Which bytes those projects published is a fact that an
 * attacker of one release cannot change; a name is not. `scripts/published.ts` writes the table.
 */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** So much of a SHA-256 is kept: finding other bytes for one of 2^16 digests takes 2^112 tries. */
export const DIGEST_BYTES = 16;

export interface Published {
  /** The project that published a file of this SHA-256 (hex); null when none is known. */
  projectOf(digest: string): string | null;
  /** Whether a file of this name, in whatever version, is published by one of the projects. */
  isName(name: string): boolean;
}

/** The table as it is stored: a line of JSON, then for each digest the number of its project and its bytes. */
export function formatPublished(digests: ReadonlyMap<string, string>, names: ReadonlySet<string>): Buffer {
  const projects = [...new Set(digests.values())].sort();
  const header = JSON.stringify({ projects, names: [...names].sort() });
  const records = [...digests]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([digest, project]) =>
      Buffer.concat([Buffer.from([projects.indexOf(project)]), Buffer.from(digest, "hex")]),
    );
  return Buffer.concat([Buffer.from(`${header}\n`), ...records]);
}

export function parsePublished(data: Buffer): Published {
  const start = data.indexOf(0x0a) + 1;
  const header: { projects: string[]; names: string[] } = JSON.parse(data.toString("utf8", 0, start));
  const projects = new Map<string, string>();
  for (let at = start; at < data.length; at += DIGEST_BYTES + 1) {
    const project = header.projects[data[at] ?? 0] ?? "";
    projects.set(data.toString("hex", at + 1, at + 1 + DIGEST_BYTES), project);
  }
  const names = new Set(header.names);
  return {
    projectOf: (digest) => projects.get(digest.slice(0, DIGEST_BYTES * 2)) ?? null,
    isName: (name) => names.has(name),
  };
}

let table: Published | null = null;

/** The table that comes with us. */
export function published(): Published {
  table ??= parsePublished(readFileSync(fileURLToPath(new URL("./published.bin", import.meta.url))));
  return table;
}
