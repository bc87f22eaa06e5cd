/**
 * Asks a package registry: one JSON document after the other, within limits, each failure as a reason. Registries have fixed
 * addresses, so these requests need no guard; connections are kept and answers compressed, since a change may need a hundred
 * documents, some of them large. Hosts that a change names are asked by `../http.ts`.
 */
import { setTimeout } from "node:timers/promises";
import type * as z from "zod";
import { messageOf } from "../../errors.ts";
import { VERSION } from "../../version.ts";
import { type Answer, known, unknown } from "../answers.ts";
import type { Budget } from "../budget.ts";
import type { Learnt } from "../memory.ts";

/** The document at a path below the registry's address, checked; null: the registry has no such thing. */
export type Ask = <T>(
  schema: z.ZodType<T>,
  path: string,
  options?: { readonly bytes?: number },
) => Promise<Answer<T | null>>;

export interface ClientOptions {
  /** The registry's name, for reasons. */
  readonly name: string;
  /** Where paths begin, with a slash at the end. */
  readonly base: string;
  /** Milliseconds between two requests: what the registry asks of its clients. */
  readonly apart: number;
  /** Milliseconds for one request and its answer. */
  readonly patience: number;
  readonly budget: Budget;
  readonly learnt?: Learnt | undefined;
}

/** So few documents are kept, since some take tens of megabytes when parsed: enough to ask for others of one package. */
const MOST_KEPT = 2;

/** The documents of versions with hundreds of files are almost as large. */
const MOST_BYTES = 4_000_000;

/** crates.io refuses clients that do not say who they are: https://crates.io/data-access */
const HEADERS = {
  accept: "application/json",
  "user-agent": `verifod/${VERSION} (https://github.com/verifod/verifod)`,
};

/** Text of a pull request as one part of a path. */
export function inPath(text: string): string {
  return encodeURIComponent(text);
}

type Attempt =
  | { readonly kind: "answer"; readonly value: unknown }
  | { readonly kind: "none" }
  | {
      readonly kind: "failed";
      readonly reason: string;
      /** The registry may answer the next time. */
      readonly again?: boolean;
      /** It is not about this document alone. */
      readonly down?: boolean;
    };

/**
 * A client of one registry. It asks one thing at a time and each path once; a request that fails on the registry's side is
 * repeated once. A registry that does not answer is not asked again.
 */
export function registryClient(options: ClientOptions): Ask {
  const { name, base, apart, budget, learnt } = options;
  const documents = new Map<string, Promise<Answer<unknown>>>();
  const done: string[] = [];
  let turn: Promise<unknown> = Promise.resolve();
  let next = 0;
  let down: string | null = null;

  async function get(path: string, bytes: number): Promise<Answer<unknown>> {
    const url = new URL(path, base);
    const before = learnt?.memory.answerAt(url.href, learnt.now);
    if (before !== undefined) return known(before);
    for (let tries = 1; ; tries++) {
      if (down !== null) return unknown(down);
      await setTimeout(Math.max(0, next - performance.now()), null, { signal: budget.signal }).catch(
        () => null,
      );
      const refused = budget.take();
      if (refused !== null) return unknown(refused);
      const got = await attempt(url, bytes, options);
      next = performance.now() + apart;
      switch (got.kind) {
        case "answer":
          learnt?.memory.answerIs(url.href, learnt.now, got.value);
          return known(got.value);
        case "none":
          learnt?.memory.answerIs(url.href, learnt.now, null);
          return known(null);
        case "failed":
          if (got.again && tries === 1) continue;
          if (got.down) down = `${name} ${got.reason}`;
          return unknown(`${name} ${got.reason}`);
      }
    }
  }

  return async (schema, path, { bytes = MOST_BYTES } = {}) => {
    let document = documents.get(path);
    if (!document) {
      document = turn.then(() => get(path, bytes));
      documents.set(path, document);
      turn = document.then(() => {
        done.push(path);
        if (done.length > MOST_KEPT) documents.delete(done.shift() ?? "");
      });
    }
    const answer = await document;
    if (!answer.known || answer.value === null) return answer as Answer<null>;
    const parsed = schema.safeParse(answer.value);
    return parsed.success ? known(parsed.data) : unknown(`${name} gave an answer that is not as expected`);
  };
}

async function attempt(url: URL, bytes: number, { budget, patience }: ClientOptions): Promise<Attempt> {
  const late = AbortSignal.timeout(patience);
  try {
    const signal = AbortSignal.any([budget.signal, late]);
    // The registries answer at one address: a redirect would lead elsewhere.
    const response = await fetch(url, { headers: HEADERS, redirect: "manual", signal });
    if (response.status === 200) {
      const text = await read(response, bytes);
      return text === null
        ? { kind: "failed", reason: `gave an answer of more than ${bytes} bytes` }
        : parsed(text);
    }
    await response.body?.cancel();
    return ofStatus(response.status);
  } catch (error) {
    return budget.signal.aborted || late.aborted
      ? { kind: "failed", reason: "did not answer in time", down: true }
      : { kind: "failed", reason: `could not be asked: ${causeOf(error)}`, again: true, down: true };
  }
}

function ofStatus(status: number): Attempt {
  const reason = `answered with status ${status}`;
  switch (status) {
    case 404:
    case 410:
      return { kind: "none" };
    case 429:
      return { kind: "failed", reason: "answers no more for now: its rate limit is reached", down: true };
    // That one document breaks a server says nothing of the others.
    case 500:
      return { kind: "failed", reason, again: true };
    default:
      return {
        kind: "failed",
        reason,
        again: status > 500,
        down: status > 500 || status === 401 || status === 403,
      };
  }
}

/** `fetch` itself says only "fetch failed": the reason is in its cause. */
function causeOf(error: unknown): string {
  const cause = error instanceof Error && error.cause ? error.cause : error;
  return messageOf(cause).slice(0, 200);
}

/** The body, unpacked; null when it is longer than `bytes`. */
async function read(response: Response, bytes: number): Promise<string | null> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.length;
    if (size > bytes) return null;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function parsed(text: string): Attempt {
  let value: unknown = null;
  try {
    value = JSON.parse(text);
  } catch {
    return { kind: "failed", reason: "gave an answer that is no JSON" };
  }
  return value === null ? { kind: "failed", reason: "gave an empty answer" } : { kind: "answer", value };
}
