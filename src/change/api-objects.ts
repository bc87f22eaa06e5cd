/** Files of commits from GitHub: many with one question, each content checked against its id. */
import { createHash } from "node:crypto";
import * as z from "zod";
import { VerifodError } from "../errors.ts";
import { addTo } from "../lists.ts";
import { byteCache } from "./cache.ts";
import { type Content, type Entry, SUBMODULE } from "./change.ts";
import { type GitHubApi, type RepositoryName, statusOf } from "./github-api.ts";
import { contentOf, kindOfMode } from "./objects.ts";
import { entryOf } from "./tree.ts";

/** As for a local repository: larger files are not read. */
const LARGEST_BLOB = 20_000_000;
const KEPT_BYTES = 128_000_000;
/** More than GitHub gives as text with the entry; what reads a change keeps its larger texts itself. */
const LARGEST_KEPT = 1_000_000;
/** Files that GraphQL does not give as text cost a request each, of 1,000 an hour that a workflow's token has. */
const MOST_BLOB_REQUESTS = 300;
/** Paths asked for with one query. GitHub gives at most 512 kB of text for each. */
const BATCH_SIZE = 40;

const blobSchema = z.object({ byteSize: z.number().optional(), text: z.string().nullish() });
const entrySchema = z.object({ mode: z.number(), oid: z.string(), object: blobSchema.nullish() });
const folderSchema = z.object({
  repository: z
    .object({
      object: z
        .object({
          entries: z.array(z.object({ name: z.string(), mode: z.number(), oid: z.string() })).nullish(),
        })
        .nullable(),
    })
    .nullable(),
});
const blobAnswer = z.object({ content: z.string(), encoding: z.literal("base64") });

export interface ApiObjects {
  /** The entry of a commit at a path, or null. What is asked for at the same time is asked with one query. */
  entry(commit: string, path: string): Promise<Entry | null>;
  /** The files directly in a folder of a commit. */
  list(commit: string, directory: string): Promise<readonly Entry[]>;
  /** The content of an entry; what cannot be read is an answer. */
  read(entry: Entry): Promise<Content>;
  /** The bytes of an entry that `entry` gave; null when GitHub did not say. */
  size(entry: Entry): number | null;
}

/** Reads objects of a repository. @throws VerifodError (outside) from `entry` and `list` when GitHub does not answer */
export function apiObjects(api: GitHubApi, repository: RepositoryName): ApiObjects {
  const contents = byteCache<Content>(KEPT_BYTES);
  const sizes = new Map<string, number>();
  const reading = new Map<string, Promise<Content>>();
  const entries = new Map<string, Promise<Entry | null>>();
  const folders = new Map<string, Promise<readonly Entry[]>>();
  let waiting: Question[] = [];
  let blobRequests = 0;

  /** Asks for all that waits, in as few queries as the batches allow. */
  function flush(): void {
    const questions = waiting;
    waiting = [];
    const byCommit = new Map<string, Question[]>();
    for (const question of questions) addTo(byCommit, question.commit, question);
    void askAll([...byCommit]);
  }

  async function askAll(groups: readonly (readonly [string, readonly Question[]])[]): Promise<void> {
    // The same paths of two commits are one query: a change asks for both sides.
    const longest = Math.max(...groups.map(([, questions]) => questions.length));
    for (let start = 0; start < longest; start += BATCH_SIZE) {
      const batch = groups.map(([commit, questions]) => ({
        commit,
        questions: questions.slice(start, start + BATCH_SIZE),
      }));
      try {
        await ask(batch.filter(({ questions }) => questions.length > 0));
      } catch (error) {
        for (const { questions } of batch) for (const { reject } of questions) reject(unreadable(error));
      }
    }
  }

  async function ask(
    batch: readonly { readonly commit: string; readonly questions: readonly Question[] }[],
  ): Promise<void> {
    const variables: Record<string, string> = { ...repository };
    const parts = batch.map(({ commit, questions }, side) => {
      variables[`c${side}`] = commit;
      const files = questions.map(({ path }, index) => {
        variables[`p${side}x${index}`] = path;
        return `f${index}: file(path: $p${side}x${index}) { mode oid object { ... on Blob { byteSize text } } }`;
      });
      return `c${side}: object(oid: $c${side}) { ... on Commit { ${files.join(" ")} } }`;
    });
    const declared = Object.keys(variables).map(
      (name) => `$${name}: ${/^c\d/.test(name) ? "GitObjectID" : "String"}!`,
    );
    const query = `query (${declared.join(", ")}) { repository(owner: $owner, name: $name) { ${parts.join(" ")} } }`;
    const { repository: answer } = answerSchema.parse(await api.graphql(query, variables));
    for (const [side, { commit, questions }] of batch.entries()) {
      const found = answer?.[`c${side}`];
      if (!found)
        throw new VerifodError(
          "outside",
          `GitHub does not know the commit ${commit} in ${repository.owner}/${repository.name}`,
        );
      for (const [index, { path, resolve }] of questions.entries())
        resolve(answered(path, found[`f${index}`]));
    }
  }

  /** The entry in an answer, whose size and text are kept with it; null when there is none. */
  function answered(path: string, value: unknown): Entry | null {
    if (value === null || value === undefined) return null;
    const { mode, oid, object } = entrySchema.parse(value);
    const entry = entryAt(path, { mode, oid });
    if (entry === null) return null;
    if (typeof object?.byteSize === "number") sizes.set(oid, object.byteSize);
    // A text that GitHub cut or decoded otherwise than we would has another id: it is then read as a blob.
    if (typeof object?.text === "string") keep(oid, Buffer.from(object.text, "utf8"));
    return entry;
  }

  /** The content of bytes whose id is `oid`; null when it is not. */
  function keep(oid: string, data: Buffer): Content | null {
    if (blobId(data, oid.length) !== oid) return null;
    const content = contentOf(data);
    // Large ones are kept by whoever asked.
    if (data.length <= LARGEST_KEPT) contents.set(oid, content, data.length * 2);
    return content;
  }

  async function readBlob(oid: string): Promise<Content> {
    const size = sizes.get(oid) ?? 0;
    if (size > LARGEST_BLOB) {
      return unavailable(
        `its ${Math.round(size / 1e6)} MB are more than the ${LARGEST_BLOB / 1e6} MB that are read`,
      );
    }
    if (blobRequests >= MOST_BLOB_REQUESTS) {
      return unavailable(
        `more than ${MOST_BLOB_REQUESTS} large or binary files: the rest is not read through GitHub's API`,
      );
    }
    blobRequests += 1;
    try {
      const { data } = await api.request("GET /repos/{owner}/{repo}/git/blobs/{file_sha}", {
        owner: repository.owner,
        repo: repository.name,
        file_sha: oid,
      });
      const bytes = Buffer.from(blobAnswer.parse(data).content, "base64");
      return keep(oid, bytes) ?? unavailable("what GitHub gave has another id");
    } catch (error) {
      return unavailable(unreadable(error).message);
    }
  }

  return {
    entry(commit, path) {
      const key = `${commit}:${path}`;
      const known = entries.get(key);
      if (known !== undefined) return known;
      const asked = isPlainPath(path)
        ? new Promise<Entry | null>((resolve, reject) => {
            if (waiting.length === 0) setImmediate(flush);
            waiting.push({ commit, path, resolve, reject });
          })
        : Promise.resolve(null);
      entries.set(key, asked);
      return asked;
    },
    list(commit, directory) {
      const key = `${commit}:${directory}`;
      const known = folders.get(key);
      if (known !== undefined) return known;
      const asked =
        isPlainPath(directory) || directory === "" ? listFolder(api, repository, key) : Promise.resolve([]);
      folders.set(key, asked);
      return asked;
    },
    async read({ kind, oid }) {
      if (kind === "submodule") return SUBMODULE;
      const known = contents.get(oid);
      if (known !== undefined) return known;
      const running = reading.get(oid) ?? readBlob(oid);
      reading.set(oid, running);
      return running.finally(() => reading.delete(oid));
    },
    size: ({ oid }) => sizes.get(oid) ?? null,
  };
}

const answerSchema = z.object({
  repository: z.record(z.string(), z.record(z.string(), z.unknown()).nullable()).nullable(),
});

interface Question {
  readonly commit: string;
  readonly path: string;
  readonly resolve: (entry: Entry | null) => void;
  readonly reject: (error: Error) => void;
}

async function listFolder(
  api: GitHubApi,
  repository: RepositoryName,
  expression: string,
): Promise<readonly Entry[]> {
  const query = `query ($owner: String!, $name: String!, $expression: String!) { repository(owner: $owner, name: $name) {
    object(expression: $expression) { ... on Tree { entries { name mode oid } } } } }`;
  let answer: unknown;
  try {
    answer = await api.graphql(query, { ...repository, expression });
  } catch (error) {
    throw unreadable(error);
  }
  const directory = expression.slice(expression.indexOf(":") + 1);
  const items = folderSchema.parse(answer).repository?.object?.entries ?? [];
  return items.flatMap(
    (item) => entryAt(directory === "" ? item.name : `${directory}/${item.name}`, item) ?? [],
  );
}

/** Without empty, `.` and `..` parts, which mean something to whatever resolves a path. */
function isPlainPath(path: string): boolean {
  return (
    !path.includes("\0") && path.split("/").every((part) => part !== "" && part !== "." && part !== "..")
  );
}

/** The entry that GitHub describes; null for a folder. */
function entryAt(path: string, { mode, oid }: { readonly mode: number; readonly oid: string }): Entry | null {
  return entryOf(path, { kind: kindOfMode(mode.toString(8)), oid });
}

/** The id that git gives to a blob; SHA-256 repositories have ids of 64 digits. */
function blobId(data: Buffer, digits: number): string {
  const hash = createHash(digits === 64 ? "sha256" : "sha1");
  return hash.update(`blob ${data.length}\0`).update(data).digest("hex");
}

function unavailable(reason: string): Content {
  return { kind: "unavailable", reason };
}

function unreadable(error: unknown): VerifodError {
  if (error instanceof VerifodError) return error;
  const status = statusOf(error);
  const detail = status === null ? "" : ` (${status})`;
  return new VerifodError("outside", `GitHub did not give what was asked${detail}: run the review again`, {
    cause: error,
  });
}
