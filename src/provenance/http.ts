/** Asks servers with a JSON API: within the budget, public hosts only, each failure as a reason. */
import type { IncomingHttpHeaders, IncomingMessage } from "node:http";
import { text } from "node:stream/consumers";
import { messageOf, VerifodError } from "../errors.ts";
import { atMost, guardedRequest, redirectOf } from "../verify/guarded.ts";
import type { AllowedHosts } from "../verify/urls.ts";
import { type Answer, known, unknown } from "./answers.ts";
import type { Budget } from "./budget.ts";

export interface JsonReply {
  /** Null: not found. */
  readonly data: unknown;
  /** Where it came from in the end. */
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
}

export interface JsonOptions {
  readonly budget: Budget;
  /** Hosts that may be asked whatever their address, and in the clear. */
  readonly allowedHosts: AllowedHosts;
  readonly headers?: Readonly<Record<string, string>>;
}

const MOST_BYTES = 8_000_000;
const MOST_REDIRECTS = 3;
const MOST_SECONDS = 20;

/**
 * Asks for the JSON at a URL. Each request, also for redirects and repetitions, is taken out of the budget. Redirects are
 * followed on the same host only, since another host cannot answer for this one. A request that fails on the server's side
 * is repeated once.
 */
export async function askJson(url: string, options: JsonOptions): Promise<Answer<JsonReply>> {
  const { host } = new URL(url);
  const { budget } = options;
  let at = url;
  let redirects = 0;
  for (let failures = 0; ; ) {
    const refused = budget.take();
    if (refused !== null) return unknown(refused);
    const reply = await request(at, options);
    switch (reply.kind) {
      case "known":
        return known({ data: reply.data, url: at, headers: reply.headers });
      case "redirect":
        redirects += 1;
        if (new URL(reply.to).origin !== new URL(at).origin) return unknown(`${host} sends elsewhere`);
        if (redirects > MOST_REDIRECTS) return unknown(`${host} sends from one place to the next`);
        at = reply.to;
        break;
      case "failed":
        failures += 1;
        if (budget.signal.aborted) return unknown(`${host} did not answer in time`);
        if (!reply.again || failures === 2) return unknown(`${host} ${reply.reason}`);
    }
  }
}

type Reply =
  | { readonly kind: "known"; readonly data: unknown; readonly headers: IncomingHttpHeaders }
  | { readonly kind: "redirect"; readonly to: string }
  /** `again`: whether another attempt may succeed. */
  | { readonly kind: "failed"; readonly reason: string; readonly again: boolean };

async function request(url: string, { budget, allowedHosts, headers }: JsonOptions): Promise<Reply> {
  const timeout = AbortSignal.timeout(MOST_SECONDS * 1_000);
  try {
    const answer = await guardedRequest(url, {
      allowedHosts,
      signal: AbortSignal.any([budget.signal, timeout]),
      headers: { accept: "application/json", ...headers },
      secure: true,
    });
    const to = redirectOf(answer, url);
    if (to === null && answer.statusCode === 200) {
      const data = JSON.parse(await text(atMost(MOST_BYTES)(answer)));
      return { kind: "known", data, headers: answer.headers };
    }
    answer.destroy();
    if (to !== null) return { kind: "redirect", to };
    if (answer.statusCode === 404) return { kind: "known", data: null, headers: answer.headers };
    return refusal(answer);
  } catch (error) {
    if (timeout.aborted) return { kind: "failed", reason: "did not answer in time", again: false };
    if (error instanceof SyntaxError)
      return { kind: "failed", reason: "answered in a form that is not known", again: false };
    const reason = `could not be asked: ${messageOf(error).slice(0, 200)}`;
    return { kind: "failed", reason, again: !(error instanceof VerifodError) };
  }
}

function refusal({ statusCode = 0, headers }: IncomingMessage): Reply {
  // GitLab, Forgejo and others: https://www.ietf.org/archive/id/draft-polli-ratelimit-headers-02.html
  const isLimit =
    statusCode === 429 ||
    (statusCode === 403 && [headers["ratelimit-remaining"], headers["x-ratelimit-remaining"]].includes("0"));
  return isLimit
    ? { kind: "failed", reason: "refuses more: its rate limit is reached", again: false }
    : { kind: "failed", reason: `answered with status ${statusCode}`, again: statusCode >= 500 };
}
