import { request } from "node:http";
import { type AddressInfo, connect, createServer } from "node:net";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type Egress, openEgress } from "../../src/verify/egress.ts";
import { contentOf, type Origin, startOrigin } from "./support/origin.ts";

const LIMITS = { bytes: 100_000 };
let origin: Origin;
let egress: Egress;
beforeEach(async () => {
  origin = await startOrigin();
  egress = await openEgress({ ...LIMITS, allowed: [origin.host] });
});
afterEach(async () => {
  await Promise.all([egress.close(), origin.close()]);
});

/** A request as a proxy's client makes it. */
function get(url: string): Promise<{ status: number; body: string; location: string | undefined }> {
  const proxy = new URL(egress.url);
  return new Promise((resolve, reject) => {
    const asked = request(
      { host: proxy.hostname, port: proxy.port, path: url, headers: { host: "x" } },
      (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("error", reject);
        response.on("end", () =>
          resolve({
            status: response.statusCode ?? 0,
            body: Buffer.concat(chunks).toString(),
            location: response.headers.location,
          }),
        );
      },
    );
    asked.on("error", reject);
    asked.end();
  });
}

/** The first line that the proxy answers to a request for a tunnel, and what came through it. */
function tunnel(authority: string, send = ""): Promise<string> {
  const proxy = new URL(egress.url);
  return new Promise((resolve, reject) => {
    const socket = connect(Number(proxy.port), proxy.hostname, () => {
      socket.write(`CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n\r\n`);
    });
    let received = "";
    socket.on("data", (chunk) => {
      const first = received === "";
      received += chunk.toString();
      if (first && send !== "" && received.includes(" 200 ")) socket.write(send);
    });
    socket.on("error", reject);
    socket.on("close", () => resolve(received));
  });
}

test("passes an allowed request on, and counts what came from whom", async () => {
  expect(await get(`${origin.url}/ok/a`)).toMatchObject({ status: 200, body: contentOf("a") });
  expect(egress.transfers()).toMatchObject([
    {
      host: "127.0.0.1",
      url: `${origin.url}/ok/a`,
      status: 200,
      bytes: contentOf("a").length,
      refused: false,
    },
  ]);
});

test("refuses the target of a redirect as it refuses any other place", async () => {
  const other = await startOrigin();
  const { status, location } = await get(`${origin.url}/to/${encodeURIComponent(`${other.url}/ok/secret`)}`);
  expect(status).toBe(302);
  expect(await get(location ?? "")).toMatchObject({ status: 403, body: "" });
  expect(other.allHits()).toBe(0);
  expect(egress.transfers().at(-1)).toMatchObject({ refused: true, bytes: 0 });
  await other.close();
});

test.each([
  "http://127.0.0.1:1/x",
  "http://localhost/x",
  "http://[::1]/x",
  "http://169.254.169.254/latest",
  "http://2130706433/x",
  "ftp://127.0.0.1/x",
  "https://example.org/x",
])("refuses %s without a connection", async (url) => {
  expect((await get(url)).status).toBe(403);
  expect(egress.transfers()).toMatchObject([{ refused: true, status: null }]);
});

test("refuses a public name that resolves to a private address", async () => {
  // The name of this machine's loopback in the resolver: as a name that an attacker points there.
  egress = await openEgress({ ...LIMITS, allowed: [] });
  expect((await get("http://localhost.localdomain/x")).status).toBeGreaterThanOrEqual(403);
  expect(egress.transfers()[0]?.bytes).toBe(0);
  // No literal address to a program, and one to the resolver.
  expect(await tunnel("0x7f.1:443")).toMatch(/^HTTP\/1\.1 403 /);
  expect(egress.transfers().at(-1)).toMatchObject({
    refused: true,
    failure: "0x7f.1 resolves to 127.0.0.1, a loopback address",
  });
});

test("a tunnel is refused by its address, and counted when it is allowed", async () => {
  expect(await tunnel("10.0.0.1:443")).toMatch(/^HTTP\/1\.1 403 /);
  expect(await tunnel("nonsense")).toMatch(/^HTTP\/1\.1 403 /);
  const received = await tunnel(origin.host, "GET /ok/t HTTP/1.0\r\n\r\n");
  expect(received).toContain(contentOf("t"));
  expect(egress.transfers().at(-1)).toMatchObject({ url: null, refused: false });
  expect(egress.transfers().at(-1)?.bytes).toBeGreaterThan(contentOf("t").length);
});

test("what breaks off upstream breaks off downstream, and a dead server is a failure, not a refusal", async () => {
  await expect(get(`${origin.url}/truncated/x`)).rejects.toThrow();
  const dead = origin.url;
  await origin.close();
  expect((await get(`${dead}/ok/a`)).status).toBe(502);
  expect(egress.transfers().at(-1)).toMatchObject({
    refused: false,
    failure: expect.stringContaining("ECONNREFUSED"),
  });
  origin = await startOrigin();
});

/** A server whose connections answer anything with `answer`; ends when its connections have ended. */
async function startRaw(answer: string) {
  const server = createServer((socket) => {
    socket.on("error", () => {});
    socket.once("data", () => socket.end(answer));
  });
  await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
  const close = () => new Promise((closed) => server.close(closed));
  return { port: (server.address() as AddressInfo).port, server, close };
}

test.each([
  ["is none", "HTTP/1.1 000 X\r\ncontent-length: 0\r\nconnection: close\r\n\r\n", 0],
  ["changes the protocol", "HTTP/1.1 101 X\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n", null],
])("a status that %s ends neither the program nor the wait for it", async (_, answer, status) => {
  const raw = await startRaw(answer);
  await egress.close();
  egress = await openEgress({ ...LIMITS, allowed: ["127.0.0.1"] });
  expect((await get(`http://127.0.0.1:${raw.port}/`)).status).toBe(502);
  expect(egress.transfers()).toMatchObject([{ status }]);
  await raw.close();
});

test("more bytes than may come are told, whoever sends them", async () => {
  await get(`${origin.url}/ok/a`);
  expect(egress.tooMuch.aborted).toBe(false);
  const endless = get(`${origin.url}/endless/x`).catch(() => {});
  while (!egress.tooMuch.aborted) await new Promise((soon) => setTimeout(soon, 10));
  expect(egress.transfers().reduce((sum, { bytes }) => sum + bytes, 0)).toBeGreaterThan(LIMITS.bytes);
  await egress.close();
  await endless;
});

test.each(["request", "tunnel"])("a %s is not begun when its proxy was closed meanwhile", async (kind) => {
  const raw = await startRaw("");
  let connected = 0;
  raw.server.on("connection", () => (connected += 1));
  // A name takes a while to resolve: long enough for the end to come before.
  egress = await openEgress({ ...LIMITS, allowed: ["localhost"] });
  const name = `localhost:${raw.port}`;
  const asked = (kind === "request" ? get(`http://${name}/`) : tunnel(name)).catch(() => {});
  while (egress.transfers().length === 0) await new Promise((soon) => setImmediate(soon));
  await egress.close();
  await asked;
  await new Promise((later) => setTimeout(later, 200));
  expect(connected).toBe(0);
  await raw.close();
});
