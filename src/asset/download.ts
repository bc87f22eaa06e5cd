/** Downloads one file within limits, from public hosts only, wherever redirects lead. */
import { createWriteStream } from "node:fs";
import { pipeline } from "node:stream/promises";
import { messageOf, VerifodError } from "../errors.ts";
import { anySignal } from "../signals.ts";
import { atMost, guardedRequest, redirectOf } from "../verify/guarded.ts";
import type { AllowedHosts } from "../verify/urls.ts";

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
  const signal = anySignal(options.signal, timeout);
  try {
    let at = url;
    for (let redirects = 0; redirects <= MOST_REDIRECTS; redirects += 1) {
      const answer = await guardedRequest(at, { allowedHosts: options.allowedHosts, signal });
      const target = redirectOf(answer, at);
      if (target !== null) {
        answer.destroy();
        at = target;
        continue;
      }
      if (answer.statusCode !== 200) {
        answer.destroy();
        throw new VerifodError("outside", `cannot download ${at}: HTTP ${answer.statusCode}`);
      }
      await pipeline(answer, atMost(options.bytes), createWriteStream(file), { signal });
      return at;
    }
    throw new VerifodError("outside", `cannot download ${url}: more than ${MOST_REDIRECTS} redirects`);
  } catch (error) {
    if (error instanceof VerifodError && error.fault === "outside") throw error;
    const reason = timeout.aborted ? `it took more than ${options.seconds} s` : messageOf(error);
    const fault = error instanceof VerifodError ? error.fault : "outside";
    throw new VerifodError(fault, `cannot download ${url}: ${reason}`, { cause: error });
  }
}
