/** Requests to places that a change names: to public hosts only, checked by the address that is connected to. */
import { type IncomingMessage, request as requestPlain } from "node:http";
import { request as requestSecure } from "node:https";
import { isIP, type LookupFunction } from "node:net";
import { VerifodError } from "../errors.ts";
import { publicAddress } from "./egress.ts";
import { type AllowedHosts, checkUrl, isAllowed } from "./urls.ts";

export interface GuardedOptions {
  /** GET unless given. */
  readonly method?: "HEAD";
  readonly allowedHosts: AllowedHosts;
  /** Ends the request, its answer's body included. */
  readonly signal: AbortSignal;
  readonly headers?: Readonly<Record<string, string>>;
  /** Whether only hosts that the caller allowed may be asked in the clear. */
  readonly secure?: boolean;
}

/**
 * One request. Redirects are left to the caller. Rejects when nobody answers.
 * @throws VerifodError (usage) for a URL that is never asked
 */
export async function guardedRequest(url: string, options: GuardedOptions): Promise<IncomingMessage> {
  const { method = "GET", allowedHosts, signal, headers, secure } = options;
  const checked = checkUrl(url, allowedHosts);
  if (checked.kind !== "ok") throw new VerifodError("usage", checked.reason);
  if (secure && !checked.secure && !isAllowed(checked.host, checked.port, allowedHosts))
    throw new VerifodError("usage", "whoever is on the way could change it; use https");
  const request = checked.secure ? requestSecure : requestPlain;
  // The address is checked when connecting, since a name may resolve differently the second time.
  const lookup: LookupFunction = (host, { all }, done) => {
    publicAddress(host, checked.port, allowedHosts).then(
      (address) => {
        const family = isIP(address);
        if (all) done(null, [{ address, family }]);
        else done(null, address, family);
      },
      (error: Error) => done(error, "", 0),
    );
  };
  return new Promise((resolve, reject) => {
    const all = { "user-agent": "verifod", accept: "*/*", ...headers };
    request(url, { method, lookup, signal, agent: false, headers: all }, resolve).on("error", reject).end();
  });
}

/** Where an answer redirects to, as an absolute URL; null: it does not. */
export function redirectOf({ statusCode = 0, headers }: IncomingMessage, from: string): string | null {
  const { location } = headers;
  if (statusCode < 300 || statusCode >= 400 || location === undefined) return null;
  return URL.canParse(location, from) ? new URL(location, from).href : null;
}

/** Passes on what comes, with an error as soon as it is more than `bytes`. */
export function atMost(bytes: number) {
  return async function* (source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    let size = 0;
    for await (const chunk of source) {
      size += chunk.length;
      if (size > bytes) throw new Error(`it has more than ${bytes} bytes`);
      yield chunk;
    }
  };
}
