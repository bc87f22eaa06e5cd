/** How rules on pins speak of them: names, places, commands and related lines. */
import type { Side } from "../change/change.ts";
import type { Source, Span } from "../nix/model.ts";
import type { Location } from "../origin/location.ts";
import { fileAt } from "./_index.ts";
import type { Facts, Place } from "./rule.ts";

/** A value for a message: on one line, cut to a length that people read. */
export function shown(value: string, limit = 160): string {
  const line = value.replace(/\s+/g, " ");
  return line.length > limit ? `${line.slice(0, limit - 1)}…` : line;
}

/** What a message calls a pin: `src of frob`. */
export function pinName(source: Source): string {
  const name = source.role === "dependencies" ? source.hashAttribute : source.binding || source.hashAttribute;
  return source.pname === null ? name : `${name} of ${source.pname}`;
}

/** Where a pin comes from, in short: its first URL, with the revision if that is not in it. */
export function placeName(source: Pick<Source, "urls" | "rev">): string {
  const [url] = source.urls;
  if (url)
    return shown(
      source.rev && !url.value.includes(source.rev.value) ? `${url.value} at ${source.rev.value}` : url.value,
    );
  return source.rev ? shown(source.rev.value) : "a place that the text does not say";
}

/** What a message calls the owner of a location. */
export function ownerName(location: Location): string {
  return location.owner?.id ?? location.host;
}

export function baseAt(span: Span): Place {
  return { side: "base", span };
}

export function headAt(span: Span): Place {
  return { side: "head", span };
}

/** A URL that can be pasted into a shell: every shell reads it as it stands. */
const PLAIN_URL = /^[a-z]+:\/\/[\w./:,@%+~?=&-]+$/;

/** A command that fetches the pin again and prints its hash; `verifod verify` where no single command does. */
export function checkCommand(source: Source): string {
  const url = source.urls[0]?.value ?? "";
  if (!PLAIN_URL.test(url)) return "verifod verify";
  switch (source.fetcher) {
    case "fetchurl":
      return `nix-prefetch-url '${url}'`;
    case "fetchzip":
    case "fetchFromGitHub":
    case "fetchFromGitLab":
    case "fetchFromGitea":
    case "fetchFromForgejo":
    case "fetchFromCodeberg":
    case "fetchFromBitbucket":
    case "fetchFromSourcehut":
      return source.shape.length === 0 && url.includes("archive")
        ? `nix-prefetch-url --unpack '${url}'`
        : "verifod verify";
    default:
      return "verifod verify";
  }
}

/** The text at a span; null when the file did not change or has no text. */
export function textAt(facts: Facts, { side, span }: Place): string | null {
  return fileAt(facts, side, span.path)?.[side]?.slice(span.start, span.end) ?? null;
}

/** The value of `attribute = "value"` in the package around a pin, and where it stands; null when there is none. */
export function packageString(
  facts: Facts,
  side: Side,
  source: Source,
  attribute: string,
): { value: string; at: Place } | null {
  const span = source.packageSpan;
  const text = span && textAt(facts, { side, span });
  if (!text) return null;
  // A text, or a bare URL as old recipes have them.
  const match = new RegExp(`\\b${attribute}\\s*=\\s*("[^"\\n]*"|[a-z]+://[^\\s;"]+)`).exec(text);
  const literal = match?.[1];
  if (!match || literal === undefined) return null;
  const end = span.start + match.index + match[0].length;
  const at: Place = { side, span: { path: span.path, start: end - literal.length, end } };
  return { value: literal.replace(/^"|"$/g, ""), at };
}
