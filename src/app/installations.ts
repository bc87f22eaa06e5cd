/** The App at GitHub: its name, where it is installed, and a client for each installation. */
import { createAppAuth } from "@octokit/auth-app";
import * as z from "zod";
import type { GitHubApi, RepositoryName } from "../change/github-api.ts";
import { createGitHubApi } from "../github/client.ts";

export interface AppCredentials {
  readonly appId: number;
  readonly privateKey: string;
  /** As `https://api.github.com`, or `https://HOST/api/v3` of an enterprise server. */
  readonly apiUrl: string;
}

export interface AppIdentity {
  readonly id: number;
  /** Its name in mentions and, with `[bot]`, as an account. */
  readonly slug: string;
}

export interface Installations {
  /** The client of an installation: its limits are its own, its token is renewed as needed. */
  api(installation: number): GitHubApi;
  /** The same for what is not worth waiting for: a rate limit is an error at once. */
  impatient(installation: number): GitHubApi;
  /** Who the App is. @throws what the client throws, for wrong credentials with status 401 */
  identity(): Promise<AppIdentity>;
  /** The installations that are not suspended. */
  list(): AsyncGenerator<number>;
  /** The repositories of an installation that are not archived. */
  repositories(installation: number): AsyncGenerator<RepositoryName>;
}

export interface InstallationOptions extends AppCredentials {
  /** What stretches all pauses; 1 outside of tests. */
  readonly pace?: number;
  /** Told of each wait for a rate limit. */
  readonly onWait?: (message: string) => void;
  /** Told of each request: its route, with placeholders. */
  readonly onRequest?: (route: string) => void;
}

const PAGE_SIZE = 100;
const TOKEN_MS = 50 * 60_000;
/** Clients that are kept, of either kind: each holds its limits, and a clock that nothing stops. */
const MOST_CLIENTS = 1_000;

const appSchema = z.object({ id: z.number(), slug: z.string() });
const installationsSchema = z.array(z.object({ id: z.number(), suspended_at: z.string().nullish() }));
const repositoriesSchema = z.object({
  repositories: z.array(
    z.object({ name: z.string(), owner: z.object({ login: z.string() }), archived: z.boolean().optional() }),
  ),
});

/** The App with these credentials; asks nothing yet. */
export function openInstallations(options: InstallationOptions): Installations {
  const { appId, privateKey, apiUrl, pace = 1, onWait = () => {}, onRequest = () => {} } = options;
  const clients = new Map<string, GitHubApi>();
  const cache = tokenCache();
  const connect = (more: object, patient = true): GitHubApi => {
    const api = createGitHubApi({
      strategy: createAppAuth,
      options: { appId, privateKey, cache, ...more },
      apiUrl,
      pace,
      patient,
      onWait,
    });
    return {
      request(route, parameters) {
        onRequest(route);
        return api.request(route, parameters);
      },
      graphql(query, variables) {
        onRequest("graphql");
        return api.graphql(query, variables);
      },
    };
  };
  const app = connect({});

  function clientFor(installationId: number, patient: boolean): GitHubApi {
    const key = `${installationId} ${patient}`;
    const client = clients.get(key) ?? connect({ installationId }, patient);
    clients.delete(key);
    clients.set(key, client);
    const [oldest] = clients.keys();
    if (clients.size > MOST_CLIENTS && oldest !== undefined) clients.delete(oldest);
    return client;
  }
  const api = (installation: number) => clientFor(installation, true);

  async function* pages(client: GitHubApi, route: string): AsyncGenerator<unknown> {
    for (let page = 1; ; page += 1) yield (await client.request(route, { per_page: PAGE_SIZE, page })).data;
  }

  return {
    api,
    impatient: (installation) => clientFor(installation, false),
    async identity() {
      return appSchema.parse((await app.request("GET /app", {})).data);
    },
    async *list() {
      for await (const data of pages(app, "GET /app/installations")) {
        const found = installationsSchema.parse(data);
        for (const { id, suspended_at } of found) if (!suspended_at) yield id;
        if (found.length < PAGE_SIZE) return;
      }
    },
    async *repositories(installation) {
      for await (const data of pages(api(installation), "GET /installation/repositories")) {
        const { repositories } = repositoriesSchema.parse(data);
        for (const { name, owner, archived } of repositories) {
          if (!archived) yield { owner: owner.login, name };
        }
        if (repositories.length < PAGE_SIZE) return;
      }
    },
  };
}

/** Tokens that all clients share: they last an hour, and a review has to end with the one that it began with. */
function tokenCache(): { get(key: string): string | undefined; set(key: string, token: string): void } {
  const tokens = new Map<string, { readonly token: string; readonly until: number }>();
  return {
    get(key) {
      const known = tokens.get(key);
      return known && known.until > Date.now() ? known.token : undefined;
    },
    set(key, token) {
      for (const [other, { until }] of tokens) if (until <= Date.now()) tokens.delete(other);
      tokens.set(key, { token, until: Date.now() + TOKEN_MS });
    },
  };
}
