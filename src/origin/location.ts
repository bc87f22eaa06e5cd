/**
 * Where a pin's bytes come from, and who decides there what they are: the parts of a fetch location that rules compare.
 *
 * Locations are hostile input and are read as curl reads them (RFC 3986), not as browsers do: for
 * `https://github.com\@evil.example/` Node's `URL` says github.com, while curl asks evil.example.
 */
import type { Source, Text } from "../nix/model.ts";
import { forgePlace } from "./forges.ts";
import { domainOf, type LocationKind, type Owner, type Read, type WhatIsThere } from "./place.ts";
import { registryPlace } from "./registries.ts";

/** One location. Parts that the text does not decide hold `${…}`, as in `Text`. */
export interface Location extends WhatIsThere {
  readonly text: string;
  readonly resolved: boolean;
  /** Lower case, without the colon; "" when there is none. */
  readonly scheme: string;
  readonly userinfo: string | null;
  /** Lower case, without port and trailing dot. */
  readonly host: string;
  readonly port: string | null;
  /** From the first slash on, without query and fragment. */
  readonly path: string;
  readonly query: string;
}

// Of the web's schemes curl and browsers take one slash or three for two: https://curl.se/docs/url-syntax.html
const URL_PARTS = /^((?:https?|ftps?):\/{1,3}|[a-z][a-z0-9+.-]*:\/\/)([^/?#]*)([^?#]*)(\?[^#]*)?/i;

/** Placeholders covered by characters that no pattern below takes for a name or a slash; offsets stay. */
function masked(value: string): string {
  let depth = 0;
  let text = "";
  for (let index = 0; index < value.length; index++) {
    if (value.startsWith("${", index)) depth++;
    text += depth > 0 ? "\u0000" : value[index];
    if (depth > 0 && value[index] === "}") depth--;
  }
  return text;
}

/** The text of a location with `x` for what it does not decide. */
export function withoutPlaceholders(value: string): string {
  return masked(value).replace(/\u0000+/g, "x");
}

/** No server takes longer ones: https://www.rfc-editor.org/rfc/rfc9110#section-4.1 */
const LONGEST = 8_000;

/** Reads a location; null when it does not look like a URL. */
export function parseLocation({ value, resolved }: Text): Location | null {
  if (value.length > LONGEST) return null;
  const mask = masked(value);
  const parts = URL_PARTS.exec(mask);
  if (!parts) return null;
  const [, start = "", authority = "", path = ""] = parts;
  const scheme = start.slice(0, start.indexOf(":"));
  const pathStart = start.length + authority.length;
  const queryStart = pathStart + path.length;
  const at = authority.lastIndexOf("@");
  const hostAndPort = authority.slice(at + 1);
  const port = /:(\d*)$/.exec(hostAndPort)?.[1] ?? null;
  const host = (port === null ? hostAndPort : hostAndPort.slice(0, -port.length - 1)).toLowerCase();
  const read = {
    scheme: scheme.toLowerCase(),
    host: host.replace(/\.$/, "").replace(/^www\./, ""),
    path,
    query: parts[4] ?? "",
  };
  return {
    text: value,
    resolved,
    scheme: read.scheme,
    userinfo: at < 0 ? null : authority.slice(0, at),
    host: host.replace(/\.$/, ""),
    port,
    path: value.slice(pathStart, queryStart),
    query: value.slice(queryStart),
    ...whatIsThere(read),
  };
}

function whatIsThere(read: Read): WhatIsThere {
  return (
    forgePlace(read) ?? registryPlace(read) ?? { kind: kindOfPath(read), owner: hostOwner(read), ref: null }
  );
}

function kindOfPath({ path }: Read): LocationKind {
  return /\.git$/.test(path) ? "clone" : "file";
}

function hostOwner({ scheme, host }: Read): Owner | null {
  if (host.includes("\u0000") || host === "") return null;
  const domain = scheme === "mirror" ? `mirror://${host}` : domainOf(host);
  return { id: domain, repository: null, domain };
}

const locations = new WeakMap<Pick<Source, "urls">, readonly Location[]>();

/** The locations of a pin, in order; what does not look like a URL is left out. */
export function locationsOf(source: Pick<Source, "urls">): readonly Location[] {
  let known = locations.get(source);
  if (!known) {
    known = source.urls.flatMap((url) => parseLocation(url) ?? []);
    locations.set(source, known);
  }
  return known;
}
