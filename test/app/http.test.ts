/** What the server takes of strangers, before any signature is looked at. */
import { type ClientRequest, type IncomingMessage, request, type Server } from "node:http";
import { type AddressInfo, connect } from "node:net";
import pino from "pino";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createHttpServer } from "../../src/app/http.ts";
import { createMetrics } from "../../src/app/metrics.ts";

let server: Server;
let received: number[];
let seen: string[];
const open: ClientRequest[] = [];

beforeEach(async () => {
  [received, seen] = [[], []];
  const metrics = createMetrics(async () => ({ waiting: 0, running: 0 }));
  server = createHttpServer({
    deliveries: {
      path: "/hooks",
      // As for a signature that is wrong.
      middleware: async (incoming, response) => {
        received.push((incoming as IncomingMessage & { body: string }).body.length);
        response.writeHead(400).end();
        return true;
      },
    },
    metrics: {
      ...metrics,
      delivery: (event, status) => {
        seen.push(`${event} ${status}`);
      },
    },
    health: async () => ({ ok: true }),
    log: pino({ level: "silent" }),
  });
  await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
});
afterEach(async () => {
  for (const each of open.splice(0)) each.destroy();
  server.closeAllConnections();
  await new Promise((closed) => server.close(closed));
});

/** A delivery whose body is `body`, which may be other than its headers say; null: it never comes. */
function deliver(headers: Record<string, string | number>, body: Buffer | null): Promise<number> {
  const { port } = server.address() as AddressInfo;
  const sending = request({ port, host: "127.0.0.1", method: "POST", path: "/hooks", headers });
  open.push(sending);
  const answered = new Promise<number>((resolve, reject) => {
    sending.on("response", (response) => resolve(response.resume().statusCode ?? 0));
    sending.on("error", reject);
  });
  if (body === null) sending.flushHeaders();
  else sending.end(body);
  return answered;
}

test("a delivery that says that it is too large is not read", async () => {
  expect(await deliver({ "content-length": 25_000_001 }, null)).toBe(413);
  expect(await deliver({ "content-length": 2 }, Buffer.from("{}"))).toBe(400);
  expect(received).toEqual([2]);
});

test("one that does not say how large it is, is read up to the limit", async () => {
  const chunked = { "transfer-encoding": "chunked" };
  const large = await deliver(chunked, Buffer.alloc(26_000_000, " ")).catch(() => "cut");
  expect([413, "cut"]).toContain(large);
  expect(await deliver(chunked, Buffer.alloc(1_000, " "))).toBe(400);
  expect(received).toEqual([1_000]);
});

test("those that are being received are bounded together, by what has come of them", async () => {
  const begin = (size: number) => {
    const answer = deliver({ "content-length": 25_000_000 }, null);
    open.at(-1)?.write(Buffer.alloc(size, " "));
    return answer;
  };
  // Who only says that something comes keeps nobody out.
  for (let count = 0; count < 8; count += 1) begin(1).catch(() => {});
  expect(await deliver({ "content-length": 2 }, Buffer.from("{}"))).toBe(400);
  const large = Array.from({ length: 5 }, () => begin(24_000_000));
  expect(await Promise.any(large)).toBe(503);
  for (const each of large) each.catch(() => {});
});

test("many small pieces count for what they take", async () => {
  const { port } = server.address() as AddressInfo;
  const answer = new Promise<string>((resolve, reject) => {
    const socket = connect(port, "127.0.0.1", () => {
      socket.write("POST /hooks HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n");
      socket.write(`${"1\r\n \r\n".repeat(150_000)}0\r\n\r\n`);
    });
    socket.on("data", (data: Buffer) => resolve(data.toString("latin1", 9, 12)));
    socket.on("error", reject);
  });
  expect(await answer).toBe("503");
  expect(await deliver({ "content-length": 2 }, Buffer.from("{}"))).toBe(400);
});

test("what is not signed is counted by no name that its sender chose", async () => {
  await deliver({ "content-length": 2, "x-github-event": "push" }, Buffer.from("{}"));
  expect(seen).toEqual(["refused 400"]);
});
