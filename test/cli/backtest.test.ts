import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Review } from "../../src/report/review.ts";
import { verifod } from "../support/cli.ts";
import { makeRepository, type TestRepository } from "../support/repository.ts";

let repository: TestRepository;
let ids: string[];
beforeAll(() => {
  const bomb = `{ x = ${"a.".repeat(50_000)}b\n`;
  repository = makeRepository(
    { "a.nix": "{ }\n" },
    { "a.nix": "{ a = 1; }\n" },
    { "a.nix": '{ a = "\u202e"; }\n' },
    { "a.nix": bomb },
  );
  ids = repository.git("rev-list", "--reverse", "HEAD").split("\n");
});
afterAll(() => repository.remove());

const backtest = (args: string[], input = "") =>
  verifod(["backtest", ...args], { cwd: repository.directory, input });
const reviews = (stdout: string): Review[] =>
  stdout
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));

describe("verifod backtest", () => {
  it("reviews each commit of a history, the oldest first, and counts", async () => {
    const { status, stdout, stderr } = await backtest([]);
    expect(reviews(stdout).map(({ head }) => head)).toEqual(ids);
    expect(status).toBe(1);
    expect(stderr).toMatch(/^4 reviews in .*, 1 not fully checked$/m);
    expect(stderr).toMatch(/^hidden-unicode +1 +25\.00 /m);
    expect(stderr).toMatch(/^not checked:\n +1 {2}parsing took longer/m);
  });

  it("reviews the pairs on stdin", async () => {
    const { status, stdout } = await backtest(["--stdin"], `${ids[0]} ${ids[1]}\n\n${ids[0]}\t${ids[2]}\n`);
    expect(reviews(stdout).map(({ base, head }) => [base, head])).toEqual([
      [ids[0], ids[1]],
      [ids[0], ids[2]],
    ]);
    expect(status).toBe(1);
  });

  it("goes on after a pair that the repository lacks, and is then incomplete", async () => {
    const lacking = "1".repeat(40);
    const { status, stdout, stderr } = await backtest(
      ["--stdin"],
      `${lacking} ${ids[1]}\n${ids[0]} ${ids[1]}\n`,
    );
    expect(reviews(stdout).map(({ complete }) => complete)).toEqual([false, true]);
    expect(status).toBe(3);
    expect(stderr).toContain(`the repository lacks the commit ${lacking}`);
  });

  it.each([
    [["nope"], "", "the repository knows no revision nope"],
    [["--stdin"], "one\n", "line 1 of stdin is not BASE HEAD"],
    [["--stdin", "HEAD"], "", "name a range or use --stdin, not both"],
  ])("%j ends with 2", async (args, input, message) => {
    const run = await backtest(args, input);
    expect(run).toMatchObject({ status: 2, stdout: "" });
    expect(run.stderr).toContain(message);
  });
});
