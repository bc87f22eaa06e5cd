/** Markdown as a parser sees it, for tests of what we write. */
import type { Token } from "marked";

/** All tokens, those inside of others too. */
export function allTokens(tokens: readonly Token[]): Token[] {
  return tokens.flatMap((token) => {
    const items = "items" in token && Array.isArray(token.items) ? (token.items as Token[]) : [];
    return [
      token,
      ...allTokens(token.type === "codespan" ? [] : ("tokens" in token && token.tokens) || []),
      ...allTokens(items),
    ];
  });
}

/** The text outside of code and links: where GitHub finds mentions and references. */
export function liveText(tokens: readonly Token[]): string {
  return tokens
    .filter((token) => token.type === "text" && !("tokens" in token && token.tokens))
    .map((token) => ("text" in token ? String(token.text) : ""))
    .join("\n");
}
