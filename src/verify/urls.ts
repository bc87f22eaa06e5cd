/** Which places a fetch may go to: public hosts over HTTP, and what the caller allows by name. */
import { BlockList, isIP } from "node:net";

/** Hosts that are allowed whatever their address, each `host` or `host:port`. */
export type AllowedHosts = readonly string[];

// Special-purpose addresses: https://www.iana.org/assignments/iana-ipv4-special-registry and …/iana-ipv6-special-registry
const V4: readonly (readonly [string, number, string])[] = [
  ["0.0.0.0", 8, "an address of this machine"],
  ["10.0.0.0", 8, "a private address"],
  ["100.64.0.0", 10, "a private address"],
  ["127.0.0.0", 8, "a loopback address"],
  ["169.254.0.0", 16, "a link-local or metadata address"],
  ["172.16.0.0", 12, "a private address"],
  ["192.0.0.0", 24, "a special-purpose address"],
  ["192.0.2.0", 24, "a documentation address"],
  ["192.168.0.0", 16, "a private address"],
  ["198.18.0.0", 15, "a benchmark address"],
  ["198.51.100.0", 24, "a documentation address"],
  ["203.0.113.0", 24, "a documentation address"],
  ["224.0.0.0", 4, "a multicast address"],
  ["240.0.0.0", 4, "a reserved address"],
];
const V6: readonly (readonly [string, number, string])[] = [
  ["::", 128, "an address of this machine"],
  ["::1", 128, "a loopback address"],
  // These carry an IPv4 address inside, which may be a private one.
  ["::ffff:0:0", 96, "an IPv4-mapped address"],
  ["64:ff9b::", 96, "a NAT64 address"],
  ["64:ff9b:1::", 48, "a NAT64 address"],
  ["2002::", 16, "a 6to4 address"],
  ["2001::", 32, "a Teredo address"],
  ["100::", 64, "a discard address"],
  ["2001:db8::", 32, "a documentation address"],
  ["fc00::", 7, "a private address"],
  ["fe80::", 10, "a link-local address"],
  ["fec0::", 10, "a private address"],
  ["ff00::", 8, "a multicast address"],
];

const REFUSED = [
  ...V4.map((range) => [...range, "ipv4"] as const),
  ...V6.map((range) => [...range, "ipv6"] as const),
].map(([network, prefix, what, family]) => {
  const list = new BlockList();
  list.addSubnet(network, prefix, family);
  return { list, what, family };
});

/** Why an IP address may not be connected to; null when it is a public one. */
export function refuseAddress(address: string): string | null {
  const plain = address.split("%", 1)[0] ?? "";
  const family = isIP(plain) === 6 ? "ipv6" : "ipv4";
  if (isIP(plain) === 0) return "not an IP address";
  // BlockList looks an IPv4-mapped address up among the IPv4 ranges as well; ours is refused whatever it maps to.
  for (const { list, what, family: of } of REFUSED) {
    if (of === family && list.check(plain, family)) return what;
  }
  return null;
}

/** Whether the caller named this host. */
export function isAllowed(host: string, port: number, allowed: AllowedHosts): boolean {
  const name = host.toLowerCase();
  return allowed.some((entry) => entry.toLowerCase() === name || entry.toLowerCase() === `${name}:${port}`);
}

export type UrlCheck =
  | { readonly kind: "ok"; readonly host: string; readonly port: number; readonly secure: boolean }
  /** It names a place that is never connected to. */
  | { readonly kind: "refused"; readonly reason: string }
  /** Not HTTP, so it cannot be observed. */
  | { readonly kind: "foreign"; readonly reason: string };

/**
 * A first look at a URL, before anything is resolved; what is connected to in the end is checked again at the proxy.
 * Refuses spellings that programs read differently (`http://good.org\@127.0.0.1/`).
 */
export function checkUrl(url: string, allowed: AllowedHosts): UrlCheck {
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(url)?.[1]?.toLowerCase();
  if (scheme !== "http" && scheme !== "https") {
    return { kind: "foreign", reason: scheme ? `${scheme} URLs are not fetched` : "not a URL" };
  }
  if (/[\s\\\u0000-\u001f\u007f-\uffff]/.test(url)) {
    return { kind: "refused", reason: "a URL with characters that programs read differently" };
  }
  let parsed: URL;
  try {
    parsed = new URL(url);
  } catch {
    return { kind: "refused", reason: "not a valid URL" };
  }
  if (parsed.username !== "" || parsed.password !== "") {
    return { kind: "refused", reason: "a URL with a user name" };
  }
  // The parser normalises `http://0x7f.1/` and `http:///host`; other programs may read them differently.
  const written = /^[^:]*:\/\/([^/?#]*?)(?::\d*)?(?:[/?#]|$)/.exec(url)?.[1]?.toLowerCase();
  if (written !== parsed.hostname) {
    return { kind: "refused", reason: "a host in a spelling that programs read differently" };
  }
  const host = parsed.hostname.replace(/^\[|\]$/g, "");
  const secure = scheme === "https";
  const port = parsed.port === "" ? (secure ? 443 : 80) : Number(parsed.port);
  const reason = refuseHost(host, port, allowed);
  return reason ? { kind: "refused", reason } : { kind: "ok", host, port, secure };
}

/** Why a host is refused by its name or literal address; null when it has to be resolved to tell. */
export function refuseHost(host: string, port: number, allowed: AllowedHosts): string | null {
  if (isAllowed(host, port, allowed)) return null;
  if (isIP(host) !== 0) {
    const what = refuseAddress(host);
    return what && `${host} is ${what}`;
  }
  if (/(^|\.)(localhost|local|internal|home\.arpa)\.?$/i.test(host) || !host.includes(".")) {
    return `${host} is not a public host name`;
  }
  return null;
}
