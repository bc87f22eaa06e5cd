/**
 * Looks for what no event told of: open pull requests whose head has no finished check run, or on which somebody asked for
 * something and has no answer, because the process was not there, was killed, or GitHub did not answer. What is found
 * stands behind what events tell.
 */
import * as z from "zod";
import type { GitHubApi, RepositoryName } from "../change/github-api.ts";
import { SAID, saidIn, saidSchema } from "../github/conversation.ts";
import { unanswered } from "../github/decide.ts";
import { CHECK_NAME, parseMark } from "../github/published.ts";
import type { Installations } from "./installations.ts";
import type { Metrics } from "./metrics.ts";
import type { Services } from "./services.ts";

/** The latest updated ones of a repository; older ones are reviewed when something happens to them. */
const MOST_PULLS = 1_000;
const PAGE_SIZE = 50;
/** What is looked at of what people said on each: it may be long, and comes with the list. */
const NEWEST_COMMENTS = 10;
const NEWEST_REVIEWS = 5;
/** A head whose review does not come to an end so often is left to people, and so is what nobody can answer. */
const MOST_TRIES = 3;
const MOST_REMEMBERED = 20_000;

const PULLS = `query ($owner: String!, $name: String!, $after: String, $app: Int!, $check: String!) {
  repository(owner: $owner, name: $name) {
    pullRequests(states: OPEN, first: ${PAGE_SIZE}, after: $after, orderBy: { field: UPDATED_AT, direction: DESC }) {
      pageInfo { hasNextPage endCursor }
      nodes { number headRefOid
        comments(last: ${NEWEST_COMMENTS}) { nodes { ${SAID} } }
        reviews(last: ${NEWEST_REVIEWS}) { nodes { ${SAID} commit { oid } } }
        commits(last: 1) { nodes { commit {
        oid
        checkSuites(first: 5, filterBy: { appId: $app, checkName: $check }) { nodes {
          checkRuns(first: 20, filterBy: { checkName: $check, checkType: ALL }) { nodes { status externalId } }
        } }
      } } } }
    }
  }
}`;

const pullSchema = z.object({
  number: z.number(),
  headRefOid: z.string(),
  comments: z.object({ nodes: z.array(saidSchema) }),
  reviews: z.object({ nodes: z.array(saidSchema) }).nullable(),
  commits: z.object({
    nodes: z.array(
      z.object({
        commit: z.object({
          oid: z.string(),
          checkSuites: z
            .object({
              nodes: z.array(
                z.object({
                  checkRuns: z
                    .object({
                      nodes: z.array(z.object({ status: z.string(), externalId: z.string().nullable() })),
                    })
                    .nullable(),
                }),
              ),
            })
            .nullable(),
        }),
      }),
    ),
  }),
});
const pageSchema = z.object({
  repository: z
    .object({
      pullRequests: z.object({
        pageInfo: z.object({ hasNextPage: z.boolean(), endCursor: z.string().nullable() }),
        nodes: z.array(pullSchema),
      }),
    })
    .nullable(),
});
type ListedPull = z.infer<typeof pullSchema>;

export interface SweepServices extends Services {
  readonly installations: Installations;
  readonly metrics: Metrics;
}

export interface Sweeper {
  /** Looks once through all repositories. What cannot be read is logged, and the rest is looked at. */
  sweep(): Promise<void>;
  /** Sweeps again and again, `ms` after the end of the one before, until `signal`. */
  run(ms: number, signal: AbortSignal): Promise<void>;
}

export function createSweeper(services: SweepServices): Sweeper {
  let found = 0;
  const tries = new Map<string, { readonly what: string; readonly count: number }>();

  /** Whether what is left to do about a pull request may be tried once more. */
  function mayTry(subject: string, what: string): boolean {
    const known = tries.get(subject);
    const count = known?.what === what ? known.count : 0;
    if (count >= MOST_TRIES) return false;
    tries.delete(subject);
    tries.set(subject, { what, count: count + 1 });
    const [oldest] = tries.keys();
    if (tries.size > MOST_REMEMBERED && oldest !== undefined) tries.delete(oldest);
    return true;
  }

  async function sweepRepository(installation: number, repository: RepositoryName, stop: () => boolean) {
    const { owner, name: repo } = repository;
    for await (const { number, head, asked } of unfinished(services, installation, repository)) {
      if (stop()) return;
      if (!mayTry(`${owner}/${repo}#${number}`, `${head} ${asked}`)) continue;
      services.metrics.swept();
      found += 1;
      await services.queue.add({ kind: "pull", installation, owner, repo, number, head, reason: "sweep" });
    }
  }

  async function sweep(stop: () => boolean = () => false): Promise<void> {
    const { installations, log } = services;
    found = 0;
    try {
      for await (const installation of installations.list()) {
        try {
          for await (const repository of installations.repositories(installation)) {
            if (stop()) return;
            await sweepRepository(installation, repository, stop);
          }
        } catch (error) {
          log.warn({ installation, err: error }, "an installation cannot be looked at");
        }
      }
    } catch (error) {
      log.warn({ err: error }, "the installations cannot be listed");
    }
    log.info({ found }, "looked for what is unfinished");
  }

  return {
    sweep,
    async run(ms, signal) {
      while (!signal.aborted) {
        await sweep(() => signal.aborted);
        await new Promise<void>((resolve) => {
          const timer = setTimeout(done, ms);
          function done(): void {
            clearTimeout(timer);
            signal.removeEventListener("abort", done);
            resolve();
          }
          if (signal.aborted) done();
          else signal.addEventListener("abort", done);
        });
      }
    },
  };
}

interface Unfinished {
  readonly number: number;
  readonly head: string;
  /** The last that has no answer; null: the head has no finished check run. */
  readonly asked: string | null;
}

async function* unfinished(
  { api, identity }: Services,
  installation: number,
  { owner, name }: RepositoryName,
): AsyncGenerator<Unfinished> {
  const client: GitHubApi = api(installation);
  let after: string | null = null;
  for (let seen = 0; seen < MOST_PULLS; seen += PAGE_SIZE) {
    const variables: Readonly<Record<string, unknown>> = {
      owner,
      name,
      after,
      app: identity.id,
      check: CHECK_NAME,
    };
    const page = pageSchema.parse(await client.graphql(PULLS, variables)).repository?.pullRequests;
    for (const pull of page?.nodes ?? []) {
      const { number, headRefOid: head, comments, reviews } = pull;
      const said = saidIn([...comments.nodes, ...(reviews?.nodes ?? [])]);
      const asked = unanswered({ said }, identity.slug).at(-1)?.said.nodeId ?? null;
      if (asked !== null || !isFinished(pull)) yield { number, head, asked };
    }
    if (!page?.pageInfo.hasNextPage) return;
    after = page.pageInfo.endCursor;
  }
}

/** Whether the newest of our check runs on the head is finished. One that waits for us, or hangs, is not. */
function isFinished({ number, headRefOid, commits }: ListedPull): boolean {
  const [last] = commits.nodes;
  if (last?.commit.oid !== headRefOid) return false;
  const runs = (last.commit.checkSuites?.nodes ?? []).flatMap(({ checkRuns }) => checkRuns?.nodes ?? []);
  const own = runs.flatMap(({ status, externalId }) => {
    const mark = parseMark(externalId ?? "");
    return mark?.pull === number ? [{ completed: status === "COMPLETED", mark }] : [];
  });
  const newest = own.sort((a, b) => b.mark.run - a.mark.run)[0];
  return newest?.completed === true && newest.mark.result !== null;
}
