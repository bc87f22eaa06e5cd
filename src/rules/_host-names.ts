/** Entries of /etc/hosts and of name servers that give a host of downloads another address, and who is asked for all names. */
import type { Command, Script, Setting } from "../nix/model.ts";
import { writtenFiles } from "./_commands.ts";
import type { Sighting } from "./_scripts.ts";
import { itemsOf, lastName } from "./_settings.ts";

/** Hosts that programs, or their updates, come from. */
const DOWNLOADS =
  /^(?:(?:(?:cache|releases|channels|tarballs|hydra|www)\.)?nixos\.org|(?:[\w-]+\.)?cachix\.org|(?:(?:api|codeload|gist|www)\.)?github\.com|[\w-]+\.githubusercontent\.com|ghcr\.io|gitlab\.com|codeberg\.org|git\.sr\.ht|bitbucket\.org|pypi\.org|files\.pythonhosted\.org|registry\.npmjs\.org|registry\.yarnpkg\.com|(?:(?:static|index)\.)?crates\.io|(?:proxy|sum)\.golang\.org|rubygems\.org|repo1?\.maven\.(?:apache\.)?org|(?:registry-1|auth|download)\.docker\.(?:io|com)|(?:cdn|git)\.kernel\.org|ftp(?:mirror)?\.gnu\.org|hackage\.haskell\.org|(?:downloads\.)?sourceforge\.net|dl\.google\.com|deb\.debian\.org|archive\.ubuntu\.com)$/i;

/** To such an address nothing is sent elsewhere: it is how hosts are blocked. */
const NOWHERE = /^(?:127\.\d{1,3}\.\d{1,3}\.\d{1,3}|::1|0\.0\.0\.0|::|0)$/;

const ADDRESS = /^[\d.]{7,15}$|^[\da-f.]*:[\da-f:.]*$|\$/i;

export interface Redirected {
  readonly host: string;
  readonly address: string;
}

function redirected(address: string, names: readonly string[]): readonly Redirected[] {
  if (!ADDRESS.test(address) || NOWHERE.test(address)) return [];
  return names.flatMap((name) => (DOWNLOADS.test(name) ? [{ host: name, address }] : []));
}

/** What the lines of a text in the form of /etc/hosts redirect. */
function inText(text: string): readonly Redirected[] {
  return text.split("\n").flatMap((line) => {
    const [address = "", ...names] = (line.split("#", 1)[0] ?? "").trim().split(/\s+/);
    return redirected(address, names);
  });
}

/** `address=/host/1.2.3.4` and `server=/host/1.2.3.4` of dnsmasq; `#` is no address. */
const OF_DNSMASQ = /^\/(\S{1,500})\/([^/\s]{1,60})$/;
/** `host-record=name,name,address` of dnsmasq. */
const RECORD = /^[\w.*-]{1,100}(?:,[\w.*:-]{1,100}){1,20}$/;
/** `name. 300 IN A 1.2.3.4` of unbound and of zone files. */
const ZONE_LINE =
  /^([\w.-]{1,253}?)\.?[ \t]{1,20}(?:\d{1,9}[ \t]{1,20})?(?:IN[ \t]{1,20})?(?:A|AAAA)[ \t]{1,20}(\S{1,60})$/i;

/** An address without its port, name or interface: `1.2.3.4#53`, `1.2.3.4@853#dns.acme.dev`, `fe80::1%eth0`. */
const plainAddress = (text: string) => text.split(/[#@%]/, 1)[0] ?? "";

/** What an item of a name server's settings redirects: `name` is the setting's. */
function inRecord(name: string, given: string): readonly Redirected[] {
  const item = given.replace(/["']/g, "").trim();
  if (name === "address" || name === "server") {
    const [, names = "", address = ""] = OF_DNSMASQ.exec(item) ?? [];
    return redirected(plainAddress(address), names.split("/"));
  }
  if (name === "host-record" && RECORD.test(item)) {
    const parts = item.split(",");
    const address = parts.find((each) => ADDRESS.test(each)) ?? "";
    return redirected(address, parts);
  }
  const [, host = "", address = ""] = ZONE_LINE.exec(item) ?? [];
  return redirected(address, [host]);
}

/** The lines of a name server's configuration: `name=item`, `name: "item"`, or in the form of /etc/hosts. */
function inConfiguration(text: string): readonly Redirected[] {
  const lines = text.split("\n").flatMap((line) => {
    const [, name = "", item = ""] = /^\s{0,40}([\w-]{1,40})[ \t]*[=:][ \t]*(\S.*)$/.exec(line) ?? [];
    return inRecord(name, name === "" ? line : item);
  });
  return [...lines, ...inText(text)];
}

/** Programs that answer who a name is. */
const NAME_SERVER =
  /\b(?:dnsmasq|unbound|coredns|bind|named|knot|kresd|nsd|powerdns|dnscrypt|blocky|resolved)/i;
const CONFIGURATION = /^(?:extraConfig|config|text|data|cloaking_rules)$/;

function inNameServer(setting: Setting): readonly Redirected[] {
  const { value } = setting;
  if (!setting.attributes.some((name) => NAME_SERVER.test(name))) return [];
  const name = lastName(setting);
  if (CONFIGURATION.test(name)) return value.kind === "string" ? inConfiguration(value.value) : [];
  const items = value.kind === "string" ? [value.value] : itemsOf(setting);
  return items.flatMap((item) => inRecord(name, item));
}

/** What a setting of NixOS redirects. */
export function redirectedBy(setting: Setting): readonly Redirected[] {
  const path = setting.attributes.join(".");
  const { value } = setting;
  if (setting.attributes.at(-2) === "hosts" && setting.attributes.at(-3) === "networking")
    return redirected(lastName(setting), itemsOf(setting));
  // A file that is made in place: `[ (writeText "hosts" "…") ]`.
  if (/networking\.hostFiles$/.test(path))
    return itemsOf(setting).flatMap((item) => inText(item.replace(/["']|\\n/g, "\n")));
  const isText = /networking\.extraHosts$|environment\.etc\.hosts\.text$/.test(path);
  return isText && value.kind === "string" ? inText(value.value) : inNameServer(setting);
}

const NAMES_ASKED =
  /(?:^|\.)(?:networking\.nameservers|services\.resolved\.(?:fallbackDns|settings\.Resolve\.(?:Fallback)?DNS)|services\.dnsmasq\.(?:settings\.server|servers)|services\.unbound\.settings\.forward-zone\.forward-addr)$/;
const PROXY = /(?:^|\.)networking\.proxy\.(?:default|(?:http|https|all|rsync|ftp)Proxy)$/;
/** Of the machine, of the network that it is in, and those that everybody knows. */
const NO_STRANGER =
  /^(?:127\.|10\.|192\.168\.|172\.(?:1[6-9]|2\d|3[01])\.|169\.254\.|168\.63\.129\.16$|0\.|::|f[cde]|localhost|1\.[01]\.[01]\.[123]$|8\.8\.[48]\.[48]$|9\.9\.9\.\d{1,2}$|149\.112\.112\.\d{1,3}$|208\.67\.22[02]\.22[02]$|94\.140\.1[45]\.\d{1,2}$|2606:4700:4700:|2001:4860:4860:|2620:(?:fe|119):|2a10:50c0:)/i;

/** Whom a setting has machines ask for all names, or go through for all of the web; none of those that are no strangers. */
export function asksBy(
  setting: Setting,
): readonly { readonly what: "names" | "web"; readonly address: string }[] {
  const path = setting.attributes.join(".");
  const isProxy = PROXY.test(path);
  if (!isProxy && !NAMES_ASKED.test(path)) return [];
  const { value } = setting;
  const texts = value.kind === "string" ? [value.value] : itemsOf(setting);
  const items = isProxy ? texts : texts.flatMap((text) => text.trim().split(/\s+/));
  return items.flatMap((item) => {
    const host = isProxy
      ? (/^(?:\w{1,10}:\/\/)?(?:[^/@\s]{0,200}@)?(\[[\da-f:.]{2,45}\]|[\w.-]{1,253})/i.exec(item)?.[1] ?? "")
      : plainAddress(item);
    const address = host.replace(/^\[|\](?::\d{1,5})?$/g, "");
    const isKnown = isProxy ? /[.:]/.test(address) : ADDRESS.test(address) && !address.includes("$");
    return isKnown && !NO_STRANGER.test(address) ? [{ what: isProxy ? "web" : "names", address }] : [];
  });
}

export interface SeenRedirect extends Redirected, Sighting {
  readonly command: Command;
}

const HOSTS_FILE = /(?:^|\/)etc\/hosts$/;

/** What a script writes into /etc/hosts. */
export function redirectedIn(script: Script): readonly SeenRedirect[] {
  if (["test", "patch"].includes(script.context)) return [];
  return script.commands.flatMap((command) => {
    const writes =
      writtenFiles(command).some((file) => HOSTS_FILE.test(file)) ||
      (command.name === "tee" && command.words.some((word) => HOSTS_FILE.test(word)));
    if (!writes) return [];
    const given = [command, ...command.reads.map((index) => script.commands[index])];
    const text = given.map((each) => `${each?.words.join(" ") ?? ""}\n${each?.input ?? ""}`).join("\n");
    return inText(text.replaceAll("\\n", "\n")).map((each) => ({
      ...each,
      command,
      key: `${each.host} ${each.address}`,
      span: command.span,
    }));
  });
}
