/**
 * A repository that only git can tell about, by `git ls-remote`: its branches and tags, but not what they lead to, nor when
 * and by whom they were made. https://git-scm.com/docs/git-ls-remote
 */
import { complaint } from "../change/git-process.ts";
import { messageOf } from "../errors.ts";
import { openRemoteGit } from "../verify/remote-git.ts";
import type { AllowedHosts } from "../verify/urls.ts";
import { makeWork, removeTree } from "../verify/work.ts";
import { type Answer, type CommitFacts, known, type Reach, type RefFacts, unknown } from "./answers.ts";
import type { Budget } from "./budget.ts";
import {
  type Forge,
  gone,
  type RepositoryAnswers,
  type RepositoryQuestion,
  readRef,
  releaseKey,
  unanswered,
} from "./forge.ts";

export interface PlainGitOptions {
  readonly budget: Budget;
  readonly allowedHosts: AllowedHosts;
  /** The address at which to ask for the repository of a clone URL; by default that URL. */
  readonly addressOf?: (url: string) => string;
}

const LIMITS = { seconds: 30, bytes: 16_000_000 };
/** One for what the server can do, one for the refs: https://git-scm.com/docs/protocol-v2 */
const REQUESTS = 2;

export function plainGitForge(options: PlainGitOptions): Forge {
  return async (questions) => {
    const answers: RepositoryAnswers[] = [];
    for (const question of questions) {
      const listed = await listRefs(options.addressOf?.(question.url) ?? question.url, options);
      answers.push(listed.known ? answersOf(question, listed.value) : unanswered(question, listed));
    }
    return answers;
  };
}

/** The object that each ref names; under an annotated tag's name with `^{}` at the end, its commit. */
type Refs = ReadonlyMap<string, string>;

async function listRefs(
  url: string,
  { budget, allowedHosts }: PlainGitOptions,
): Promise<Answer<Refs | null>> {
  for (let request = 0; request < REQUESTS; request++) {
    const refused = budget.take();
    if (refused !== null) return unknown(refused);
  }
  const work = await makeWork();
  try {
    const remote = await openRemoteGit({ url, work, allowedHosts, ...LIMITS, signal: budget.signal });
    try {
      const result = await remote.run("ls-remote", "--heads", "--tags", "--", url);
      if (budget.signal.aborted) return unknown("git had no answer in time");
      if (result.status === 0) {
        // Of a list that is cut, nothing is certain.
        if (result.isCut) return unknown("it has more branches and tags than are read");
        const refs = parse(result.stdout);
        // Git reads a web page (one that asks whether you are human, say) as a list without entries.
        return refs.size > 0 ? known(refs) : unknown("the server names no branch and no tag");
      }
      const failure = remote.failure(result);
      if (failure !== null) return unknown(`git could not ask: ${failure}`);
      return isNotFound(result.stderr) ? known(null) : unknown(reasonOf(result.stderr));
    } finally {
      await remote.close();
    }
  } catch (error) {
    return unknown(`git could not ask: ${messageOf(error).slice(0, 200)}`);
  } finally {
    await removeTree(work);
  }
}

function isNotFound(stderr: string): boolean {
  return /^fatal: repository '.*' not found$/m.test(stderr);
}

function reasonOf(stderr: string): string {
  // Many servers ask for a password where nothing is, so as not to reveal what exists.
  return /could not read (Username|Password)/.test(stderr)
    ? "the server asks for a password"
    : `git could not ask: ${complaint(stderr).slice(0, 200)}`;
}

function parse(stdout: string): Refs {
  return new Map(
    stdout.split("\n").flatMap((line): [string, string][] => {
      const [, id, ref] = /^([0-9a-f]{40}|[0-9a-f]{64})\t(refs\/.+)$/.exec(line) ?? [];
      return id !== undefined && ref !== undefined ? [[ref, id]] : [];
    }),
  );
}

function answersOf(question: RepositoryQuestion, refs: Refs | null): RepositoryAnswers {
  if (refs === null) {
    if (question.isPresumed) return unanswered(question, unknown(`no repository at ${question.url}`));
    return gone(question);
  }
  return {
    repository: known({
      kind: "there",
      fullName: question.name,
      created: null,
      archived: null,
      stars: null,
      forkOf: unknown("git does not tell"),
      owner: null,
      homepage: null,
      description: null,
    }),
    refs: new Map(question.refs.map((ref) => [ref, known(refFacts(ref, refs))])),
    commits: new Map(question.commits.map(({ id, reach }) => [id, commitFacts(id, reach, refs)])),
    // There are no releases but on forges.
    releases: new Map(question.releases.map((each) => [releaseKey(each), known(null)])),
  };
}

function refFacts(ref: string, refs: Refs): Omit<RefFacts, "moved"> {
  const { name, isTag, isBranch } = readRef(ref);
  const object = refs.get(`refs/tags/${name}`);
  const peeled = refs.get(`refs/tags/${name}^{}`);
  const tag =
    object === undefined || !isTag
      ? null
      : { commit: peeled ?? object, annotated: peeled !== undefined, date: null };
  const branch = isBranch ? (refs.get(`refs/heads/${name}`) ?? null) : null;
  return { tag, branch };
}

function commitFacts(id: string, asksReach: boolean, refs: Refs): Answer<CommitFacts> {
  const tip = [...refs].find(([, object]) => object === id)?.[0];
  const reach: Reach =
    tip !== undefined
      ? { kind: "reachable", through: labelOf(tip) }
      : {
          kind: "undecided",
          reason: asksReach ? "git tells only the tips of branches and tags" : "not asked",
        };
  return known({ date: null, reach, pulls: null });
}

function labelOf(ref: string): string {
  const plain = ref.replace(/\^\{\}$/, "");
  return plain.startsWith("refs/tags/") ? `tag ${plain.slice(10)}` : plain.slice("refs/heads/".length);
}
