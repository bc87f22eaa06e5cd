/** Downloads one file within limits, from public hosts only, wherever redirects lead. */
import { createWriteStream } from "node:fs";
import { get as getPlain, type IncomingMessage } from "node:http";
import { get as getSecure } from "node:https";
import { isIP, type LookupFunction } from "node:net";
import { pipeline } from "node:stream/promises";
import { messageOf, VerifodError } from "../errors.ts";
import { publicAddress } from "../verify/egress.ts";
import { type AllowedHosts, checkUrl } from "../verify/urls.ts";

export interface DownloadOptions {
  readonly allowedHosts: AllowedHosts;
  readonly bytes: number;
  readonly seconds: number;
  readonly signal?: AbortSignal | undefined;
}

export const DOWNLOAD_LIMITS = { bytes: 512_000_000, seconds: 300 };

/** As many as curl follows by default in nixpkgs' fetchers. */
const MOST_REDIRECTS = 20;

/**
 * Downloads `url` to `file`; gives the address that it came from in the end.
 * @throws VerifodError (usage) for a URL that is never fetched, (outside) when it cannot be had.
 */
export async function download(url: string, file: string, options: DownloadOptions): Promise<string> {
  const timeout = AbortSignal.timeout(options.seconds * 1000);
  const signal = options.signal ? AbortSignal.any([options.signal, timeout]) : timeout;
  try {
    let at = url;
    for (let redirects = 0; redirects <= MOST_REDIRECTS; redirects += 1) {
      const answer = await request(at, options.allowedHosts, signal);
      const status = answer.statusCode ?? 0;
      const { location } = answer.headers;
      if (status >= 300 && status < 400 && location !== undefined) {
        answer.destroy();
        at = new URL(location, at).href;
        continue;
      }
      if (status !== 200) {
        answer.destroy();
        throw new VerifodError("outside", `cannot download ${at}: HTTP ${status}`);
      }
      await pipeline(answer, atMost(options.bytes), createWriteStream(file), { signal });
      return at;
    }
    throw new VerifodError("outside", `cannot download ${url}: more than ${MOST_REDIRECTS} redirects`);
  } catch (error) {
    if (error instanceof VerifodError) throw error;
    const reason = timeout.aborted ? `it took more than ${options.seconds} s` : messageOf(error);
    throw new VerifodError("outside", `cannot download ${url}: ${reason}`, { cause: error });
  }
}

async function request(url: string, allowed: AllowedHosts, signal: AbortSignal): Promise<IncomingMessage> {
  const checked = checkUrl(url, allowed);
  if (checked.kind !== "ok") throw new VerifodError("usage", `cannot download ${url}: ${checked.reason}`);
  const get = checked.secure ? getSecure : getPlain;
  // The address is checked where it is connected to: a name may resolve otherwise the second time.
  const lookup: LookupFunction = (host, { all }, done) => {
    publicAddress(host, checked.port, allowed).then(
      (address) => {
        const family = isIP(address);
        if (all) done(null, [{ address, family }]);
        else done(null, address, family);
      },
      (error: Error) => done(error, "", 0),
    );
  };
  return new Promise((resolve, reject) => {
    get(
      url,
      { lookup, signal, agent: false, headers: { "user-agent": "verifod", accept: "*/*" } },
      resolve,
    ).on("error", reject);
  });
}

function atMost(bytes: number) {
  return async function* (source: AsyncIterable<Buffer>) {
    let size = 0;
    for await (const chunk of source) {
      size += chunk.length;
      if (size > bytes) throw new Error(`it has more than ${bytes} bytes`);
      yield chunk;
    }
  };
}
