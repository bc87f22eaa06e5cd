import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { createGitHubApi } from "../../src/github/client.ts";
import { type Account, mayAcknowledge, mayRecheck } from "../../src/github/permissions.ts";
import {
  actionsBot,
  badGateway,
  dropped,
  type FakeGitHub,
  type Fault,
  person,
  primaryLimit,
  secondaryLimit,
  startFakeGitHub,
} from "../fake-github/server.ts";
import type { Role } from "../fake-github/state.ts";
import { makeRepository, type TestRepository } from "../support/repository.ts";

let made: TestRepository;
let fake: FakeGitHub;
const app = actionsBot({ contents: "read", checks: "write", pull_requests: "write", members: "read" });

beforeAll(async () => {
  made = makeRepository({ "a.nix": "{ }\n" });
  fake = await startFakeGitHub({ repository: made });
});
afterAll(async () => {
  expect(fake.faults).toEqual([]);
  await fake.close();
  made.remove();
});
beforeEach(() => {
  fake.failWhen = () => null;
  fake.identities.clear();
  fake.permissions.clear();
  fake.teams.clear();
  fake.teams.set(
    "NixOS/boot",
    new Map([
      ["member", "active"],
      ["invited", "pending"],
    ]),
  );
  fake.teams.set("NixOS/other", new Map([["elsewhere", "active"]]));
  fake.teams.set("acme/boot", new Map([["foreign", "active"]]));
});

const AUTHOR = 77;
const MAINTAINER = 88;

interface Case {
  /** The account that asks; known to GitHub under its name unless `renamed` or `gone`. */
  readonly login?: string;
  readonly id?: number;
  readonly role?: Role;
  readonly author?: number | null;
  /** What the base says of maintainers; null: it could not be read. */
  readonly maintainers?: readonly number[] | null;
  readonly teams?: readonly string[];
  /** The number of the account that has the name now. */
  readonly renamed?: number;
  readonly gone?: boolean;
  /** How requests of this kind fail. */
  readonly fails?: readonly ["collaborators" | "teams", Fault];
}
type Expected = "yes" | "no" | "unknown";

async function ask(
  may: "recheck" | "acknowledge",
  {
    login = "somebody",
    id = 5,
    role,
    author = AUTHOR,
    maintainers = [MAINTAINER],
    teams = ["@NixOS/boot"],
    renamed,
    gone,
    fails,
  }: Case,
): Promise<Expected> {
  if (gone !== true) person(fake, login, renamed ?? id);
  if (role !== undefined) fake.permissions.set(login, role);
  if (fails !== undefined) fake.failWhen = ({ path }) => (path.includes(fails[0]) ? fails[1] : null);
  const api = createGitHubApi({ token: fake.token(app), apiUrl: fake.url, pace: 0 });
  const asking: Account = { id, login };
  const subject = { repository: { owner: fake.owner, name: fake.name }, author };
  const permit =
    may === "recheck"
      ? await mayRecheck(api, asking, subject, async (each) => maintainers?.includes(each) ?? null)
      : await mayAcknowledge(api, asking, subject, teams);
  if (permit.allowed) return "yes";
  expect(permit.reason).toMatch(permit.unknown ? /^Could not check .*ask again later\.$/ : /\.$/);
  return permit.unknown ? "unknown" : "no";
}

const notFound: Fault = { status: 404, applied: false, message: "Not Found" };
const forbidden: Fault = { status: 403, applied: false, message: "Resource not accessible by integration" };
const odd: Fault = { status: 200, applied: false, message: "not what was asked" };

const table: readonly (readonly [string, Case, Expected, Expected])[] = [
  // Who it is: recheck, acknowledge.
  ["a stranger", {}, "no", "no"],
  ["the author", { id: AUTHOR, login: "contributor" }, "yes", "no"],
  ["the author, who may write", { id: AUTHOR, login: "contributor", role: "write" }, "yes", "no"],
  ["the author, who owns the repository", { id: AUTHOR, login: "contributor", role: "admin" }, "yes", "no"],
  ["the author, of the team", { id: AUTHOR, login: "member" }, "yes", "no"],
  ["the author under a new name", { id: AUTHOR, login: "renamed" }, "yes", "no"],
  ["somebody else under the author's old name", { id: 6, login: "contributor" }, "no", "no"],
  ["a writer under the author's old name", { id: 6, login: "contributor", role: "write" }, "yes", "yes"],
  ["a reader", { role: "read" }, "no", "no"],
  ["nobody to the repository", { role: "none" }, "no", "no"],
  ["somebody with triage", { role: "triage" }, "yes", "no"],
  ["a writer", { role: "write" }, "yes", "yes"],
  ["a maintainer of the repository", { role: "maintain" }, "yes", "yes"],
  ["an owner of the repository", { role: "admin" }, "yes", "yes"],
  ["a role of one's own on write", { role: { name: "security", permission: "write" } }, "yes", "yes"],
  ["a role of one's own on read", { role: { name: "security", permission: "read" } }, "no", "no"],
  ["a role that is only called write", { role: { name: "write", permission: "read" } }, "no", "no"],
  ["a role that is only called admin", { role: { name: "admin", permission: "read" } }, "no", "no"],
  ["a package maintainer", { id: MAINTAINER }, "yes", "no"],
  ["a package maintainer under a new name", { id: MAINTAINER, login: "new-name" }, "yes", "no"],
  ["somebody else under a maintainer's name", { id: 9, login: "maintainer" }, "no", "no"],
  ["a maintainer of another package", { id: 89 }, "no", "no"],
  ["a maintainer, where the base cannot be read", { id: MAINTAINER, maintainers: null }, "unknown", "no"],
  ["a writer, where the base cannot be read", { role: "write", maintainers: null }, "yes", "yes"],
  ["a member of the team", { login: "member" }, "no", "yes"],
  ["a member, with the organisation in capitals", { login: "member", teams: ["@NIXOS/boot"] }, "no", "yes"],
  [
    "a member of the second team",
    { login: "elsewhere", teams: ["@NixOS/boot", "@NixOS/other"] },
    "no",
    "yes",
  ],
  ["a member of another team", { login: "elsewhere" }, "no", "no"],
  ["somebody who was only invited", { login: "invited" }, "no", "no"],
  ["a member of another organisation's team", { login: "foreign", teams: ["@acme/boot"] }, "no", "no"],
  ["a member of our team of that name", { login: "member", teams: ["@acme/boot"] }, "no", "no"],
  ["somebody whom the subsystem names", { login: "named", teams: ["@named"] }, "no", "no"],
  ["where there is no team", { login: "member", teams: [] }, "no", "no"],
  ["a team that is not there", { login: "member", teams: ["@NixOS/gone"] }, "no", "no"],
  ["a member with read permission", { login: "member", role: "read" }, "no", "yes"],
  // Whose name it is by now.
  ["a writer whose name has passed to another", { role: "write", renamed: 666 }, "unknown", "unknown"],
  ["a member whose name has passed to another", { login: "member", renamed: 666 }, "unknown", "unknown"],
  ["a maintainer whose name has passed to another", { id: MAINTAINER, renamed: 666 }, "yes", "unknown"],
  ["an account that is gone", { gone: true }, "unknown", "unknown"],
  ["a name with a path in it", { login: "../../user", role: "write" }, "unknown", "unknown"],
  ["a name that looks alike", { login: "m\u0435mber" }, "unknown", "unknown"],
  ["a managed user", { login: "member_acme", role: "write" }, "yes", "yes"],
  // Who opened it is not known.
  ["a writer, where the author is gone", { role: "write", author: null }, "yes", "unknown"],
  ["a stranger, where the author is gone", { author: null }, "no", "unknown"],
  // What GitHub does not say.
  ...(
    [
      ["GitHub fails", badGateway(false)],
      ["the connection breaks", dropped(false)],
      ["there is a limit", secondaryLimit(0)],
      ["there is another limit", primaryLimit(0)],
      ["the App may not ask", forbidden],
      ["GitHub knows nothing", notFound],
      ["GitHub answers something else", odd],
    ] as const
  ).flatMap(([what, fault]): [string, Case, Expected, Expected][] => [
    [`a writer, when ${what}`, { role: "write", fails: ["collaborators", fault] }, "unknown", "unknown"],
    [`a member, when ${what}`, { login: "member", fails: ["collaborators", fault] }, "unknown", "unknown"],
    [`a maintainer, when ${what}`, { id: MAINTAINER, fails: ["collaborators", fault] }, "yes", "unknown"],
    [
      `a stranger to a team, when ${what}`,
      { fails: ["teams", fault] },
      "no",
      what === "GitHub knows nothing" ? "no" : "unknown",
    ],
    [`a writer, when of teams ${what}`, { role: "write", fails: ["teams", fault] }, "yes", "yes"],
  ]),
];

test.each(table)("%s", async (_what, given, recheck, acknowledge) => {
  expect(await ask("recheck", given)).toBe(recheck);
  expect(await ask("acknowledge", given)).toBe(acknowledge);
});

test("there are enough of them, each once", () => {
  expect(new Set(table.map(([, given]) => JSON.stringify(given))).size).toBe(table.length);
  expect(table.length).toBeGreaterThanOrEqual(40);
});
