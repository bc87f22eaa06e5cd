/** A server that answers well or badly, as the path says. It counts what it is asked. */
import { createHash } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo, Socket } from "node:net";

export interface Origin {
  readonly url: string;
  /** As `127.0.0.1:4242`, for allowing it. */
  readonly host: string;
  hits(path: string): number;
  allHits(): number;
  close(): Promise<void>;
}

/** What `/ok/NAME` gives. */
export function contentOf(name: string): string {
  return `the content of ${name}\n`;
}

export function sri(content: string | Uint8Array): string {
  return `sha256-${createHash("sha256").update(content).digest("base64")}`;
}

/**
 * The paths: /ok/NAME, /html/…, /STATUS/…, /redirect/NAME, /moved/NAME, /busy/SECONDS/…, /redirect-404/…, /loop/…, /truncated/…, /hang/…, /stall/…,
 * /alternate/…, /flaky/NAME, /slow/MILLISECONDS/NAME, /endless/…, /to/ENCODED-URL.
 */
export async function startOrigin(): Promise<Origin> {
  const hits = new Map<string, number>();
  const sockets = new Set<Socket>();
  const server = createServer((request, response) => {
    const path = request.url ?? "/";
    const count = (hits.get(path) ?? 0) + 1;
    hits.set(path, count);
    const [, kind = "", ...rest] = path.replace(/\?.*$/, "").split("/");
    const name = rest.join("/");
    const redirect = (to: string) => response.writeHead(302, { location: to }).end("elsewhere");
    if (/^\d{3}$/.test(kind)) response.writeHead(Number(kind)).end(`status ${kind}`);
    else if (kind === "ok") response.end(contentOf(name));
    else if (kind === "html") {
      response
        .writeHead(200, { "content-type": "text/html" })
        .end("<!doctype html><title>Please log in</title>");
    } else if (kind === "redirect") redirect(`/ok/${name}`);
    else if (kind === "moved") response.writeHead(301, { location: `/ok/${name}` }).end();
    else if (kind === "busy") response.writeHead(429, { "retry-after": rest[0] }).end();
    else if (kind === "redirect-404") redirect("/404/gone");
    else if (kind === "loop") redirect(path);
    else if (kind === "to") redirect(decodeURIComponent(name));
    else if (kind === "truncated") {
      response.writeHead(200, { "content-length": "100000" });
      response.write("only this", () => setTimeout(() => response.destroy(), 20));
    } else if (kind === "hang") {
      // Never answered.
    } else if (kind === "stall") {
      response.writeHead(200, { "content-length": "100000" });
      response.write("then nothing");
    } else if (kind === "alternate") response.end(`answer ${count}\n`);
    else if (kind === "flaky") {
      if (count === 1) response.writeHead(503).end();
      else response.end(contentOf(name));
    } else if (kind === "slow") setTimeout(() => response.end(contentOf(name)), Number(rest[0]));
    else if (kind === "endless") {
      const more = () => {
        while (!response.destroyed && response.write(Buffer.alloc(65_536)));
      };
      response.on("drain", more);
      more();
    } else response.writeHead(404).end();
  });
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
  });
  await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    host: `127.0.0.1:${port}`,
    hits: (path) => hits.get(path) ?? 0,
    allHits: () => [...hits.values()].reduce((sum, n) => sum + n, 0),
    close: () =>
      new Promise((closed) => {
        server.close(() => closed());
        for (const socket of sockets) socket.destroy();
      }),
  };
}
