/**
 * The way out for one refetch: a forward proxy on the loopback interface. It checks every connection when it is made (so also
 * after redirects, and by the address that the name resolved to) and counts what comes through, as proof that bytes were
 * transferred, and from whom.
 */
import { lookup } from "node:dns/promises";
import { createServer, type IncomingMessage, request, type ServerResponse } from "node:http";
import { type AddressInfo, connect, isIP, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import { messageOf } from "../errors.ts";
import { type AllowedHosts, isAllowed, refuseAddress, refuseHost } from "./urls.ts";

/** One request (plain HTTP), or one tunnel (TLS, whose requests cannot be seen). */
export interface Transfer {
  readonly host: string;
  readonly port: number;
  /** Null inside a tunnel. */
  readonly url: string | null;
  readonly status: number | null;
  readonly contentType: string | null;
  readonly retryAfter: string | null;
  /** Bytes from the host to the fetcher; in a tunnel including those of TLS. */
  readonly bytes: number;
  /** Why no connection was made; null: one was. */
  readonly failure: string | null;
  readonly refused: boolean;
}

export interface Egress {
  /** As `http://127.0.0.1:4242`, for `http_proxy` and its like. */
  readonly url: string;
  /** What went through so far, in order. */
  transfers(): readonly Transfer[];
  close(): Promise<void>;
}

type Mutable = { -readonly [K in keyof Transfer]: Transfer[K] };

export interface EgressOptions {
  readonly allowed: AllowedHosts;
  /** Called with the number of each piece's bytes. */
  readonly onBytes?: (count: number) => void;
}

/** The most connections of one refetch; a builder that opens more is stopped. */
const MAX_TRANSFERS = 2_000;
const HOP_BY_HOP = [
  "connection",
  "proxy-connection",
  "keep-alive",
  "proxy-authorization",
  "te",
  "trailer",
  "upgrade",
];

/** Starts a proxy. The caller closes it. */
export async function openEgress(options: EgressOptions): Promise<Egress> {
  const transfers: Mutable[] = [];
  const sockets = new Set<Duplex>();
  const begin = (host: string, port: number, url: string | null): Mutable => {
    const transfer: Mutable = {
      host,
      port,
      url,
      status: null,
      contentType: null,
      retryAfter: null,
      bytes: 0,
      failure: null,
      refused: false,
    };
    if (transfers.length < MAX_TRANSFERS) transfers.push(transfer);
    return transfer;
  };
  const count = (transfer: Mutable, size: number) => {
    transfer.bytes += size;
    options.onBytes?.(size);
  };
  /** The address to connect to; notes in `transfer` why there is none. */
  const resolve = async (transfer: Mutable): Promise<string | null> => {
    try {
      if (transfers.length >= MAX_TRANSFERS) throw new Refusal("too many connections");
      return await publicAddress(transfer.host, transfer.port, options.allowed);
    } catch (error) {
      transfer.failure = messageOf(error);
      transfer.refused = error instanceof Refusal;
      return null;
    }
  };

  const forward = async (incoming: IncomingMessage, response: ServerResponse) => {
    let url: URL;
    try {
      url = new URL(incoming.url ?? "");
    } catch {
      response.writeHead(400).end();
      return;
    }
    const host = url.hostname.replace(/^\[|\]$/g, "");
    const port = Number(url.port || 80);
    const transfer = begin(host, port, url.href);
    if (url.protocol !== "http:") {
      transfer.refused = true;
      transfer.failure = `${url.protocol} URLs are not fetched`;
    }
    const address = transfer.refused ? null : await resolve(transfer);
    if (address === null) {
      response.writeHead(transfer.refused ? 403 : 502, { connection: "close" }).end();
      return;
    }
    const headers = Object.fromEntries(
      Object.entries(incoming.headers).filter(([name]) => !HOP_BY_HOP.includes(name)),
    );
    const upstream = request(
      {
        host: address,
        port,
        method: incoming.method,
        path: `${url.pathname}${url.search}`,
        headers,
        agent: false,
      },
      (answer) => {
        const status = answer.statusCode ?? 0;
        transfer.status = status;
        transfer.contentType = answer.headers["content-type"] ?? null;
        transfer.retryAfter = answer.headers["retry-after"] ?? null;
        const passed = Object.entries(answer.headers).filter(([name]) => !HOP_BY_HOP.includes(name));
        // A server can answer 000, which we must not pass on.
        const known = status < 200 ? 502 : status;
        response.writeHead(known, { ...Object.fromEntries(passed), connection: "close" });
        answer.on("data", (chunk: Buffer) => count(transfer, chunk.length));
        answer.on("error", () => response.destroy());
        answer.on("aborted", () => response.destroy());
        answer.pipe(response);
      },
    );
    upstream.on("socket", (socket) => track(socket, sockets));
    upstream.on("error", (error) => {
      transfer.failure ??= messageOf(error);
      if (response.headersSent) response.destroy();
      else response.writeHead(502, { connection: "close" }).end();
    });
    response.on("close", () => upstream.destroy());
    incoming.pipe(upstream);
  };

  const tunnel = async (incoming: IncomingMessage, client: Duplex, head: Buffer) => {
    client.on("error", () => client.destroy());
    const [, name = "", digits = ""] = /^\[?([^\]]*?)\]?:(\d+)$/.exec(incoming.url ?? "") ?? [];
    const transfer = begin(name, Number(digits), null);
    const address = name === "" ? null : await resolve(transfer);
    if (address === null) {
      client.end(`HTTP/1.1 ${transfer.refused || name === "" ? "403 Forbidden" : "502 Bad Gateway"}\r\n\r\n`);
      return;
    }
    const upstream: Socket = connect({ host: address, port: Number(digits) });
    track(upstream, sockets);
    upstream.on("connect", () => {
      client.write("HTTP/1.1 200 Connection established\r\n\r\n");
      upstream.write(head);
      upstream.pipe(client);
      client.pipe(upstream);
    });
    upstream.on("data", (chunk: Buffer) => count(transfer, chunk.length));
    upstream.on("error", (error) => {
      transfer.failure ??= messageOf(error);
      client.destroy();
    });
    client.on("close", () => upstream.destroy());
  };

  const server = createServer((incoming, response) => {
    forward(incoming, response).catch(() => response.destroy());
  });
  server.on("connection", (socket) => track(socket, sockets));
  server.on("connect", (incoming, client, head) => {
    tunnel(incoming, client, head).catch(() => client.destroy());
  });
  server.on("clientError", (_, socket) => socket.destroy());
  await new Promise<void>((ready, failed) => {
    server.on("error", failed);
    server.listen(0, "127.0.0.1", ready);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    transfers: () => transfers,
    close: () =>
      new Promise((closed) => {
        server.close(() => closed());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

class Refusal extends Error {}

function track(socket: Duplex, sockets: Set<Duplex>): void {
  sockets.add(socket);
  socket.on("close", () => sockets.delete(socket));
}

/** The address to connect to for a host. Throws where fetches may not go there. */
export async function publicAddress(host: string, port: number, allowed: AllowedHosts): Promise<string> {
  const refusal = refuseHost(host, port, allowed);
  if (refusal) throw new Refusal(refusal);
  if (isIP(host) !== 0) return host;
  const addresses = await lookup(host, { all: true, verbatim: false });
  const [first] = addresses;
  if (!first) throw new Error(`${host} has no address`);
  if (isAllowed(host, port, allowed)) return first.address;
  for (const { address } of addresses) {
    const what = refuseAddress(address);
    if (what) throw new Refusal(`${host} resolves to ${address}, ${what}`);
  }
  return first.address;
}
