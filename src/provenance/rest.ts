/** A forge's REST API, for the implementations of forges. */
import * as z from "zod";
import type { AllowedHosts } from "../verify/urls.ts";
import { type Answer, known, unknown } from "./answers.ts";
import type { Budget } from "./budget.ts";
import type { Forge, RepositoryAnswers, RepositoryQuestion } from "./forge.ts";
import { askJson } from "./http.ts";
import type { Learnt } from "./memory.ts";

export interface RestOptions {
  readonly budget: Budget;
  readonly allowedHosts: AllowedHosts;
  /** Where the forge answers, as `https://gitlab.com`. */
  readonly address: string;
  /** What it said some minutes ago is not asked again. */
  readonly learnt?: Learnt | undefined;
}

export interface Rest {
  /** What is at a path, as `api/v1/version`; null: not found. */
  get<T>(path: string, schema: z.ZodType<T>): Promise<Answer<T | null>>;
  /** The same with a header of the answer, "" where it is not there. */
  getWith<T>(
    path: string,
    schema: z.ZodType<T>,
    header: string,
  ): Promise<Answer<{ readonly value: T; readonly header: string } | null>>;
}

/** A forge that is asked about one repository after the other, by `answer`. */
export function restForge(
  options: RestOptions,
  answer: (rest: Rest, question: RepositoryQuestion) => Promise<RepositoryAnswers>,
): Forge {
  const rest = restOf(options);
  return async (questions) => {
    const answers: RepositoryAnswers[] = [];
    for (const question of questions) answers.push(await answer(rest, question));
    return answers;
  };
}

/** An answer as it is kept: the one header that was asked for, "" where it was not there; null: not found. */
const keptSchema = z.strictObject({ data: z.unknown(), header: z.string() }).nullable();
type Kept = z.infer<typeof keptSchema>;

function restOf({ budget, allowedHosts, address, learnt }: RestOptions): Rest {
  const { host } = new URL(address);
  const ask = async (url: string, header: string): Promise<Answer<Kept>> => {
    const key = header === "" ? url : `${url} ${header}`;
    const before = keptSchema.safeParse(learnt?.memory.answerAt(key, learnt.now));
    if (before.success) return known(before.data);
    const reply = await askJson(url, { budget, allowedHosts });
    if (!reply.known) return reply;
    const { data, headers } = reply.value;
    const kept = data === null ? null : { data, header: String(headers[header] ?? "") };
    learnt?.memory.answerIs(key, learnt.now, kept);
    return known(kept);
  };
  const getWith: Rest["getWith"] = async (path, schema, header) => {
    const answer = await ask(`${address}/${path}`, header);
    if (!answer.known || answer.value === null) return answer as Answer<null>;
    const parsed = schema.safeParse(answer.value.data);
    if (!parsed.success) return unknown(`${host} answered in a form that is not known`);
    return known({ value: parsed.data, header: answer.value.header });
  };
  return {
    getWith,
    async get(path, schema) {
      const answer = await getWith(path, schema, "");
      return answer.known ? known(answer.value === null ? null : answer.value.value) : answer;
    },
  };
}

// The host is one that a change names, and may answer anything.
/** The id of an object. */
export const oid = z.string().regex(/^(?:[0-9a-f]{40}|[0-9a-f]{64})$/);
/** The name of a repository, an account, a branch. */
export const label = z.string().min(1).max(500);
/** A date in UTC, whatever zone the server writes. */
export const date = z.iso.datetime({ offset: true }).transform((text) => new Date(text).toISOString());
