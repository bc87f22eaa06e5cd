/** Asks servers whether a location has moved permanently, without asking for the content. */
import { anySignal } from "../signals.ts";
import { guardedRequest, redirectOf } from "./guarded.ts";
import type { AllowedHosts } from "./urls.ts";

const SECONDS = 15;
const MOST_REDIRECTS = 5;
/** https://www.rfc-editor.org/rfc/rfc9110#section-15.4: the others say nothing of the next time. */
const PERMANENT: readonly (number | undefined)[] = [301, 308];

/** The address that a location permanently redirects to; null: it does not, or its server does not say. */
export async function movedTo(
  url: string,
  allowedHosts: AllowedHosts,
  signal?: AbortSignal,
): Promise<string | null> {
  let current = url;
  for (let count = 0; count < MOST_REDIRECTS; count++) {
    const next = await permanentTarget(current, allowedHosts, signal).catch(() => null);
    if (next === null) break;
    current = next;
  }
  return current === url ? null : current;
}

async function permanentTarget(
  url: string,
  allowedHosts: AllowedHosts,
  signal: AbortSignal | undefined,
): Promise<string | null> {
  const within = anySignal(signal, AbortSignal.timeout(SECONDS * 1_000));
  const answer = await guardedRequest(url, { method: "HEAD", allowedHosts, signal: within });
  answer.destroy();
  return PERMANENT.includes(answer.statusCode) ? redirectOf(answer, url) : null;
}
