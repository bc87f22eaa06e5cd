/** Who maintains the packages that a change touches, as the base says it: `meta.maintainers` and `meta.teams`. */
import { parse as parseJson } from "jsonc-parser";
import * as z from "zod";
import type { Tree } from "../change/change.ts";
import type { Documents } from "../nix/documents.ts";
import { type MaintainerNames, maintainersIn, teamIn, textAttribute } from "./maintainer-names.ts";

/** Somebody of maintainers/maintainer-list.nix. The number tells accounts apart, a name can pass to somebody else. */
export interface Maintainer {
  /** The name in the list; that of the account for members of a team on GitHub. */
  readonly handle: string;
  /** Null: the list does not say, or was not asked. */
  readonly github: string | null;
  readonly githubId: number | null;
}

export interface Maintainers {
  /** Each once, in the order of the files. */
  readonly people: readonly Maintainer[];
  /** What the text does not decide, as it stands: somebody may be behind it. */
  readonly unknown: readonly string[];
}

const LIST = "maintainers/maintainer-list.nix";
const TEAMS = "maintainers/team-list.nix";
/** What nixpkgs copies from GitHub for the teams that are kept there. */
const GITHUB_TEAMS = "maintainers/github-teams.json";

/** A change to more packages is treewide: it is nobody's own. */
const MOST_FILES = 20;
const MOST_PEOPLE = 100;

/** Two trees of the base. Where it is about rights, both are its tip: who changes something chooses the older one. */
export interface MaintainerTrees {
  readonly packages: Tree;
  /** Null: names are left as packages have them, and teams are not looked into. */
  readonly lists: Tree | null;
}

/** Reads who maintains the packages around `paths`, which need not be there. */
export async function readMaintainers(
  { packages, lists: tree }: MaintainerTrees,
  paths: readonly string[],
  documents: Documents,
): Promise<Maintainers> {
  const treewide = { people: [], unknown: [`more than ${MOST_FILES} packages`] };
  const places = new Map(paths.map((path) => [placesOf(path).join("\n"), placesOf(path)]));
  if (places.size > 3 * MOST_FILES) return treewide;
  const found = await Promise.all([...places.values()].map((each) => firstOf(packages, each)));
  const files = new Set(found.filter((file) => file !== null));
  if (files.size > MOST_FILES) return treewide;
  const unknown = new Set<string>();
  const people = new Map<string, Maintainer>();
  const add = (person: Maintainer): void => void people.set(person.handle, person);
  const list = tree && lazyText(tree, LIST);
  const addAll = async ({ handles, teams, unknown: open }: MaintainerNames): Promise<void> => {
    for (const text of open) unknown.add(text);
    if (tree === null || list === null) {
      const names = [...handles, ...teams.map((team) => `team ${team}`)];
      for (const handle of names) add({ handle, github: null, githubId: null });
      return;
    }
    for (const handle of handles) {
      const found = people.size < MOST_PEOPLE ? accountOf(documents, (await list()) ?? "", handle) : null;
      if (found === null) unknown.add(handle);
      else add(found);
    }
    for (const team of teams) {
      const members = await readTeam(tree, team, documents);
      if (members === null) unknown.add(`team ${team}`);
      else {
        members.accounts.forEach(add);
        await addAll(members.names);
      }
    }
  };
  for (const file of files) {
    const text = await textAt(packages, file);
    if (text !== null) await addAll(maintainersIn(documents, file, text));
  }
  documents.trim();
  return { people: [...people.values()], unknown: [...unknown] };
}

/** Where the package that a file belongs to may be defined, the likeliest first. */
function placesOf(path: string): readonly string[] {
  const byName = /^pkgs\/by-name\/[^/]+\/[^/]+\//.exec(path)?.[0];
  if (byName !== undefined) return [`${byName}package.nix`];
  if (path.endsWith(".nix")) return [path];
  const folder = path.slice(0, path.lastIndexOf("/") + 1);
  return [`${folder}default.nix`, `${folder}package.nix`];
}

/** The first of some files that is there; null: none. */
async function firstOf(tree: Tree, places: readonly string[]): Promise<string | null> {
  const entries = await Promise.all(places.map((place) => tree.entry(place)));
  return entries.find((entry) => entry !== null)?.path ?? null;
}

/** The text of a file; null when it has none. */
async function textAt(tree: Tree, path: string): Promise<string | null> {
  const entry = await tree.entry(path);
  if (entry?.kind !== "file" && entry?.kind !== "executable") return null;
  const content = await tree.read(entry);
  return content.kind === "text" ? content.text : null;
}

/** A file that is read when it is needed, once: the list is half a megabyte. */
function lazyText(tree: Tree, path: string): () => Promise<string | null> {
  let text: Promise<string | null> | undefined;
  return () => {
    text ??= textAt(tree, path);
    return text;
  };
}

/** What the list of maintainers says of a name; null when it does not, or not in plain words. */
function accountOf(documents: Documents, list: string, handle: string): Maintainer | null {
  const entry = entryOf(list, handle);
  if (entry === null) return null;
  const github = textAttribute(documents, entry, "github");
  const id = textAttribute(documents, entry, "githubId");
  const githubId = id !== null && /^[1-9]\d{0,14}$/.test(id) ? Number(id) : null;
  return { handle, github, githubId };
}

/**
 * The set that a file of sets binds to a name, cut out by its lines, as the formatter leaves them: to parse all of the
 * list takes a second. Null when there is not exactly one.
 */
function entryOf(text: string, name: string): string | null {
  if (!/^[A-Za-z_][\w'-]*$/.test(name)) return null;
  const starts = [`\n  ${name} = {`, `\n  "${name}" = {`].flatMap((start) => {
    const first = text.indexOf(start);
    if (first < 0) return [];
    return text.indexOf(start, first + 1) < 0 ? [first + start.length - 1] : [null, null];
  });
  const [start] = starts;
  if (starts.length !== 1 || typeof start !== "number") return null;
  const end = text.indexOf("\n  };", start);
  return end < 0 ? null : text.slice(start, end + "\n  }".length);
}

const membersSchema = z.record(z.string(), z.int().min(1));
const teamSchema = z.object({ members: membersSchema, maintainers: membersSchema });

interface Team {
  readonly names: MaintainerNames;
  readonly accounts: readonly Maintainer[];
}

/** The members of a team: those that its list names, and those that GitHub has. Null when the base does not say. */
async function readTeam(tree: Tree, name: string, documents: Documents): Promise<Team | null> {
  const entry = entryOf((await textAt(tree, TEAMS)) ?? "", name);
  if (entry === null) return null;
  const names = teamIn(documents, entry);
  const github = textAttribute(documents, entry, "github");
  if (github === null) return { names, accounts: [] };
  const teams: unknown = parseJson((await textAt(tree, GITHUB_TEAMS)) ?? "");
  const team = z.object({ [github]: teamSchema }).safeParse(teams).data?.[github];
  if (team === undefined) return null;
  const accounts = Object.entries({ ...team.members, ...team.maintainers }).map(([login, githubId]) => ({
    handle: login,
    github: login,
    githubId,
  }));
  return { names, accounts };
}
