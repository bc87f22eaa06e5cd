/** State that our comments keep in a mark at their top. It counts only in comments that we made. */
import type * as z from "zod";

/** The mark. `value` is plain data. */
export function encodeState(kind: "alert" | "answers", value: unknown): string {
  const state = Buffer.from(JSON.stringify(value)).toString("base64url");
  return `<!-- verifod:${kind}:v1 ${state} -->`;
}

/** The state in a comment; null for one of another kind, and for what we cannot have written. */
export function parseState<T>(kind: "alert" | "answers", schema: z.ZodType<T>, body: string): T | null {
  const before = `<!-- verifod:${kind}:v1 `;
  const end = body.indexOf(" -->");
  if (!body.startsWith(before) || end < 0) return null;
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(body.slice(before.length, end), "base64url").toString("utf8"));
  } catch {
    return null;
  }
  return schema.safeParse(value).data ?? null;
}
