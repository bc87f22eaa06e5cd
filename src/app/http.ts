/** The server: GitHub's deliveries, health, and metrics. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Logger } from "pino";
import type { Metrics } from "./metrics.ts";

/** https://docs.github.com/en/webhooks/webhook-events-and-payloads#payload-cap */
const LARGEST_DELIVERY = 25_000_000;
/** Of all deliveries that are being received: a stranger may send as well, before the signature is looked at. */
const MOST_HELD = 100_000_000;
/** What a piece takes beside its bytes: a sender can send one byte at a time. */
const PIECE_COST = 1_000;

/** Answers a delivery whose body was read, as `@octokit/webhooks` does: what it does not know is `next`'s. */
export type Middleware = (
  request: IncomingMessage,
  response: ServerResponse,
  next: () => void,
) => Promise<boolean>;

export interface ServerParts {
  /** Null: it takes no deliveries. */
  readonly deliveries: { readonly path: string; readonly middleware: Middleware } | null;
  readonly metrics: Metrics;
  /** What `/health` says; `ok` false: 503. */
  readonly health: () => Promise<{ readonly ok: boolean } & Readonly<Record<string, unknown>>>;
  readonly log: Logger;
}

export function createHttpServer(parts: ServerParts): Server {
  const { deliveries, metrics, health, log } = parts;
  let held = 0;

  async function deliver(
    middleware: Middleware,
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> {
    const declared = Number(request.headers["content-length"] ?? LARGEST_DELIVERY);
    if (!(declared <= LARGEST_DELIVERY)) return end(response, 413, "too large\n");
    const chunks: Buffer[] = [];
    let length = 0;
    let own = 0;
    try {
      for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
        length += chunk.length;
        own += chunk.length + PIECE_COST;
        held += chunk.length + PIECE_COST;
        if (length > declared) return end(response, 413, "too large\n");
        // What is said to come does not count: who sends nothing holds nothing.
        if (held > MOST_HELD) return end(response, 503, "busy\n");
        chunks.push(chunk);
      }
      Object.assign(request, { body: Buffer.concat(chunks).toString("utf8") });
      await middleware(request, response, () => end(response, 404, "not found\n"));
    } finally {
      held -= own;
    }
  }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = request.url?.split("?", 1)[0] ?? "";
    if (deliveries && path === deliveries.path && request.method === "POST") {
      const started = performance.now();
      await deliver(deliveries.middleware, request, response);
      const event = nameOf(request, "x-github-event", /^[a-z_]{1,60}$/);
      const delivery = nameOf(request, "x-github-delivery", /^[\w-]{1,64}$/);
      const status = response.statusCode;
      // Anybody can send anything: only what was signed is counted by its name.
      metrics.delivery(status < 300 ? event : "refused", status);
      log.info({ kind: event, delivery, status, ms: Math.round(performance.now() - started) }, "delivery");
      return;
    }
    if (request.method !== "GET" && request.method !== "HEAD") return end(response, 404, "not found\n");
    if (path === "/health") {
      const state = await health().catch(() => ({ ok: false }));
      response.writeHead(state.ok ? 200 : 503, { "content-type": "application/json" });
      response.end(`${JSON.stringify(state)}\n`);
    } else if (path === "/metrics") {
      const text = await metrics.text();
      response.writeHead(200, { "content-type": metrics.contentType }).end(text);
    } else end(response, 404, "not found\n");
  }

  return createServer((request, response) => {
    answer(request, response).catch((error: unknown) => {
      log.error({ err: error }, "a request failed");
      if (!response.headersSent) end(response, 500, "failed\n");
      else response.destroy();
    });
  });
}

function end(response: ServerResponse, status: number, text: string): void {
  // What was not read of the request is not waited for.
  response.writeHead(status, { "content-type": "text/plain", ...(status >= 400 && { connection: "close" }) });
  response.end(text);
}

/** A header that looks as it should; else that it does not. */
function nameOf(request: IncomingMessage, header: string, shape: RegExp): string {
  const value = request.headers[header];
  return typeof value === "string" && shape.test(value) ? value : "malformed";
}
