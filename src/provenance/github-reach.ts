/**
 * Whether a branch or tag of a repository leads to a commit. GitHub keeps a repository and all its forks in one pool of
 * objects, and serves a fork's commit under the name of any of them: only refs tell whose it is.
 * https://docs.github.com/en/repositories/working-with-files/using-files/viewing-and-understanding-files (banner "does not
 * belong to any branch on this repository")
 */
import * as z from "zod";
import { type Answer, known, type Reach, unknown } from "./answers.ts";
import { type GitHubQuestions, type QueryAnswer, RATE_LIMIT } from "./github-api.ts";

/** Pages of comparisons; each costs GitHub up to a hundred walks of history. */
const MOST_PAGES = 4;
const REFS_PER_PAGE = 50;

type Comparison = { readonly status: "AHEAD" | "BEHIND" | "DIVERGED" | "IDENTICAL" } | null;

/** Whether a branch leads to a commit: seen from the branch, it is behind it, or its tip. Null: no common history. */
function leadsTo(comparison: Comparison): boolean {
  return comparison?.status === "BEHIND" || comparison?.status === "IDENTICAL";
}

/**
 * Asks from the fastest question to the slowest: what the comparison with the default branch says (`compared`), the tips of
 * tags and branches, and then each of these in pages, newest tags first. Undecided when there are more refs than the pages
 * hold; unknown only when GitHub could not be asked.
 */
export async function findReach(
  github: GitHubQuestions,
  repository: { readonly fullName: string; readonly branch: string },
  id: string,
  compared: Answer<Comparison>,
): Promise<Answer<Reach>> {
  if (compared.known && leadsTo(compared.value))
    return known({ kind: "reachable", through: repository.branch });
  const [owner = "", name = ""] = repository.fullName.split("/");
  const tips = await refsOf(github, { owner, name }, TIPS, {});
  if (!tips.known) return tips;
  const tip = named(tips.value).find(({ ref }) => commitOf(ref) === id);
  if (tip) return known({ kind: "reachable", through: tip.label });
  const { heads, tags } = tips.value;
  const total = heads.totalCount + tags.totalCount;
  // The only branch was compared already.
  if (compared.known && heads.totalCount === 1 && tags.totalCount === 0)
    return known({ kind: "unreachable", refs: total });

  let after: Cursors | null = {};
  for (let page = 1; after !== null; page++) {
    if (page > MOST_PAGES) {
      const reason = `of its ${total} branches and tags only some were looked at`;
      return known({ kind: "undecided", reason });
    }
    const refs: Answer<Refs> = await refsOf(github, { owner, name, id }, COMPARED, after);
    if (!refs.known) return refs;
    const through = named(refs.value).find(({ ref }) => leadsTo(ref.compare ?? null));
    if (through) return known({ kind: "reachable", through: through.label });
    after = next(refs.value, after);
  }
  return known({ kind: "unreachable", refs: total });
}

/** Where the next page of each list begins; absent: at its start, null: there is none. */
interface Cursors {
  readonly heads?: string | null;
  readonly tags?: string | null;
}

function next(refs: Refs, asked: Cursors): Cursors | null {
  const cursor = (list: "heads" | "tags") => {
    const { hasNextPage, endCursor } = refs[list].pageInfo;
    return asked[list] !== null && hasNextPage ? endCursor : null;
  };
  const cursors = { heads: cursor("heads"), tags: cursor("tags") };
  return cursors.heads === null && cursors.tags === null ? null : cursors;
}

function query(size: number, fields: string, variables: string): string {
  const page = "totalCount pageInfo { hasNextPage endCursor }";
  return `query ($owner: String!, $name: String!, $heads: String, $tags: String, $withHeads: Boolean!, $withTags: Boolean!${variables}) {
  ${RATE_LIMIT}
  repository(owner: $owner, name: $name) {
    heads: refs(refPrefix: "refs/heads/", first: ${size}, after: $heads) { ${page} nodes @include(if: $withHeads) { ${fields} } }
    tags: refs(refPrefix: "refs/tags/", first: ${size}, after: $tags, orderBy: { field: TAG_COMMIT_DATE, direction: DESC }) { ${page} nodes @include(if: $withTags) { ${fields} } }
  }
}`;
}
const TIPS = query(100, "name target { oid ... on Tag { target { oid } } }", "");
const COMPARED = query(REFS_PER_PAGE, "name compare(headRef: $id) { status }", ", $id: String!");

const refSchema = z.object({
  name: z.string(),
  target: z.object({ oid: z.string(), target: z.object({ oid: z.string() }).optional() }).nullish(),
  compare: z.object({ status: z.enum(["AHEAD", "BEHIND", "DIVERGED", "IDENTICAL"]) }).nullish(),
});
const refsSchema = z.object({
  totalCount: z.int(),
  pageInfo: z.object({ hasNextPage: z.boolean(), endCursor: z.string().nullable() }),
  nodes: z.array(refSchema.nullable()).optional(),
});
const answerSchema = z.object({ repository: z.object({ heads: refsSchema, tags: refsSchema }) });
type Refs = z.infer<typeof answerSchema>["repository"];

async function refsOf(
  github: GitHubQuestions,
  variables: Readonly<Record<string, string>>,
  text: string,
  { heads, tags }: Cursors,
): Promise<Answer<Refs>> {
  const answer: Answer<QueryAnswer> = await github.query(text, {
    ...variables,
    heads: heads ?? null,
    tags: tags ?? null,
    // A list that was read to its end is not asked for again.
    withHeads: heads !== null,
    withTags: tags !== null,
  });
  if (!answer.known) return answer;
  const error = answer.value.errors.find(({ type }) => type !== "NOT_FOUND");
  if (error) return unknown(`GitHub could not say: ${error.message.slice(0, 200)}`);
  const parsed = answerSchema.safeParse(answer.value.data);
  return parsed.success
    ? known(parsed.data.repository)
    : unknown("GitHub answered in a form that is not known");
}

type Ref = z.infer<typeof refSchema>;

function named({ heads, tags }: Refs): { readonly ref: Ref; readonly label: string }[] {
  const labelled = (refs: Refs["heads"], prefix: string) =>
    (refs.nodes ?? []).flatMap((ref) => (ref ? [{ ref, label: `${prefix}${ref.name}` }] : []));
  return [...labelled(heads, ""), ...labelled(tags, "tag ")];
}

function commitOf({ target }: Ref): string | null {
  return target?.target?.oid ?? target?.oid ?? null;
}
