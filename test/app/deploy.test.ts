/** The manifest, the package and the container file. */
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { HANDLED } from "../../src/app/events.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const read = (path: string) => readFileSync(join(root, path), "utf8");
const manifest = parse(read("app.yml")) as {
  readonly default_permissions: Readonly<Record<string, "read" | "write">>;
  readonly default_events: readonly string[];
};

/** What GitHub asks for each request. https://docs.github.com/en/rest/authentication/permissions-required-for-github-apps */
const ROUTES: Readonly<Record<string, readonly string[]>> = {
  // As the App itself: any may.
  "GET /app": [],
  "GET /app/installations": [],
  "GET /installation/repositories": ["metadata: read"],
  "GET /repos/{owner}/{repo}": ["metadata: read"],
  "GET /repos/{owner}/{repo}/compare/{basehead}": ["contents: read"],
  "GET /repos/{owner}/{repo}/git/blobs/{file_sha}": ["contents: read"],
  "GET /repos/{owner}/{repo}/pulls/{pull_number}/files": ["pull_requests: read"],
  "POST /repos/{owner}/{repo}/check-runs": ["checks: write"],
  "PATCH /repos/{owner}/{repo}/check-runs/{check_run_id}": ["checks: write"],
  "GET /repos/{owner}/{repo}/check-runs/{check_run_id}": ["checks: read"],
  "GET /repos/{owner}/{repo}/check-suites/{check_suite_id}/check-runs": ["checks: read"],
  "POST /repos/{owner}/{repo}/pulls/{pull_number}/reviews": ["pull_requests: write"],
  "POST /repos/{owner}/{repo}/pulls/{pull_number}/comments": ["pull_requests: write"],
  "POST /repos/{owner}/{repo}/issues/{issue_number}/comments": ["pull_requests: write"],
  "PATCH /repos/{owner}/{repo}/issues/comments/{comment_id}": ["pull_requests: write"],
  "GET /repos/{owner}/{repo}/collaborators/{username}/permission": ["metadata: read"],
  "GET /orgs/{org}/teams/{team_slug}/memberships/{username}": ["members: read"],
};

/** Which permission lets an App subscribe to an event. https://docs.github.com/en/webhooks/webhook-events-and-payloads */
const EVENTS: Readonly<Record<string, string>> = {
  pull_request: "pull_requests: read",
  pull_request_review: "pull_requests: read",
  issue_comment: "issues: read",
  check_run: "checks: read",
  check_suite: "checks: read",
  merge_group: "merge_queues: read",
};

/** The routes in the texts of the rooms that the App is made of. */
function routesIn(...rooms: readonly string[]): readonly string[] {
  const files = rooms.flatMap((room) => readdirSync(join(root, room)).map((file) => join(room, file)));
  const texts = files.filter((file) => file.endsWith(".ts")).map(read);
  const found = texts.flatMap((text) => [...text.matchAll(/["`]((?:GET|POST|PATCH|PUT|DELETE) \/[^"`$]*)/g)]);
  return [...new Set(found.map(([, route]) => (route ?? "").trim()))];
}

test("the manifest has what each event and request asks for, and nothing else", () => {
  const events = [...new Set(HANDLED.map((event) => event.split(".")[0] ?? ""))].sort();
  expect([...manifest.default_events].sort()).toEqual(events);
  const base = "POST /repos/{owner}/{repo}/pulls/{pull_number}";
  const routes = routesIn("src/app", "src/github", "src/change").flatMap((route) =>
    route === base ? [`${base}/reviews`, `${base}/comments`] : [route],
  );
  const unknown = routes.filter((route) => !(route in ROUTES));
  expect(unknown).toEqual([]);
  expect(routes.length).toBeGreaterThan(10);
  const asked = [
    ...routes.flatMap((route) => ROUTES[route] ?? []),
    ...events.map((event) => EVENTS[event] ?? "?"),
  ];
  const needed: Record<string, string> = {};
  for (const each of asked) {
    const [name = "", level = ""] = each.split(": ");
    if (needed[name] !== "write") needed[name] = level;
  }
  expect(manifest.default_permissions).toEqual(needed);
});

test("the page on the App explains each permission and event of the manifest, and each variable", () => {
  const page = read("docs/app.md");
  for (const [name, level] of Object.entries(manifest.default_permissions)) {
    expect(page).toContain(`\`${name}: ${level}\``);
  }
  for (const event of manifest.default_events) expect(page).toContain(`\`${event}\``);
  const variables = [...read("src/app/settings.ts").matchAll(/^ {2}([A-Z_]+):/gm)].map(
    ([, name]) => name ?? "",
  );
  expect(variables.length).toBeGreaterThan(8);
  for (const name of variables) expect(page).toContain(`\`${name}\``);
});

test("the package holds the App's programs and manifest", () => {
  const text = execFileSync("npm", ["pack", "--dry-run", "--json", "--ignore-scripts"], {
    cwd: root,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
  });
  const [packed] = JSON.parse(text) as { files: { path: string }[] }[];
  const paths = (packed?.files ?? []).map(({ path }) => path);
  expect(paths).toEqual(
    expect.arrayContaining(["app.yml", "dist/cli.mjs", "dist/review-thread.mjs", "docs/app.md"]),
  );
});

test("the container file builds from the lock, runs as nobody, and starts what the package holds", () => {
  const lines = read("Containerfile")
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"));
  const instructions = lines.map((line) => line.split(" ")[0]);
  const known = [
    "FROM",
    "WORKDIR",
    "COPY",
    "RUN",
    "USER",
    "ENV",
    "EXPOSE",
    "STOPSIGNAL",
    "HEALTHCHECK",
    "ENTRYPOINT",
  ];
  expect(instructions.filter((each) => !known.includes(each ?? ""))).toEqual([]);
  expect(instructions[0]).toBe("FROM");
  const last = instructions.lastIndexOf("FROM");
  expect(lines.slice(last)).toEqual(expect.arrayContaining(["USER node", "COPY --from=build /app /app"]));
  expect(JSON.parse(lines.at(-1)?.replace("ENTRYPOINT ", "") ?? "")).toEqual([
    "node",
    "node_modules/verifod/dist/cli.mjs",
    "serve",
  ]);
});
