/** Apps at the fake GitHub: their keys, their installation on the one repository, and the tokens of that. */
import { type KeyObject, verify } from "node:crypto";
import type { Handler } from "./handler.ts";
import { ok, page } from "./handler.ts";
import { type Identity, Refusal, type World } from "./state.ts";

/** An App that is registered, and installed on the repository. */
export interface RegisteredApp {
  readonly identity: Identity;
  readonly publicKey: KeyObject;
  readonly installation: number;
}

/** The App that signed a JSON web token; null for what is none, is out of date, or was signed by another. */
export function appOfJwt(world: World, token: string): RegisteredApp | null {
  const [header = "", payload = "", signature = "", ...more] = token.split(".");
  if (signature === "" || more.length > 0) return null;
  const claims = JSON.parse(Buffer.from(payload, "base64url").toString("utf8")) as {
    iss: string | number;
    iat: number;
    exp: number;
  };
  const app = world.apps.find(({ identity }) => String(identity.app?.id) === String(claims.iss));
  const now = Date.now() / 1_000;
  // https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app/generating-a-json-web-token-jwt-for-a-github-app
  if (app === undefined || claims.exp < now || claims.exp > now + 660 || claims.iat > now) return null;
  const signed = Buffer.from(`${header}.${payload}`);
  return verify("sha256", signed, app.publicKey, Buffer.from(signature, "base64url")) ? app : null;
}

function own(world: World, identity: Identity): RegisteredApp {
  const app = world.apps.find((each) => each.identity.app?.id === identity.app?.id);
  if (app === undefined) throw new Refusal(401, "A JSON web token could not be decoded");
  return app;
}

export const apps: Readonly<Record<string, Handler>> = {
  "GET /app": ({ world, identity }) => {
    const { app } = own(world, identity).identity;
    return ok({ id: app?.id, slug: app?.slug, name: app?.slug });
  },
  "GET /app/installations": ({ world, identity, query }) =>
    ok(page([{ id: own(world, identity).installation, suspended_at: null }], query)),
  "POST /app/installations/{installation_id}/access_tokens": ({ world, identity, parameters }) => {
    const app = own(world, identity);
    if (Number(parameters.installation_id) !== app.installation) throw new Refusal(404, "Not Found");
    return {
      status: 201,
      data: {
        token: world.tokenFor(app.identity),
        expires_at: new Date(Date.now() + 3_600_000).toISOString(),
        permissions: app.identity.permissions,
        repository_selection: "selected",
      },
    };
  },
  "GET /installation/repositories": ({ world, query }) =>
    ok({
      total_count: 1,
      repositories: page(
        [
          {
            id: world.repositoryId,
            name: world.name,
            full_name: `${world.owner}/${world.name}`,
            owner: { login: world.owner, id: 1 },
            default_branch: "main",
            archived: false,
          },
        ],
        query,
      ),
    }),
};
