import { afterAll, beforeAll, expect, test } from "vitest";
import { type CommitPair, nonMergeCommits } from "../../src/change/history.ts";
import { openRepository, type Repository } from "../../src/change/repository.ts";
import { makeRepository, type TestRepository } from "../support/repository.ts";

let made: TestRepository;
let repository: Repository;

beforeAll(async () => {
  made = makeRepository({ a: "1" });
  made.git("tag", "root");
  made.git("checkout", "--quiet", "-b", "side");
  made.commit({ side: "1" });
  made.git("tag", "right");
  made.git("checkout", "--quiet", "main");
  made.commit({ a: "2" });
  made.git("tag", "left");
  made.git("merge", "--quiet", "--no-edit", "side");
  made.commit({ a: "3" });
  repository = await openRepository(made.directory);
});
afterAll(() => {
  repository.close();
  made.remove();
});

async function pairs(range?: string): Promise<CommitPair[]> {
  const found: CommitPair[] = [];
  for await (const pair of nonMergeCommits(repository, range)) found.push(pair);
  return found;
}

const id = (revision: string): string => made.git("rev-parse", revision);

test("all commits but merges, oldest first, each with its parent", async () => {
  const found = await pairs();
  expect(found[0]).toEqual({ base: repository.emptyTree, head: id("root") });
  expect(found.slice(1, 3)).toEqual(
    expect.arrayContaining([
      { base: id("root"), head: id("left") },
      { base: id("root"), head: id("right") },
    ]),
  );
  expect(found.slice(3)).toEqual([{ base: id("HEAD^"), head: id("HEAD") }]);
});

test("of a range, what its head has and its base has not", async () => {
  expect(await pairs("left..HEAD^")).toEqual([{ base: id("root"), head: id("right") }]);
  expect(await pairs("left...right")).toEqual([{ base: id("root"), head: id("right") }]);
  expect(await pairs("HEAD..HEAD")).toEqual([]);
});

test("an unknown revision is refused", async () => {
  await expect(pairs("nowhere..HEAD")).rejects.toMatchObject({ fault: "usage" });
  await expect(pairs("--all")).rejects.toMatchObject({ fault: "usage" });
});

test("a caller may stop early", async () => {
  for await (const pair of nonMergeCommits(repository)) {
    expect(pair.head).toBe(id("root"));
    break;
  }
});
