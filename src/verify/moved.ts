/** Asks servers whether a location has moved permanently, without asking for the content. */
import { request as requestPlain } from "node:http";
import { request as requestSecure } from "node:https";
import { isIP } from "node:net";
import { publicAddress } from "./egress.ts";
import { type AllowedHosts, checkUrl } from "./urls.ts";

const SECONDS = 15;
const MOST_REDIRECTS = 5;
/** https://www.rfc-editor.org/rfc/rfc9110#section-15.4: the others say nothing of the next time. */
const PERMANENT = new Set([301, 308]);

interface Answer {
  readonly status: number;
  readonly location: string | null;
}

/** The address that a location permanently redirects to; null: it does not, or its server does not say. */
export async function movedTo(
  url: string,
  allowed: AllowedHosts,
  signal?: AbortSignal,
): Promise<string | null> {
  let current = url;
  for (let count = 0; count < MOST_REDIRECTS; count++) {
    const answer = await head(current, allowed, signal).catch(() => null);
    if (answer === null || answer.location === null || !PERMANENT.has(answer.status)) break;
    if (!URL.canParse(answer.location, current)) break;
    current = new URL(answer.location, current).href;
  }
  return current === url ? null : current;
}

/** A HEAD request for a location, within the same bounds as a fetch of it. */
async function head(url: string, allowed: AllowedHosts, signal?: AbortSignal): Promise<Answer | null> {
  const check = checkUrl(url, allowed);
  if (check.kind !== "ok") return null;
  const address = await publicAddress(check.host, check.port, allowed);
  return new Promise((resolve, reject) => {
    const request = (check.secure ? requestSecure : requestPlain)(
      url,
      {
        method: "HEAD",
        headers: { "user-agent": "verifod" },
        timeout: SECONDS * 1_000,
        signal: AbortSignal.any([AbortSignal.timeout(SECONDS * 1_000), ...(signal ? [signal] : [])]),
        agent: false,
        // Connect to the address that was checked, not to one that the name resolves to a moment later.
        lookup: (_, options, done) =>
          options.all ? done(null, [{ address, family: isIP(address) }]) : done(null, address, isIP(address)),
      },
      (response) => {
        response.destroy();
        resolve({ status: response.statusCode ?? 0, location: response.headers.location ?? null });
      },
    );
    request.on("timeout", () => request.destroy(new Error("timed out")));
    request.on("error", reject);
    request.end();
  });
}
