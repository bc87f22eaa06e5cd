/** What the fake GitHub's REST operations have in common. */
import { type Identity, Refusal, type World } from "./state.ts";

export interface Call {
  readonly world: World;
  readonly identity: Identity;
  readonly parameters: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  readonly body: Readonly<Record<string, unknown>>;
}
export interface Answer {
  readonly status: number;
  readonly data: unknown;
}
export type Handler = (call: Call) => Answer;

export const repo = "/repos/{owner}/{repo}";
export const ok = (data: unknown): Answer => ({ status: 200, data });

/** The message is GitHub's; its documentation states no limit. */
const longestBody = 65_536;

export function page<T>(items: readonly T[], query: URLSearchParams): T[] {
  const size = Math.min(Number(query.get("per_page") ?? 30), 100);
  const start = (Number(query.get("page") ?? 1) - 1) * size;
  return items.slice(start, start + size);
}

export function checkedBody(body: unknown): string {
  const text = String(body ?? "");
  if (text.length > longestBody)
    throw new Refusal(422, `Body is too long (maximum is ${longestBody} characters)`);
  return text;
}

export function userData({ login, id, app }: Identity): object {
  return { login, id, type: app === null ? "User" : "Bot" };
}
