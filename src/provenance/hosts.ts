/** Asks a host that is no forge or registry what is at a pin's address: one request, of which only the headers are read. */
import { Resolver } from "node:dns/promises";
import * as z from "zod";
import { messageOf } from "../errors.ts";
import { domainOf } from "../origin/place.ts";
import { guardedRequest, redirectOf } from "../verify/guarded.ts";
import { type Answer, type HostFacts, known, unknown } from "./answers.ts";
import type { Budget } from "./budget.ts";
import type { Learnt } from "./memory.ts";
import type { Subject } from "./questions.ts";

export interface Hosts {
  /** What is at a URL. Each URL is asked once. Never throws for what a server does. */
  ask(url: string): Promise<Answer<HostFacts>>;
  /** Requests so far. */
  used(): number;
}

export interface HostsOptions {
  /** A request for each URL. */
  readonly budget: Budget;
  /** Where all hosts answer instead, each below its name. */
  readonly base?: string | undefined;
  /** Milliseconds for one request. */
  readonly patience?: number;
  /** What hosts said some minutes ago is not asked again. */
  readonly learnt?: Learnt;
  /** Who is asked whether a domain is there. */
  readonly resolver?: Pick<Resolver, "resolve4" | "resolveNs">;
}

const PATIENCE = 10_000;
/** No more is kept of a header. */
const MOST_CHARACTERS = 2_000;

/** The URL of a pin on such a host; null: it is on a forge, a registry or a mirrored site. */
export function plainUrlOf(subject: Subject): string | null {
  if (subject.kind !== "file") return null;
  const { scheme, kind, owner, host } = subject.location;
  const isPlain = kind === "file" && owner !== null && owner.repository === null && host.includes(".");
  return isPlain && (scheme === "https" || scheme === "http") ? subject.url : null;
}

const keptSchema = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("unresolvable"), registered: z.boolean() }),
  z.strictObject({
    kind: z.literal("answers"),
    status: z.int(),
    location: z.string().nullable(),
    contentType: z.string().nullable(),
  }),
]) satisfies z.ZodType<HostFacts>;

export function openHosts(options: HostsOptions): Hosts {
  const { budget, learnt } = options;
  const resolver = options.resolver ?? new Resolver({ timeout: 3_000, tries: 2 });
  const answers = new Map<string, Promise<Answer<HostFacts>>>();
  const find = async (url: string): Promise<Answer<HostFacts>> => {
    const key = `host ${url}`;
    const before = keptSchema.safeParse(learnt?.memory.answerAt(key, learnt.now));
    if (before.success) return known(before.data);
    const refused = budget.take();
    if (refused !== null) return unknown(refused);
    const answer = await request(url, resolver, options);
    if (answer.known) learnt?.memory.answerIs(key, learnt.now, answer.value);
    return answer;
  };
  const lasts = new Map<string, Promise<Answer<HostFacts>>>();
  /** A host is asked one thing at a time, and nothing more once it has failed to answer. */
  const inTurn = (url: string) => {
    const { host } = new URL(url);
    const last = lasts.get(host);
    const answer = last ? last.then((before) => (isThere(before) ? find(url) : before)) : find(url);
    lasts.set(host, answer);
    return answer;
  };
  return {
    used: budget.used,
    async ask(url) {
      if (!URL.canParse(url)) return unknown("its address is none that can be asked");
      const answer = answers.get(url) ?? inTurn(url);
      answers.set(url, answer);
      return answer;
    },
  };
}

function isThere(answer: Answer<HostFacts>): boolean {
  return answer.known && answer.value.kind === "answers";
}

/** A GET, since many servers refuse HEAD; it ends when the headers are there. */
async function request(
  url: string,
  resolver: NonNullable<HostsOptions["resolver"]>,
  { budget, base, patience = PATIENCE }: HostsOptions,
): Promise<Answer<HostFacts>> {
  const { host, pathname, search } = new URL(url);
  const timeout = AbortSignal.timeout(patience);
  try {
    const answer = await guardedRequest(
      base === undefined ? url : new URL(`${host}${pathname}${search}`, base).href,
      {
        allowedHosts: base === undefined ? [] : [new URL(base).host],
        signal: AbortSignal.any([budget.signal, timeout]),
      },
    );
    answer.destroy();
    return known({
      kind: "answers",
      status: answer.statusCode ?? 0,
      location: redirectOf(answer, url)?.slice(0, MOST_CHARACTERS) ?? null,
      contentType: answer.headers["content-type"]?.slice(0, MOST_CHARACTERS) ?? null,
    });
  } catch (error) {
    if (timeout.aborted || budget.signal.aborted) return unknown(`${host} did not answer in time`);
    const isName = NO_NAME.has(codeOf(error) ?? "");
    const gone = isName ? await unresolvable(host, resolver) : null;
    return gone ? known(gone) : unknown(`${host} could not be asked: ${messageOf(error).slice(0, 200)}`);
  }
}

/** Errors of the system's resolver, which are the same for a name without an address and without a network. */
const NO_NAME = new Set(["ENOTFOUND", "EAI_AGAIN"]);

function codeOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException | null)?.code;
}

/** What DNS itself says of a name that did not resolve; null: it does not say that there is none. */
async function unresolvable(
  host: string,
  resolver: NonNullable<HostsOptions["resolver"]>,
): Promise<HostFacts | null> {
  const has = async (question: Promise<unknown>): Promise<boolean | null> => {
    try {
      await question;
      return true;
    } catch (error) {
      // "ENODATA": the name exists, but has no such record.
      return codeOf(error) === "ENOTFOUND" ? false : codeOf(error) === "ENODATA" ? true : null;
    }
  };
  const [domain, name] = await Promise.all([
    has(resolver.resolveNs(domainOf(host))),
    has(resolver.resolve4(host)),
  ]);
  return name === false && domain !== null ? { kind: "unresolvable", registered: domain } : null;
}
