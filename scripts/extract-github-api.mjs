// Cuts what the fake GitHub of the tests answers out of GitHub's own descriptions of its APIs. Run it only to add an
// operation or a field; the descriptions are 400 MB, so they are installed outside of the project:
//
//   (cd "$(mktemp -d)" && npm init -y && npm install --ignore-scripts @octokit/openapi@23 @octokit/graphql-schema@15 && pwd)
//   node scripts/extract-github-api.mjs THAT_FOLDER && npm run format
import { readFile, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { buildSchema, Kind, parse, print, visit } from "graphql";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const packages = `${process.argv[2]}/node_modules/@octokit`;
const repo = "/repos/{owner}/{repo}";

const OPERATIONS = [
  `GET ${repo}`,
  `GET ${repo}/compare/{basehead}`,
  `GET ${repo}/git/blobs/{file_sha}`,
  `GET ${repo}/pulls`,
  `GET ${repo}/pulls/{pull_number}`,
  `GET ${repo}/pulls/{pull_number}/files`,
  `GET ${repo}/pulls/{pull_number}/comments`,
  `POST ${repo}/pulls/{pull_number}/comments`,
  `GET ${repo}/pulls/{pull_number}/reviews`,
  `POST ${repo}/pulls/{pull_number}/reviews`,
  `POST ${repo}/check-runs`,
  `GET ${repo}/check-suites/{check_suite_id}/check-runs`,
  `GET ${repo}/check-runs/{check_run_id}`,
  `PATCH ${repo}/check-runs/{check_run_id}`,
  `GET ${repo}/check-runs/{check_run_id}/annotations`,
  `GET ${repo}/commits/{ref}/check-runs`,
  `GET ${repo}/issues/{issue_number}/comments`,
  `POST ${repo}/issues/{issue_number}/comments`,
  `PATCH ${repo}/issues/comments/{comment_id}`,
  `POST ${repo}/issues/comments/{comment_id}/reactions`,
  `POST ${repo}/pulls/comments/{comment_id}/reactions`,
  `GET ${repo}/collaborators/{username}/permission`,
  "GET /orgs/{org}/teams/{team_slug}/memberships/{username}",
  "GET /app",
  "GET /app/installations",
  "POST /app/installations/{installation_id}/access_tokens",
  "GET /installation/repositories",
];

const GRAPHQL = {
  Query: "viewer repository repositoryOwner rateLimit",
  RateLimit: "limit cost remaining resetAt used",
  Mutation: "updatePullRequestReviewComment minimizeComment unminimizeComment addReaction",
  Actor: "login",
  RepositoryOwner: "login",
  Organization: "login createdAt",
  User: "login databaseId createdAt",
  Bot: "login databaseId",
  App: "slug databaseId",
  Repository:
    "nameWithOwner databaseId object pullRequest pullRequests createdAt pushedAt isArchived isPrivate stargazerCount homepageUrl description parent owner defaultBranchRef ref refs release",
  Ref: "name target compare",
  RefConnection: "nodes pageInfo totalCount",
  RefOrder: "*",
  RefOrderField: "*",
  OrderDirection: "*",
  Comparison: "status aheadBy behindBy",
  ComparisonStatus: "*",
  Tag: "oid tagger target",
  GitActor: "date",
  Release: "tagName publishedAt isPrerelease immutable author releaseAssets",
  ReleaseAssetConnection: "nodes pageInfo totalCount",
  ReleaseAsset: "name digest createdAt updatedAt uploadedBy",
  GitObject: "oid",
  Commit: "oid file checkSuites committedDate associatedPullRequests",
  Tree: "oid entries",
  Blob: "oid byteSize isBinary isTruncated text",
  TreeEntry: "name mode oid path type object",
  PullRequest:
    "number state title baseRepository isDraft headRefOid baseRefOid baseRefName changedFiles updatedAt commits author comments reviews reviewThreads",
  PullRequestConnection: "nodes pageInfo totalCount",
  PullRequestCommitConnection: "nodes",
  PullRequestCommit: "commit",
  IssueOrder: "*",
  IssueOrderField: "*",
  PullRequestState: "*",
  PageInfo: "hasNextPage endCursor hasPreviousPage startCursor",
  PullRequestReviewThreadConnection: "nodes pageInfo totalCount",
  PullRequestReviewThread: "id isResolved path comments",
  PullRequestReviewCommentConnection: "nodes totalCount",
  PullRequestReviewComment: "id databaseId body author viewerDidAuthor isMinimized minimizedReason",
  IssueCommentConnection: "nodes pageInfo totalCount",
  IssueComment: "id databaseId url body author viewerDidAuthor createdAt lastEditedAt reactionGroups",
  PullRequestReview:
    "id databaseId url body author viewerDidAuthor createdAt lastEditedAt reactionGroups commit",
  PullRequestReviewConnection: "nodes totalCount",
  ReactionGroup: "content viewerHasReacted",
  ReactionContent: "*",
  AddReactionInput: "*",
  AddReactionPayload: "clientMutationId",
  CheckSuiteConnection: "nodes totalCount",
  CheckSuiteFilter: "*",
  CheckSuite: "app checkRuns",
  CheckRunConnection: "nodes totalCount",
  CheckRunFilter: "*",
  CheckRunType: "*",
  CheckRun: "databaseId name externalId status conclusion title startedAt annotations",
  CheckAnnotationConnection: "totalCount",
  CheckStatusState: "*",
  CheckConclusionState: "*",
  Minimizable: "isMinimized minimizedReason",
  MinimizeCommentInput: "*",
  MinimizeCommentPayload: "minimizedComment",
  UnminimizeCommentInput: "*",
  UnminimizeCommentPayload: "unminimizedComment",
  UpdatePullRequestReviewCommentInput: "*",
  UpdatePullRequestReviewCommentPayload: "pullRequestReviewComment",
  ReportedContentClassifiers: "*",
};

async function extractOpenapi() {
  const whole = JSON.parse(await readFile(`${packages}/openapi/generated/api.github.com.json`, "utf8"));
  const paths = {};
  for (const operation of OPERATIONS) {
    const [method, path] = operation.split(" ");
    const found = whole.paths[path]?.[method.toLowerCase()];
    if (!found) throw new Error(`GitHub describes no ${operation}`);
    paths[path] ??= {};
    paths[path][method.toLowerCase()] = {
      parameters: (found.parameters ?? []).map((parameter) => resolve(whole, parameter)).map(slim),
      ...(found.requestBody && { request: slim(bodySchema(found.requestBody)) }),
      responses: Object.fromEntries(
        Object.entries(found.responses)
          .filter(([status]) => status.startsWith("2"))
          .map(([status, response]) => [status, slim(bodySchema(resolve(whole, response))) ?? null]),
      ),
    };
  }
  const schemas = {};
  const wanted = [paths];
  for (let next = wanted.pop(); next !== undefined; next = wanted.pop()) {
    for (const [, name] of JSON.stringify(next).matchAll(/"#\/components\/schemas\/([^"]+)"/g)) {
      if (name in schemas) continue;
      schemas[name] = slim(whole.components.schemas[name]);
      wanted.push(schemas[name]);
    }
  }
  return { version: whole.info.version, paths, components: { schemas } };
}

function resolve(whole, value) {
  if (!value.$ref) return value;
  return value.$ref
    .slice(2)
    .split("/")
    .reduce((at, key) => at[key], whole);
}

function bodySchema(body) {
  return body.content?.["application/json"]?.schema;
}

/** Without what is for people only. */
function slim(value) {
  if (Array.isArray(value)) return value.map(slim);
  if (value === null || typeof value !== "object") return value;
  const forPeople = (key, inner) =>
    key.startsWith("x-") ||
    ((key === "description" || key === "title") && typeof inner === "string") ||
    ["example", "examples", "externalDocs", "deprecated"].includes(key);
  const slimmed = Object.fromEntries(
    Object.entries(value).flatMap(([key, inner]) => {
      // Under "properties" the keys are names, not keywords.
      if (key === "properties") {
        return [
          [key, Object.fromEntries(Object.entries(inner).map(([name, schema]) => [name, slim(schema)]))],
        ];
      }
      return forPeople(key, inner) ? [] : [[key, slim(inner)]];
    }),
  );
  // For a JSON Schema validator null is none of the values of an enum, and nullable needs a type.
  if (slimmed.nullable === true && slimmed.enum) slimmed.enum = [...new Set([...slimmed.enum, null])];
  if (slimmed.nullable !== true || slimmed.type !== undefined) return slimmed;
  const { nullable, ...rest } = slimmed;
  return { anyOf: [rest, { type: "null" }] };
}

// Fields that are younger than the package. https://docs.github.com/en/graphql/reference/releases
const YOUNGER = `
extend type Release { immutable: Boolean! }
extend type ReleaseAsset { digest: String }
`;

async function extractGraphql() {
  const document = parse(await readFile(`${packages}/graphql-schema/schema.graphql`, "utf8"));
  for (const { name, fields } of parse(YOUNGER).definitions) {
    document.definitions.find((each) => each.name?.value === name.value).fields.push(...fields);
  }
  const kept = (type, field) => GRAPHQL[type] === "*" || GRAPHQL[type].split(" ").includes(field);
  const builtin = new Set(["String", "Int", "Boolean", "ID", "Float"]);
  const scalars = new Set();
  const definitions = document.definitions.filter(({ name }) => name && name.value in GRAPHQL);
  const missing = Object.keys(GRAPHQL).filter((type) => !definitions.some(({ name }) => name.value === type));
  if (missing.length > 0) throw new Error(`GitHub describes no ${missing.join(", ")}`);
  const known = (type) => {
    let inner = type;
    while (inner.kind !== Kind.NAMED_TYPE) inner = inner.type;
    const name = inner.name.value;
    if (name in GRAPHQL || builtin.has(name)) return true;
    const scalar = document.definitions.some(
      (each) => each.kind === Kind.SCALAR_TYPE_DEFINITION && each.name.value === name,
    );
    if (scalar) scalars.add(name);
    return scalar;
  };
  const pruned = definitions.map((definition) => {
    const type = definition.name.value;
    return {
      ...definition,
      description: undefined,
      directives: [],
      // An interface whose fields are not all kept is left out too.
      interfaces: (definition.interfaces ?? []).filter(({ name }) =>
        GRAPHQL[name.value]?.split(" ").every((field) => kept(type, field)),
      ),
      fields: definition.fields
        ?.filter(({ name }) => kept(type, name.value))
        .filter(({ type: of }) => known(of))
        .map((field) => ({ ...field, arguments: field.arguments?.filter(({ type: of }) => known(of)) })),
    };
  });
  const bare = visit(
    { kind: Kind.DOCUMENT, definitions: pruned },
    {
      enter: (node) =>
        "description" in node || "directives" in node
          ? { ...node, description: undefined, directives: [] }
          : undefined,
    },
  );
  const text = `${[...scalars]
    .sort()
    .map((name) => `scalar ${name}`)
    .join("\n")}\n\n${print(bare)}\n`;
  buildSchema(text);
  return text;
}

await writeFile(
  `${root}/test/fake-github/openapi-subset.json`,
  `${JSON.stringify(await extractOpenapi())}\n`,
);
await writeFile(`${root}/test/fake-github/schema.graphql`, await extractGraphql());
