/** The built action on pull requests that reach GitHub's limits. */
import { marked } from "marked";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type FakeGitHub, startFakeGitHub } from "../fake-github/server.ts";
import { reviewPull } from "../support/action.ts";
import { allTokens } from "../support/markdown.ts";
import { makeRepository, type TestRepository } from "../support/repository.ts";
import { sri } from "../verify/support/origin.ts";

let made: TestRepository;
let fake: FakeGitHub;

async function start(base: Readonly<Record<string, string>>): Promise<void> {
  made = makeRepository(base);
  made.git("checkout", "--quiet", "--detach");
  fake = await startFakeGitHub({ repository: made });
}
beforeEach(() => start({ "README.md": "A package set\n" }));
afterEach(async () => {
  expect(fake.faults).toEqual([]);
  await fake.close();
  made.remove();
});

const numbered = (count: number, file: (index: number) => [string, string]) =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => file(index)));

test("of 3,001 files GitHub lists 3,000: it says so and is not green", { timeout: 120_000 }, async () => {
  const files = numbered(3_001, (index) => [`notes/${index}`, `${index}\n`]);
  const pull = fake.openPull({ head: made.commit(files, "notes: add") });
  const run = await reviewPull(fake, pull);
  expect(run).toMatchObject({
    status: 0,
    stderr: "",
    outputs: { conclusion: "action_required", findings: "0" },
  });
  expect(fake.checkRuns).toMatchObject([
    {
      status: "completed",
      conclusion: "action_required",
      output: { title: expect.stringMatching(/^Could not check everything/) },
    },
  ]);
  for (const text of [fake.checkRuns[0]?.output.summary, run.summary]) {
    expect(text).toContain(
      "`files beyond the first 3000`: GitHub lists no more than 3000 files of a pull request",
    );
    expect(text).toContain("3001 differ");
  }
});

/** A package whose hash changes alone, in a place with a long name. */
const frob = (index: number, side: string): [string, string] => [
  `pkgs/by-name/fr/frob${index}/${"long-".repeat(20)}${index}.nix`,
  `{ fetchurl, stdenv }:\nstdenv.mkDerivation {\n  pname = "frob${index}";\n  version = "1.0";\n  src = fetchurl {\n    url = "https://example.org/frob${index}-1.0.tar.gz";\n    hash = "${sri(`${side} ${index}`)}";\n  };\n}\n`,
];

test("1,200 findings: all batches, all limits, and texts that end where a piece ends", {
  timeout: 120_000,
}, async () => {
  await fake.close();
  made.remove();
  const count = 1_200;
  await start(numbered(count, (index) => frob(index, "before")));
  const head = made.commit(
    numbered(count, (index) => frob(index, "after")),
    "frob: refresh",
  );
  const pull = fake.openPull({ head });
  const run = await reviewPull(fake, pull);
  expect(run).toMatchObject({
    status: 0,
    stderr: "",
    outputs: { conclusion: "failure", findings: `${count}` },
  });

  const [check] = fake.checkRuns;
  expect(check).toMatchObject({ status: "completed", conclusion: "failure", annotations: { length: 1_000 } });
  const batches = fake.requests
    .filter(({ operation }) => operation?.startsWith("PATCH"))
    .map(({ body }) => body as { status: string; output: { annotations: readonly object[] } });
  expect(batches.map(({ output }) => output.annotations.length)).toEqual(
    Array.from({ length: 20 }, () => 50),
  );
  expect(batches.map(({ status }) => status)).toEqual([
    ...Array.from({ length: 19 }, () => "in_progress"),
    "completed",
  ]);
  expect([fake.reviews.length, fake.reviewComments.length]).toEqual([1, 10]);

  const { summary, text } = check?.output ?? { summary: null, text: null };
  for (const markdown of [summary ?? "", text ?? ""]) {
    expect(Buffer.byteLength(markdown)).toBeLessThanOrEqual(65_535);
    expect(Buffer.byteLength(markdown)).toBeGreaterThan(60_000);
    expect(markdown).toMatch(
      /\d+ more (not shown: findings\.|source pins changed; they are in the report\.)\s*$/,
    );
    const tokens = allTokens(marked.lexer(markdown));
    expect(tokens.filter(({ type }) => ["html", "code", "def"].includes(type))).toEqual([]);
  }
  const table = marked.lexer(text ?? "").find(({ type }) => type === "table");
  const shown = table?.type === "table" ? table.rows.length : 0;
  const said = Number(/(\d+) more source pins changed/.exec(text ?? "")?.[1]);
  expect(shown + said).toBe(count);
});
