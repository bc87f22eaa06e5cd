import { request } from "node:http";
import { type AddressInfo, connect, createServer } from "node:net";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type Egress, openEgress } from "../../src/verify/egress.ts";
import { contentOf, type Origin, startOrigin } from "./support/origin.ts";

let origin: Origin;
let egress: Egress;
beforeEach(async () => {
  origin = await startOrigin();
  egress = await openEgress({ allowed: [origin.host] });
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
  egress = await openEgress({ allowed: [] });
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

test("a status that is none does not end the program", async () => {
  const server = createServer((socket) => {
    socket.once("data", () => socket.end("HTTP/1.1 000 X\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"));
  });
  await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
  await egress.close();
  egress = await openEgress({ allowed: ["127.0.0.1"] });
  expect((await get(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`)).status).toBe(502);
  expect(egress.transfers()).toMatchObject([{ status: 0 }]);
  await new Promise((closed) => server.close(closed));
});
