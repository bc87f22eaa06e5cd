/** A name server on the loopback interface that says of each name whether it is there; it has no address for any. */
import { createSocket } from "node:dgram";
import { once } from "node:events";

/** "none": there is no such name. "empty": there is one, without records. "failure": the server cannot tell. */
export type NameSaid = "none" | "empty" | "failure";

/** The codes of https://www.rfc-editor.org/rfc/rfc1035#section-4.1.1 */
const CODES: Readonly<Record<NameSaid, number>> = { none: 3, empty: 0, failure: 2 };

export interface NameServer {
  /** As `127.0.0.1:5300`. */
  readonly address: string;
  /** What is said of a name; by default that there is none. */
  readonly names: Map<string, NameSaid>;
  close(): Promise<void>;
}

export async function startNameServer(): Promise<NameServer> {
  const names = new Map<string, NameSaid>();
  const socket = createSocket("udp4");
  socket.on("message", (query, { port, address }) => {
    const { name, end } = questionIn(query);
    const reply = Buffer.from(query.subarray(0, end));
    // An answer to the one question, without records.
    reply.writeUInt16BE(0x8180 | CODES[names.get(name) ?? "none"], 2);
    reply.fill(0, 6, 12);
    socket.send(reply, port, address);
  });
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  return {
    address: `127.0.0.1:${socket.address().port}`,
    names,
    close: () => new Promise((closed) => socket.close(() => closed())),
  };
}

/** The name in the question of a query, and where the question ends. */
function questionIn(query: Buffer): { readonly name: string; readonly end: number } {
  const labels: string[] = [];
  let at = 12;
  for (let length = query[at] ?? 0; length > 0; length = query[at] ?? 0) {
    labels.push(query.toString("latin1", at + 1, at + 1 + length));
    at += 1 + length;
  }
  return { name: labels.join(".").toLowerCase(), end: at + 5 };
}
