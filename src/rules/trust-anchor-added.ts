import type { Setting } from "../nix/model.ts";
import { directivesOf, newDirectives } from "./_directives.ts";
import { isExample, isTestPath, lastName, settingFinding, settingName } from "./_settings.ts";
import { addedLines, addedText, argument, extension, headPath, inHead, visible } from "./_text.ts";
import type { FileFacts, Rule, RuleFinding } from "./rule.ts";

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
    for (const file of facts.files) if (!told.has(headPath(file))) yield* certificates(file);
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
  /^(?:\S+\s+)*(?:ssh-(?:ed25519|rsa|dss)|ecdsa-sha2-nistp\d+|sk-(?:ssh|ecdsa)\S*)\s+([A-Za-z0-9+/=]{20,})/;
const CACHE_KEY = /^[\w.-]+-\d+:[A-Za-z0-9+/]{43}=$/;
const PASSWORDS = /^(initialHashedPassword|hashedPassword|initialPassword|password)$/;

function anchorsOf(setting: Setting): readonly Anchor[] {
  const name = lastName(setting);
  const path = settingName(setting);
  const { value } = setting;
  const texts = value.kind === "list" ? value.items : value.kind === "string" ? value.value.split("\n") : [];
  const all = (what: string) =>
    texts
      .filter((text) => text.trim() !== "")
      .map((text) => ({ what, value: text.trim().replace(/\s+/g, " "), sure: true }));
  if (/^(extra-)?trusted-public-keys$|^binaryCachePublicKeys$/.test(name)) return all("A cache's key");
  if (/^(extra-|trusted-)?substituters$|^(trustedB|b)inaryCaches$/.test(name)) return all("A cache");
  if (/^(extra-)?trusted-users$|^trustedUsers$/.test(name))
    return all("A user of the Nix daemon").filter((each) => each.value !== "root");
  if (/^require-sigs$|^requireSignedBinaryCaches$/.test(name) && value.kind === "bool" && !value.value)
    return [{ what: "Every cache, signed or not,", value: `${name} = false`, sure: true }];
  if (/^authorizedKeysCommand$/i.test(name) && value.kind === "string" && value.value !== "")
    return [{ what: "A program that says whose keys log in", value: value.value, sure: true }];
  if (/^keyFiles$/.test(name) && /authorizedKeys/.test(path)) return all("A file of login keys");
  if (/^authorizedKeys$|authorizedKeys\.keys$/.test(path) || (name === "keys" && /authorizedKeys/.test(path)))
    return all("A login key");
  if (/security\.pki\.(certificates|certificateFiles)$/.test(path)) return all("A certificate authority");
  if (
    PASSWORDS.test(name) &&
    /\busers\.(users|extraUsers)\b/.test(path) &&
    value.kind === "string" &&
    value.value !== "" &&
    value.value !== "!"
  ) {
    return [
      { what: `A password of ${setting.attributes.at(-2) ?? "an account"}`, value: value.value, sure: true },
    ];
  }
  return texts.flatMap((text) => {
    const key = /ssh|ecdsa/.test(text) ? SSH_KEY.exec(text)?.[1] : undefined;
    if (key) return [{ what: "A login key", value: key, sure: false }];
    return CACHE_KEY.test(text.trim()) ? [{ what: "A cache's key", value: text.trim(), sure: false }] : [];
  });
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
