/** Entries of /etc/hosts that give a host of downloads another address. */
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

/** What a setting of NixOS redirects. */
export function redirectedBy(setting: Setting): readonly Redirected[] {
  const path = setting.attributes.join(".");
  const { value } = setting;
  if (setting.attributes.at(-2) === "hosts" && setting.attributes.at(-3) === "networking")
    return redirected(lastName(setting), itemsOf(setting));
  const isText = /networking\.extraHosts$|environment\.etc\.hosts\.text$/.test(path);
  return isText && value.kind === "string" ? inText(value.value) : [];
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
