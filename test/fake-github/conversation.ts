/** Who may do what, and the comments of people: GitHub's REST operations on them. */
import { checkedBody, type Handler, ok, page, repo, userData } from "./handler.ts";
import { demand, type Identity, Refusal, type Role, type Said, type World } from "./state.ts";

/** Something that `by` says now. `kind`: how the ids of its kind begin. */
export function said(world: World, pull: number, by: Identity, body: string, kind: "IC" | "PRR"): Said {
  const id = world.nextId();
  const createdAt = world.now();
  return { id, nodeId: `${kind}_${id}`, pull, by, body, createdAt, editedAt: null, reactions: [] };
}

export const conversation: Readonly<Record<string, Handler>> = {
  [`GET ${repo}/issues/{issue_number}/comments`]: ({ world, parameters, query }) => {
    const comments = world.issueComments.filter(({ pull }) => pull === Number(parameters.issue_number));
    return ok(page(comments, query).map(commentData));
  },
  [`POST ${repo}/issues/{issue_number}/comments`]: ({ world, identity, parameters, body }) => {
    demand(identity, "pull_requests", "write");
    const text = checkedBody(body.body);
    const comment = said(world, Number(parameters.issue_number), identity, text, "IC");
    world.issueComments.push(comment);
    return { status: 201, data: commentData(comment) };
  },
  [`PATCH ${repo}/issues/comments/{comment_id}`]: ({ world, identity, parameters, body }) => {
    demand(identity, "pull_requests", "write");
    const comment = commentOf(world, parameters);
    if (comment.by.id !== identity.id) throw new Refusal(403, "Resource not accessible by integration");
    comment.body = checkedBody(body.body);
    comment.editedAt = world.now();
    return ok(commentData(comment));
  },
  [`POST ${repo}/issues/comments/{comment_id}/reactions`]: ({ world, identity, parameters, body }) => {
    demand(identity, "pull_requests", "write");
    const content = String(body.content);
    const isNew = addReaction(commentOf(world, parameters), identity, content);
    return { status: isNew ? 201 : 200, data: { content, user: userData(identity) } };
  },
  [`GET ${repo}/collaborators/{username}/permission`]: ({ world, parameters }) => {
    const login = parameters.username ?? "";
    const found = world.identities.get(login);
    if (found === undefined) throw new Refusal(404, `${login} is not a user`);
    const role = world.permissions.get(login) ?? "read";
    return ok({ permission: permissionOf(role), role_name: nameOf(role), user: userData(found) });
  },
  "GET /orgs/{org}/teams/{team_slug}/memberships/{username}": ({ world, identity, parameters }) => {
    demand(identity, "members", "read");
    const { org = "", team_slug: team = "", username = "" } = parameters;
    // A token of an installation sees the organisation that it is installed on, and no other.
    const members =
      org.toLowerCase() === world.owner.toLowerCase() ? world.teams.get(`${org}/${team}`) : undefined;
    const state = members?.get(username);
    if (state === undefined) throw new Refusal(404, "Not Found");
    return ok({ role: "member", state, url: "https://github.example/" });
  },
};

/** `permission` knows no more than it did before there were roles. */
function permissionOf(role: Role): string {
  if (typeof role !== "string") return role.permission;
  if (role === "maintain") return "write";
  return role === "triage" ? "read" : role;
}

function nameOf(role: Role): string {
  return typeof role === "string" ? role : role.name;
}

/** Whether the reaction is new: a second one of the same kind by the same account changes nothing. */
export function addReaction({ reactions }: Said, by: Identity, content: string): boolean {
  if (reactions.some((each) => each.by.id === by.id && each.content === content)) return false;
  reactions.push({ by, content });
  return true;
}

function commentOf(world: World, parameters: Readonly<Record<string, string>>): Said {
  const comment = world.issueComments.find(({ id }) => id === Number(parameters.comment_id));
  if (comment === undefined) throw new Refusal(404, "Not Found");
  return comment;
}

function commentData({ id, nodeId, by, body, createdAt }: Said): object {
  return { id, node_id: nodeId, user: userData(by), body, created_at: createdAt, updated_at: createdAt };
}
