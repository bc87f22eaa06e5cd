/**
 * The way out for one refetch: a forward proxy on the loopback interface. It checks every connection when it is made (so also
 * after redirects, and by the address that the name resolved to) and counts what comes through, as proof that bytes were
 * transferred, and from whom.
 */
import { lookup } from "node:dns/promises";
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  request,
  type ServerResponse,
} from "node:http";
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
  /** Aborted when more bytes came than may; whoever fetches is to be ended then. */
  readonly tooMuch: AbortSignal;
  /** What went through so far, in order. */
  transfers(): readonly Transfer[];
  close(): Promise<void>;
}

type Mutable = { -readonly [K in keyof Transfer]: Transfer[K] };

export interface EgressOptions {
  readonly allowed: AllowedHosts;
  /** How many bytes may come, of all transfers together. */
  readonly bytes: number;
  /** Called with the number of each piece's bytes. */
  readonly onBytes?: ((count: number) => void) | undefined;
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
  const tooMuch = new AbortController();
  let bytes = 0;
  const proxy: Proxy = {
    allowed: options.allowed,
    transfers: [],
    sockets: new Set(),
    count(transfer, size) {
      transfer.bytes += size;
      bytes += size;
      options.onBytes?.(size);
      if (bytes > options.bytes) tooMuch.abort();
    },
  };
  const server = createServer((incoming, response) => {
    forward(proxy, incoming, response).catch(() => response.destroy());
  });
  server.on("connection", (socket) => track(proxy, socket));
  server.on("connect", (incoming, client, head) => {
    tunnel(proxy, incoming, client, head).catch(() => client.destroy());
  });
  server.on("clientError", (_, socket) => socket.destroy());
  await new Promise<void>((ready, failed) => {
    server.on("error", failed);
    server.listen(0, "127.0.0.1", ready);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    tooMuch: tooMuch.signal,
    transfers: () => proxy.transfers,
    close: () =>
      new Promise((closed) => {
        server.close(() => closed());
        for (const socket of proxy.sockets) socket.destroy();
      }),
  };
}

interface Proxy {
  readonly allowed: AllowedHosts;
  readonly transfers: Mutable[];
  /** The open connections, of both sides. */
  readonly sockets: Set<Duplex>;
  count(transfer: Mutable, size: number): void;
}

function track({ sockets }: Proxy, socket: Duplex): void {
  sockets.add(socket);
  socket.on("close", () => sockets.delete(socket));
}

function begin({ transfers }: Proxy, host: string, port: number, url: string | null): Mutable {
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
}

/** The address to connect to; notes in `transfer` why there is none. */
async function resolve({ transfers, allowed }: Proxy, transfer: Mutable): Promise<string | null> {
  try {
    if (transfers.length >= MAX_TRANSFERS) throw new Refusal("too many connections");
    return await publicAddress(transfer.host, transfer.port, allowed);
  } catch (error) {
    transfer.failure = messageOf(error);
    transfer.refused = error instanceof Refusal;
    return null;
  }
}

/** Passes on a plain request. */
async function forward(proxy: Proxy, incoming: IncomingMessage, response: ServerResponse): Promise<void> {
  if (!URL.canParse(incoming.url ?? "")) {
    response.writeHead(400).end();
    return;
  }
  const url = new URL(incoming.url ?? "");
  const host = url.hostname.replace(/^\[|\]$/g, "");
  const port = Number(url.port || 80);
  const transfer = begin(proxy, host, port, url.href);
  if (url.protocol !== "http:") {
    transfer.refused = true;
    transfer.failure = `${url.protocol} URLs are not fetched`;
  }
  const address = transfer.refused ? null : await resolve(proxy, transfer);
  // Nobody would end a connection that is made for a client that has gone meanwhile.
  if (response.destroyed) return;
  const fail = (status: number) => response.writeHead(status, { connection: "close" }).end();
  if (address === null) {
    fail(transfer.refused ? 403 : 502);
    return;
  }
  const upstream = request(
    {
      host: address,
      port,
      method: incoming.method,
      path: `${url.pathname}${url.search}`,
      headers: endToEnd(incoming.headers),
      agent: false,
    },
    (answer) => {
      const status = answer.statusCode ?? 0;
      transfer.status = status;
      transfer.contentType = answer.headers["content-type"] ?? null;
      transfer.retryAfter = answer.headers["retry-after"] ?? null;
      // A server can answer 000, which we must not pass on.
      const known = status < 200 ? 502 : status;
      response.writeHead(known, { ...endToEnd(answer.headers), connection: "close" });
      answer.on("data", (chunk: Buffer) => proxy.count(transfer, chunk.length));
      answer.on("error", () => response.destroy());
      answer.on("aborted", () => response.destroy());
      answer.pipe(response);
    },
  );
  upstream.on("socket", (socket) => track(proxy, socket));
  upstream.on("error", (error) => {
    transfer.failure ??= messageOf(error);
    if (response.headersSent) response.destroy();
  });
  // Without an answer, be it for an error or for one that would change the protocol.
  upstream.on("close", () => {
    if (!response.headersSent) fail(502);
  });
  response.on("close", () => upstream.destroy());
  incoming.pipe(upstream);
}

function endToEnd(headers: IncomingHttpHeaders): IncomingHttpHeaders {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !HOP_BY_HOP.includes(name)));
}

/** Opens a tunnel, as for TLS: what goes through is counted, and not looked into. */
async function tunnel(proxy: Proxy, incoming: IncomingMessage, client: Duplex, head: Buffer): Promise<void> {
  client.on("error", () => client.destroy());
  const [, host = "", digits = ""] = /^\[?([^\]]*?)\]?:(\d+)$/.exec(incoming.url ?? "") ?? [];
  const port = Number(digits);
  const transfer = begin(proxy, host, port, null);
  const address = host === "" ? null : await resolve(proxy, transfer);
  if (client.destroyed) return;
  if (address === null) {
    client.end(`HTTP/1.1 ${transfer.refused || host === "" ? "403 Forbidden" : "502 Bad Gateway"}\r\n\r\n`);
    return;
  }
  const upstream: Socket = connect({ host: address, port });
  track(proxy, upstream);
  upstream.on("connect", () => {
    client.write("HTTP/1.1 200 Connection established\r\n\r\n");
    upstream.write(head);
    upstream.pipe(client);
    client.pipe(upstream);
  });
  upstream.on("data", (chunk: Buffer) => proxy.count(transfer, chunk.length));
  upstream.on("error", (error) => {
    transfer.failure ??= messageOf(error);
    client.destroy();
  });
  client.on("close", () => upstream.destroy());
}

class Refusal extends Error {}

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
