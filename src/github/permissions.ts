/**
 * Who may ask for what. What GitHub and the base say now decides, never what an event claims: an event's `author_association`
 * hides members of an organisation and calls everybody a contributor who once fixed a comma. What cannot be found out is not
 * allowed.
 */
import * as z from "zod";
import { type GitHubApi, type RepositoryName, statusOf } from "../change/github-api.ts";

/** An account. The number stays the same when the name passes to somebody else. */
export interface Account {
  readonly id: number;
  readonly login: string;
}

export type Permit =
  | { readonly allowed: true }
  /** `unknown`: it could not be found out, but another attempt may succeed. `reason`: a sentence of ours. */
  | { readonly allowed: false; readonly unknown: boolean; readonly reason: string };

const ALLOWED: Permit = { allowed: true };

function refused(reason: string): Permit {
  return { allowed: false, unknown: false, reason };
}

function notFoundOut(what: string): Permit {
  return { allowed: false, unknown: true, reason: `Could not check ${what}: ask again later.` };
}

/** What is asked about. */
export interface Subject {
  readonly repository: RepositoryName;
  /** Who opened the pull request; null: an account that is gone. */
  readonly author: number | null;
}

/**
 * Whether `person` may have the pull request reviewed again: its author, whoever has triage permission or more, and the
 * maintainers of the packages that it touches. `isMaintainer` is asked last; null: not known.
 */
export async function mayRecheck(
  api: GitHubApi,
  person: Account,
  { repository, author }: Subject,
  isMaintainer: (id: number) => Promise<boolean | null>,
): Promise<Permit> {
  if (person.id === author) return ALLOWED;
  const role = await roleOf(api, repository, person);
  if (role === "write" || role === "triage") return ALLOWED;
  const maintains = await isMaintainer(person.id);
  if (maintains === true) return ALLOWED;
  if (role === "unknown") return notFoundOut("what this account may do");
  if (maintains === null) return notFoundOut("who maintains the packages that this change touches");
  return refused(
    "A recheck may be asked for by the author, by people with triage permission or more, and by maintainers of the packages that this change touches.",
  );
}

/**
 * Whether `person` may acknowledge a finding: whoever has write permission, and the members of `teams` (as
 * `@organisation/team`), but never who opened the pull request.
 */
export async function mayAcknowledge(
  api: GitHubApi,
  person: Account,
  { repository, author }: Subject,
  teams: readonly string[],
): Promise<Permit> {
  if (person.id === author) return refused("Nobody acknowledges findings in a change of their own.");
  if (author === null) return notFoundOut("who opened this pull request");
  const role = await roleOf(api, repository, person);
  if (role === "write") return ALLOWED;
  // Teams are asked by name; without the answer above it is not known whose name it is.
  if (role === "unknown") return notFoundOut("what this account may do");
  let open = false;
  for (const team of teams) {
    const member = await isMember(api, repository, person, team);
    if (member === true) return ALLOWED;
    open ||= member === null;
  }
  if (open) return notFoundOut("who is in the team of this part of the repository");
  return refused(
    "A finding may be acknowledged by people with write permission, and by the team of the part of the repository that it is in.",
  );
}

type Role = "write" | "triage" | "none" | "unknown";

const permissionSchema = z.object({
  permission: z.string(),
  role_name: z.string(),
  user: z.object({ id: z.number() }).nullable(),
});

/**
 * What an account may do in a repository. GitHub's `permission` gives a custom role as the one that it builds on, and `triage`
 * as `read`. https://docs.github.com/en/rest/collaborators/collaborators
 */
async function roleOf(api: GitHubApi, { owner, name }: RepositoryName, person: Account): Promise<Role> {
  if (!isName(person.login)) return "unknown";
  const found = await answerOf(
    api,
    "GET /repos/{owner}/{repo}/collaborators/{username}/permission",
    { owner, repo: name, username: person.login },
    permissionSchema,
  );
  // Another account of that name: this one was renamed, and what the name may do says nothing of it.
  if (typeof found === "number" || found?.user?.id !== person.id) return "unknown";
  if (found.permission === "admin" || found.permission === "write") return "write";
  return found.role_name === "triage" ? "triage" : "none";
}

const membershipSchema = z.object({ state: z.enum(["active", "pending"]) });

/** Whether a person is in a team of the repository's own organisation; null: not known. */
async function isMember(
  api: GitHubApi,
  { owner }: RepositoryName,
  person: Account,
  team: string,
): Promise<boolean | null> {
  const [, org = "", slug = ""] = /^@([^/]+)\/([^/]+)$/.exec(team) ?? [];
  // An installation cannot see teams of another organisation, and their members have no say here.
  if (slug === "" || org.toLowerCase() !== owner.toLowerCase()) return false;
  const found = await answerOf(
    api,
    "GET /orgs/{org}/teams/{team_slug}/memberships/{username}",
    { org: owner, team_slug: slug, username: person.login },
    membershipSchema,
  );
  if (found === 404) return false;
  return typeof found === "number" || found === null ? null : found.state === "active";
}

/** The answer to a request; the status of one that failed, null for an answer that is none. */
async function answerOf<T>(
  api: GitHubApi,
  route: string,
  parameters: Readonly<Record<string, string>>,
  schema: z.ZodType<T>,
): Promise<T | number | null> {
  try {
    const parsed = schema.safeParse((await api.request(route, parameters)).data);
    return parsed.success ? parsed.data : null;
  } catch (error) {
    const status = statusOf(error);
    if (status === null) throw error;
    return status;
  }
}

/** Whether a text can be the name of an account; those of managed users have an underscore. */
function isName(text: string): boolean {
  return /^[A-Za-z0-9_-]{1,100}$/.test(text);
}
