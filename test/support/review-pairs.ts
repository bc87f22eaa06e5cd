/** Reviews of pairs of trees, as the command line makes them: through a real git repository. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { openGitPair } from "../../src/change/git.ts";
import { openRepository } from "../../src/change/repository.ts";
import { DEFAULT_CONFIG } from "../../src/config.ts";
import type { Review } from "../../src/report/review.ts";
import { review } from "../../src/review.ts";
import { createTools } from "../../src/tools.ts";
import { commitPairs, type TreePair } from "./trees.ts";
import { upstreamSaying } from "./upstream.ts";

/** The reviews of the pairs, in their order. Nothing is left behind. */
export async function reviewPairs(pairs: readonly TreePair[]): Promise<Review[]> {
  const directory = mkdtempSync(`${tmpdir()}/verifod-pairs-`);
  try {
    const commits = commitPairs(directory, pairs);
    const repository = await openRepository(directory);
    try {
      const tools = await createTools();
      const reviews: Review[] = [];
      for (const [index, { base, head }] of commits.entries()) {
        const saying = pairs[index]?.upstream;
        const upstream = saying === undefined ? null : upstreamSaying(saying);
        const change = await openGitPair(repository, base, head);
        reviews.push(await review(change, tools, { config: DEFAULT_CONFIG, upstream }));
      }
      return reviews;
    } finally {
      repository.close();
    }
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
