/** Asking a server for JSON: within a budget, from public hosts, and what goes wrong as a reason. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createBudget } from "../../src/provenance/budget.ts";
import { askJson } from "../../src/provenance/http.ts";

let answer: (request: IncomingMessage, response: ServerResponse) => void;
const requests: IncomingMessage[] = [];
const server = createServer((request, response) => {
  requests.push(request);
  answer(request, response);
});
let host: string;

beforeEach(async () => {
  requests.length = 0;
  await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
  host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(async () => {
  server.closeAllConnections();
  await new Promise((closed) => server.close(closed));
});

const ask = (
  path = "/a",
  {
    requests: most = 9,
    seconds = 20,
    hosts = [host],
  }: { requests?: number; seconds?: number; hosts?: string[] } = {},
) => askJson(`http://${host}${path}`, { budget: createBudget(most, seconds), allowedHosts: hosts });
const says = (status: number, body: string, headers: Record<string, string> = {}) => {
  answer = (_, response) => response.writeHead(status, headers).end(body);
};

test("an answer, and that there is none", async () => {
  says(200, '{"a":1}', { "x-total": "7" });
  expect(await ask()).toMatchObject({
    known: true,
    value: { data: { a: 1 }, url: `http://${host}/a`, headers: { "x-total": "7" } },
  });
  says(404, '{"message":"404 Not Found"}');
  expect(await ask()).toMatchObject({ known: true, value: { data: null } });
});

test("a redirect on the same host is followed, and each hop is a request", async () => {
  answer = ({ url }, response) => {
    if (url === "/b") response.end("[2]");
    else response.writeHead(307, { location: "/b" }).end();
  };
  expect(await ask()).toMatchObject({ known: true, value: { data: [2], url: `http://${host}/b` } });
  expect(requests).toHaveLength(2);
  expect(await ask("/a", { requests: 1 })).toMatchObject({
    known: false,
    reason: expect.stringMatching(/1 requests/),
  });
});

test.each([
  ["to another host", "https://example.org/a", "sends elsewhere"],
  ["to the cloud's own data", "http://169.254.169.254/latest/meta-data/", "sends elsewhere"],
  ["to a file", "file:///etc/passwd", "sends elsewhere"],
  ["in a circle", "/a", "sends from one place to the next"],
])("a redirect %s is not followed", async (_, location, reason) => {
  says(302, "", { location });
  expect(await ask()).toEqual({ known: false, reason: `${host} ${reason}` });
});

test.each([
  [429, {}, "refuses more: its rate limit is reached", 1],
  [403, { "ratelimit-remaining": "0" }, "refuses more: its rate limit is reached", 1],
  [403, {}, "answered with status 403", 1],
  [502, {}, "answered with status 502", 2],
])("status %i %o is no answer", async (status, headers, reason, asked) => {
  says(status, "{}", headers);
  expect(await ask()).toEqual({ known: false, reason: `${host} ${reason}` });
  expect(requests).toHaveLength(asked);
});

test("one failure is no reason to give up", async () => {
  answer = (_, response) => {
    if (requests.length === 1) response.socket?.destroy();
    else response.end("3");
  };
  expect(await ask()).toMatchObject({ known: true, value: { data: 3 } });
});

test("a page, too many bytes and a server that says nothing are no answers", async () => {
  says(200, "<html>Are you human?</html>");
  expect(await ask()).toMatchObject({ reason: expect.stringMatching(/form that is not known/) });
  answer = (_, response) => {
    const chunk = "x".repeat(1_000_000);
    const write = () => response.write(chunk, () => !response.destroyed && write());
    write();
  };
  expect(await ask()).toMatchObject({ reason: expect.stringMatching(/more than 8000000 bytes/) });
  answer = () => {};
  expect(await ask("/a", { seconds: 0.2 })).toMatchObject({
    known: false,
    reason: expect.stringMatching(/in time/),
  });
});

test("this machine and its networks are not asked, nor anybody in the clear", async () => {
  says(200, "1");
  expect(await ask("/a", { hosts: [] })).toMatchObject({ reason: expect.stringMatching(/loopback/) });
  const budget = createBudget(9, 9);
  for (const [url, reason] of [
    ["https://localhost/a", "public host name"],
    ["https://10.1.2.3/a", "private"],
    ["https://[::1]/a", "loopback"],
    ["http://example.org/a", "use https"],
    ["https://ada@example.org/a", "user name"],
  ] as const) {
    const told = await askJson(url, { budget, allowedHosts: [] });
    expect(told, url).toMatchObject({ known: false, reason: expect.stringContaining(reason) });
  }
  expect(requests).toEqual([]);
});

test("no credentials and no cookies are sent", async () => {
  says(200, "1");
  await ask();
  expect(Object.keys(requests[0]?.headers ?? {}).sort()).toEqual([
    "accept",
    "connection",
    "host",
    "user-agent",
  ]);
});
