import type { Setting } from "../nix/model.ts";
import { directivesOf, newDirectives } from "./_directives.ts";
import { indexed } from "./_index.ts";
import { isExample, isTestPath, optionPath, settingFinding, settingName } from "./_settings.ts";
import { addedLines, addedText, argument, extension, headPath, inHead, visible } from "./_text.ts";
import type { Facts, FileFacts, Rule, RuleFinding } from "./rule.ts";

export const rule: Rule = {
  id: "trust-anchor-added",
  threat: "A33",
  description: "A new key, certificate, cache or account is trusted",
  severity: "block",
  *check(facts) {
    const old = new Set(
      facts.settings.flatMap(({ before }) =>
        before ? [before, ...directivesOf(before)].flatMap(anchorsOf).map(({ value }) => value) : [],
      ),
    );
    const found: RuleFinding[] = [];
    for (const change of newDirectives(facts)) {
      const { after } = change;
      if (isTestPath(after.path)) continue;
      const added = anchorsOf(after).filter(({ value }) => !old.has(value));
      const [first] = added;
      if (!first) continue;
      const example = isExample(after);
      found.push(
        settingFinding(change, {
          // Nix asks before it takes over what a flake's nixConfig says.
          severity: example ? "low" : after.attributes.includes("nixConfig") ? "high" : "block",
          confidence: first.sure ? "high" : "medium",
          title: `${first.what} is trusted: ${visible(first.value, 60)}`,
          message: [
            `${settingName(after)} newly holds ${added
              .map(({ value }) => visible(value, 60))
              .slice(0, 5)
              .join(", ")}.`,
            "Whoever has its other half can log in, or have their programs run, on every machine that takes this over.",
            "The confirmation of those whose key or cache it is (a link to where they publish it) would clear this.",
            `Compare it with the owner's own page, and see where it came from: git log -S'${safe(first.value)}' -- ${argument(after.path)}`,
          ].join(" "),
          identity: [settingName(after), ...added.map(({ value }) => value)],
        }),
      );
    }
    const told = new Set(found.map(({ at }) => at.span.path));
    yield* found;
    for (const file of facts.files) {
      if (told.has(headPath(file))) continue;
      yield* certificates(file);
      yield* keys(facts, file);
    }
  },
};

/** The start of a value, safe to paste into a shell. */
function safe(value: string): string {
  return value.replace(/[^\w.:/+=@-]/g, "").slice(0, 24);
}

interface Anchor {
  readonly what: string;
  readonly value: string;
  /** Known by the attribute's name, not only by the value's form. */
  readonly sure: boolean;
}

const SSH_KEY =
  /(?:^|[\s"'=,])(?:ssh-(?:ed25519|rsa|dss)|ecdsa-sha2-nistp\d{1,4}|sk-(?:ssh|ecdsa)[\w@.-]{0,60})\s{1,20}([A-Za-z0-9+/=]{20,4000})/;
const CACHE_KEY = /(?:^|[\s"'=])([\w.-]{1,100}-\d{1,9}:[A-Za-z0-9+/]{43}=)(?![\w+/=])/;
/** The cache that every Nix trusts already. */
const OWN_CACHE =
  /^(?:https:\/\/cache\.nixos\.org\/?|cache\.nixos\.org-1:6NCHdD59X431o0gWypbMrAURkbJ16ZPMQFGspcDShjY=)$/;
/** What the owner of the system chose. */
const CHOSEN = /^(?:cfg|config)\.[\w.'-]+$/;
/** Where NixOS looks for login keys anyway. */
const OWN_KEY_FILES = /^(?:%h\/)?\.ssh\/authorized_keys2?$|^\/etc\/ssh\/authorized_keys\.d\/%u$/;
const PASSWORDS = /^(initialHashedPassword|hashedPassword|initialPassword|password)$/;

function anchorsOf(setting: Setting): readonly Anchor[] {
  const name = optionPath(setting).at(-1) ?? "";
  const path = optionPath(setting).join(".");
  const { value } = setting;
  const texts = value.kind === "list" ? value.items : value.kind === "string" ? value.value.split("\n") : [];
  const all = (what: string) =>
    texts
      .filter((text) => text.trim() !== "" && !OWN_CACHE.test(text.trim()) && !CHOSEN.test(text))
      .map((text) => ({ what, value: text.trim().replace(/\s+/g, " "), sure: true }));
  if (/^(extra-)?trusted-public-keys$|^binaryCachePublicKeys$/.test(name)) return all("A cache's key");
  if (/^(extra-|trusted-)?substituters$|^(trustedB|b)inaryCaches$/.test(name)) return all("A cache");
  if (/^(extra-)?trusted-users$|^trustedUsers$/.test(name))
    return all("A user of the Nix daemon").filter((each) => each.value !== "root");
  if (/^require-sigs$|^requireSignedBinaryCaches$/.test(name) && value.kind === "bool" && !value.value)
    return [{ what: "Every cache, signed or not,", value: `${name} = false`, sure: true }];
  if (name === "accept-flake-config" && value.kind === "bool" && value.value)
    return [{ what: "What any flake's nixConfig says", value: `${name} = true`, sure: true }];
  if (/^(?:TrustedUserCAKeys|AuthorizedPrincipals(?:File|Command))$/i.test(name))
    return all("A file or program that says who logs in");
  if (/^authorizedKeysFiles?$/i.test(name))
    return all("A file of login keys").filter((each) => !OWN_KEY_FILES.test(each.value));
  if (/^authorizedKeysCommand$/i.test(name) && value.kind === "string" && value.value !== "")
    return [{ what: "A program that says whose keys log in", value: value.value, sure: true }];
  if (/^keyFiles$/.test(name) && /authorizedKeys/.test(path)) return all("A file of login keys");
  if (/^authorizedKeys$|authorizedKeys\.keys$/.test(path) || (name === "keys" && /authorizedKeys/.test(path)))
    return all("A login key");
  if (/security\.pki\.(certificates|certificateFiles)$|^extraCertificate(?:Files|Strings)$/.test(path))
    return all("A certificate authority");
  if (
    ((PASSWORDS.test(name) && /\busers\.(users|extraUsers)\b/.test(path)) || name === "emergencyAccess") &&
    value.kind === "string" &&
    !/^[!*]/.test(value.value)
  ) {
    const whose =
      name === "emergencyAccess" ? "the emergency shell" : (setting.attributes.at(-2) ?? "an account");
    const what = value.value === "" ? `An account without a password (${whose})` : `A password of ${whose}`;
    return [{ what, value: value.value === "" ? `${name} = ""` : value.value, sure: true }];
  }
  return texts.flatMap((text) => {
    const key = /ssh|ecdsa/.test(text) ? SSH_KEY.exec(text)?.[1] : undefined;
    if (key) return [{ what: "A login key", value: key, sure: false }];
    const cache = text.includes(":") ? CACHE_KEY.exec(text)?.[1] : undefined;
    return cache && !OWN_CACHE.test(cache) ? [{ what: "A cache's key", value: cache, sure: false }] : [];
  });
}

/** Prose, patches and keys of hosts: a key there lets nobody in. */
const NO_KEYS = /\.(?:md|rst|adoc|patch|diff|html)$|known_hosts/;

/** What in the base has the form of a key. */
const keysOfBase = indexed(({ files }) => {
  const found = new Set<string>();
  for (const { base } of files)
    for (const form of [SSH_KEY, CACHE_KEY])
      for (const [, key = ""] of base?.matchAll(new RegExp(form, "gm")) ?? []) found.add(key);
  return found;
});

/** Keys in files that a setting or script may read: data, scripts, workflows. In Nix files, those that no setting holds. */
function* keys(facts: Facts, file: FileFacts): Generator<RuleFinding> {
  const path = headPath(file);
  if (isTestPath(path) || extension(path) === "nix" || NO_KEYS.test(path)) return;
  if (!/ssh-|ecdsa|:[A-Za-z0-9+/]{43}=/.test(addedText(file))) return;
  for (const line of addedLines(file)) {
    const key = SSH_KEY.exec(line.text)?.[1] ?? CACHE_KEY.exec(line.text)?.[1];
    if (key === undefined || OWN_CACHE.test(key) || keysOfBase(facts).has(key)) continue;
    const what = key.includes(":") ? "A cache's key" : "A login key";
    yield {
      severity: "high",
      confidence: "medium",
      title: `${what} is added: ${visible(key, 60)}`,
      message: `${path} newly holds ${what.toLowerCase()}. Whatever reads this file lets its holder in, or runs what the holder signs. The confirmation of those whose key it is would clear this. See where it came from: git log -S'${safe(key)}' -- ${argument(path)}`,
      at: inHead(file, line.start, line.end),
      before: null,
      after: visible(key, 60),
      evidence: ["static"],
      related: [],
      identity: [what, key],
    };
    return;
  }
}

/** Certificates and signing keys that are added, as files or in the text of a module. */
function* certificates(file: FileFacts): Generator<RuleFinding> {
  const path = headPath(file);
  const kind = extension(path);
  if (isTestPath(path) || !["pem", "crt", "cer", "nix", "asc", "gpg", "pub"].includes(kind)) return;
  if (!addedText(file).includes("-----BEGIN ")) return;
  const fresh = file.change.status === "added";
  for (const line of addedLines(file)) {
    const what = /-----BEGIN (TRUSTED )?CERTIFICATE-----/.test(line.text)
      ? "A certificate"
      : /-----BEGIN PGP PUBLIC KEY BLOCK-----/.test(line.text)
        ? "A signing key"
        : null;
    if (what === null) continue;
    const signing = what === "A signing key";
    yield {
      severity: signing ? "medium" : "high",
      confidence: fresh ? "medium" : "high",
      title: `${what} is added`,
      message: `${path} newly holds ${what.toLowerCase()}. Whatever trusts this file then trusts its holder. A link to where the owner publishes it would clear this. Look into it: git show HEAD:${argument(path)} | ${signing ? "gpg --show-keys" : "openssl x509 -noout -subject -issuer -fingerprint"}`,
      at: inHead(file, line.start, line.end),
      before: null,
      after: what,
      evidence: ["static"],
      related: [],
      identity: [what],
    };
    return;
  }
}
