import { afterAll, beforeAll, expect, test } from "vitest";
import { openGitChange } from "../../src/change/git.ts";
import { openRepository, type Repository } from "../../src/change/repository.ts";
import { makeRepository, type TestRepository } from "../support/repository.ts";

let made: TestRepository;
let repository: Repository;

beforeAll(async () => {
  made = makeRepository(
    { "a.nix": "1\n", "b/c.nix": "2\n" },
    { "a.nix": "3\n", "b/c.nix": null, "d.nix": "4\n" },
  );
  repository = await openRepository(made.directory);
});
afterAll(() => {
  repository.close();
  made.remove();
});

test("without a range, a change is that of the last commit", async () => {
  const change = await openGitChange(repository);
  expect(change.files.map((file) => [file.status, file.base?.path, file.head?.path])).toEqual([
    ["modified", "a.nix", "a.nix"],
    ["removed", "b/c.nix", undefined],
    ["added", undefined, "d.nix"],
  ]);
  expect(change.unchecked).toEqual([]);
});
