/**
 * A GitHub for tests: plain HTTP on loopback over a real git repository. It checks each request and each of its own
 * responses against GitHub's descriptions of its APIs, has GitHub's limits, and fails on demand.
 */
import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { KnownRepository } from "../support/repository.ts";
import { appOfJwt } from "./apps.ts";
import { openBlobReader } from "./blob-reader.ts";
import { complete, requestFault, responseFault, routeOf } from "./contract.ts";
import { said } from "./conversation.ts";
import { runGraphql } from "./graphql.ts";
import { handlers, pullData } from "./routes.ts";
import { type Identity, type Pull, Refusal, type Review, type Said, type World } from "./state.ts";

export type { Identity, Pull } from "./state.ts";

/** A request as it arrived, and how it was answered (0: the connection was dropped). */
export interface LoggedRequest {
  /** From 1. */
  readonly index: number;
  readonly method: string;
  /** With the query. */
  readonly path: string;
  readonly body: unknown;
  readonly operation: string | null;
  readonly isWrite: boolean;
  status: number;
}

/** How a request fails. `applied`: its effect takes place nevertheless, as when a proxy gives up on a slow answer. */
export interface Fault {
  /** 0: the connection is dropped without an answer. */
  readonly status: number;
  readonly applied: boolean;
  readonly message?: string;
  /** What is answered, in place of a message. */
  readonly data?: object;
  readonly headers?: Readonly<Record<string, string>>;
}

/** https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api#exceeding-the-rate-limit */
export const secondaryLimit = (retryAfter?: number): Fault => ({
  status: 403,
  applied: false,
  message: "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.",
  ...(retryAfter !== undefined && { headers: { "retry-after": String(retryAfter) } }),
});
export const primaryLimit = (resetSeconds: number): Fault => ({
  status: 403,
  applied: false,
  message: "API rate limit exceeded for installation.",
  headers: { "x-ratelimit-remaining": "0", "x-ratelimit-reset": String(resetSeconds) },
});
export const badGateway = (applied: boolean): Fault => ({ status: 502, applied, message: "Server Error" });
export const dropped = (applied: boolean): Fault => ({ status: 0, applied });

export interface FakeGitHub extends World {
  /** As `http://127.0.0.1:1234`: the root of the API. */
  readonly url: string;
  readonly requests: LoggedRequest[];
  /** What was wrong with requests, or with responses of the fake itself: empty in a good test. */
  readonly faults: string[];
  /** Decides which requests fail; none by default. */
  failWhen: (request: LoggedRequest) => Fault | null;
  /** Runs before a request is answered: for what happens meanwhile. */
  before: (request: LoggedRequest) => void;
  /** A token of `identity`. */
  token(identity: Identity): string;
  openPull(options: {
    readonly head: string;
    readonly base?: string;
    /** The tip of the base; by default git is asked. */
    readonly tip?: string;
    readonly fork?: string | null;
    readonly branch?: string;
    readonly author?: Identity;
  }): Pull;
  /** Somebody comments on a pull request. */
  comment(pull: Pull, by: Identity, body: string): Said;
  /** Somebody reviews a pull request as it is now. */
  review(pull: Pull, by: Identity, body: string): Review;
  /** The clock; that of the machine by default. */
  time: () => number;
  /** The pull request as REST and event payloads show it. */
  pullData(pull: Pull): object;
  close(): Promise<void>;
}

/** The identity of the token that GitHub gives to workflows. */
export function actionsBot(permissions: Identity["permissions"]): Identity {
  return {
    login: "github-actions[bot]",
    id: 41_898_282,
    app: { id: 15_368, slug: "github-actions" },
    permissions,
  };
}

/** An account of a person. GitHub knows it from then on. */
export function person(fake: FakeGitHub, login: string, id: number): Identity {
  const identity = { login, id, app: null, permissions: {} };
  fake.identities.set(login, identity);
  return identity;
}

export interface FakeOptions {
  readonly repository: KnownRepository;
  readonly owner?: string;
  readonly name?: string;
}

/** Starts a fake GitHub with one repository, without pull requests. */
export async function startFakeGitHub({
  repository,
  owner = "NixOS",
  name = "nixpkgs",
}: FakeOptions): Promise<FakeGitHub> {
  let lastId = 1_000;
  const tokens = new Map<string, Identity>();
  const server = createServer((request, response) => {
    void serve(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const fake: FakeGitHub = {
    url: `http://127.0.0.1:${port}`,
    owner,
    name,
    repositoryId: 4_542_716,
    remaining: 4_900,
    repository,
    blobs: openBlobReader(repository.directory),
    pulls: new Map(),
    checkRuns: [],
    reviews: [],
    reviewComments: [],
    issueComments: [],
    permissions: new Map(),
    teams: new Map(),
    apps: [],
    tokenFor: (identity) => fake.token(identity),
    identities: new Map(),
    upstreams: [],
    accounts: new Map(),
    nextId: () => ++lastId,
    time: Date.now,
    now: () => new Date(fake.time()).toISOString().replace(/\.\d+Z$/, "Z"),
    requests: [],
    faults: [],
    failWhen: () => null,
    before: () => {},
    token(identity) {
      const token = `token-${tokens.size + 1}`;
      tokens.set(token, identity);
      fake.identities.set(identity.login, identity);
      return token;
    },
    openPull({ head, base = "main", tip, fork = "contributor", branch = "change", author }) {
      const pull: Pull = {
        number: fake.pulls.size + 1,
        author: author ?? fake.identities.get("contributor") ?? person(fake, "contributor", 77),
        draft: false,
        base: { ref: base, sha: tip ?? repository.git("rev-parse", base) },
        head: {
          ref: branch,
          sha: /^[0-9a-f]{40}$/.test(head) ? head : repository.git("rev-parse", head),
          owner: fork ?? owner,
          repositoryId: fork ? 99 : fake.repositoryId,
          repositoryExists: true,
        },
        state: "open",
        title: "A change",
      };
      fake.pulls.set(pull.number, pull);
      return pull;
    },
    pullData: (pull) => pullData(fake, pull),
    comment(pull, by, body) {
      const comment = said(fake, pull.number, by, body, "IC");
      fake.issueComments.push(comment);
      return comment;
    },
    review(pull, by, body) {
      const review = { ...said(fake, pull.number, by, body, "PRR"), event: "COMMENT", commit: pull.head.sha };
      fake.reviews.push(review);
      return review;
    },
    close: () =>
      new Promise((resolve) => {
        fake.blobs.close();
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const text = Buffer.concat(chunks).toString("utf8");
    const url = new URL(request.url ?? "/", fake.url);
    // As of an enterprise server, too: https://docs.github.com/en/enterprise-server/rest/enterprise-admin
    url.pathname = url.pathname.replace(/^\/api\/v3\/(?!graphql$)|^\/api\/(?=graphql$)/, "/");
    const method = request.method ?? "GET";
    const body: unknown = text === "" ? undefined : JSON.parse(text);
    const isQuery = url.pathname === "/graphql" && /^\s*(query|\{)/.test((body as { query: string }).query);
    const logged: LoggedRequest = {
      index: fake.requests.length + 1,
      method,
      path: url.pathname + url.search,
      body,
      operation: routeOf(method, url.pathname)?.operation ?? (url.pathname === "/graphql" ? "graphql" : null),
      isWrite: method !== "GET" && !isQuery,
      status: 0,
    };
    fake.requests.push(logged);
    fake.before(logged);
    const fault = fake.failWhen(logged);
    const answer = fault === null || fault.applied ? await answerTo(request, url, logged) : null;
    if (fault !== null) {
      if (fault.status === 0) {
        request.socket.destroy();
        return;
      }
      logged.status = fault.status;
      send(response, fault.status, fault.data ?? { message: fault.message ?? "Server Error" }, fault.headers);
      return;
    }
    if (answer === null) return;
    const etag = `"${createHash("sha256").update(JSON.stringify(answer.data)).digest("hex")}"`;
    if (method === "GET" && answer.status === 200 && request.headers["if-none-match"] === etag) {
      logged.status = 304;
      response.writeHead(304, { etag }).end();
      return;
    }
    logged.status = answer.status;
    send(response, answer.status, answer.data, { ...(method === "GET" && { etag }), ...answer.headers });
  }

  async function answerTo(
    request: IncomingMessage,
    url: URL,
    { method, body, path }: LoggedRequest,
  ): Promise<{ status: number; data: unknown; headers?: Readonly<Record<string, string>> }> {
    const bearer = /^(?:token|bearer) (.+)$/i.exec(request.headers.authorization ?? "")?.[1] ?? "";
    const identity =
      tokens.get(bearer) ?? (bearer.includes(".") ? appOfJwt(fake, bearer)?.identity : undefined);
    if (identity === undefined) return { status: 401, data: { message: "Bad credentials" } };
    if (url.pathname === "/graphql") {
      const result = await runGraphql(fake, identity, body as { query: string });
      for (const error of result.errors ?? []) {
        if (!(error as { type?: string }).type) fake.faults.push(`graphql: ${JSON.stringify(error)}`);
      }
      return { status: 200, data: result };
    }
    const route = routeOf(method, url.pathname);
    const handler = route && handlers[route.operation];
    if (!route || !handler) {
      fake.faults.push(`${method} ${path} is not served`);
      return { status: 404, data: { message: "Not Found" } };
    }
    const wrong = requestFault(route, url.searchParams, body);
    if (wrong !== null) {
      fake.faults.push(wrong);
      return { status: 422, data: { message: "Invalid request.", errors: [wrong] } };
    }
    if (
      route.parameters.owner !== undefined &&
      `${route.parameters.owner}/${route.parameters.repo}` !== `${owner}/${name}`
    ) {
      return { status: 404, data: { message: "Not Found" } };
    }
    try {
      const call = {
        world: fake,
        identity,
        parameters: route.parameters,
        query: url.searchParams,
        body: (body ?? {}) as Record<string, unknown>,
      };
      const answer = handler(call);
      const data = complete(route, answer.status, answer.data);
      const own = responseFault(route, answer.status, data);
      if (own !== null) fake.faults.push(own);
      return { status: answer.status, data };
    } catch (error) {
      if (!(error instanceof Refusal)) {
        fake.faults.push(String(error instanceof Error ? error.stack : error));
        return { status: 500, data: { message: String(error) } };
      }
      return { status: error.status, data: { message: error.message }, headers: error.headers };
    }
  }
  return fake;
}

function send(
  response: ServerResponse,
  status: number,
  data: unknown,
  headers: Readonly<Record<string, string>> = {},
): void {
  response
    .writeHead(status, {
      "content-type": "application/json; charset=utf-8",
      "x-ratelimit-limit": "1000",
      "x-ratelimit-remaining": "900",
      ...headers,
    })
    .end(JSON.stringify(data));
}
