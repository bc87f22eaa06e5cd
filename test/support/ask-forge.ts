/** Questions to one forge about one repository, as a review asks them. */
import { createBudget } from "../../src/provenance/budget.ts";
import type { Forge, RepositoryAnswers, RepositoryQuestion } from "../../src/provenance/forge.ts";

export type Asked = Partial<RepositoryQuestion>;

export function questionOf(asked: Asked): RepositoryQuestion {
  const { software = "git", host = "git.example.org", owner = "acme", name = "frob" } = asked;
  const url = `https://${host}/${owner}/${name}.git`;
  return { software, host, owner, name, url, refs: [], commits: [], releases: [], ...asked };
}

/** The answers to one question, and how many requests they took out of the budget. */
export async function askForge(
  open: (budget: ReturnType<typeof createBudget>) => Forge,
  asked: Asked,
  { requests = 20, seconds = 20 }: { readonly requests?: number; readonly seconds?: number } = {},
): Promise<RepositoryAnswers & { readonly requests: number }> {
  const budget = createBudget(requests, seconds);
  const [answers] = await open(budget)([questionOf(asked)]);
  if (!answers) throw new Error("no answer to the question");
  return { ...answers, requests: budget.used() };
}
