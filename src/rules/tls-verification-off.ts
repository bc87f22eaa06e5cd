import type { Command, Script, Setting } from "../nix/model.ts";
import type { Severity } from "../report/review.ts";
import { nameOf, newSightings, type Sighting, scriptFinding, shownCommand } from "./_scripts.ts";
import { newSettings, settingFinding, settingName } from "./_settings.ts";
import { argument } from "./_text.ts";
import type { Rule } from "./rule.ts";

interface Unverified extends Sighting {
  readonly command: Command;
  readonly how: string;
}

export const rule: Rule = {
  id: "tls-verification-off",
  threat: "A56",
  description: "The check of the server's certificate is switched off",
  severity: "medium",
  *check(facts) {
    for (const { script, seen } of newSightings(facts, unverified)) {
      yield scriptFinding(script, seen, {
        severity: severityOf(script),
        confidence: "high",
        title: `${nameOf(script)} does not check whom it talks to`,
        message: [
          `New in ${nameOf(script)}: ${seen.how} in ${shownCommand(seen.command)}.`,
          "Anybody between the two machines can then answer in the server's name, read what is sent and choose what comes back.",
          "Leaving the check on (SSL_CERT_FILE from cacert where certificates are missing) would clear this.",
          `See it with: git diff BASE HEAD -- ${argument(script.path)}`,
        ].join(" "),
        after: seen.how,
      });
    }
    for (const change of newSettings(facts)) {
      const { after, before } = change;
      const how = howIn(after);
      if (how === null || (before && howIn(before) === how)) continue;
      const redirects = /-[oKx]\b|--(resolve|connect-to|unix-socket|url|proxy|config|output)\b/.test(how);
      yield settingFinding(change, {
        severity: redirects ? "high" : "medium",
        confidence: "high",
        title: redirects ? "A fetcher's curl is sent elsewhere" : "A fetcher does not check whom it talks to",
        message: [
          `${settingName(after)} now has ${how}.`,
          "The hash protects those who come later, not the one who computed it: with the check off, or another place to go to, anybody on the way can choose that content.",
          "A plain https address that verifies would clear this.",
          "Check that the address serves the same bytes with verification on: curl -fsSL URL | sha256sum",
        ].join(" "),
      });
    }
  },
};

function severityOf(script: Script): Severity {
  switch (script.context) {
    case "update":
    case "run":
    case "shell":
    case "ci":
      return "high";
    case "test":
      return "low";
    case "build":
    case "fetch":
    case "patch":
    case "unknown":
      return "medium";
  }
}

const VARIABLES: Readonly<Record<string, RegExp>> = {
  GIT_SSL_NO_VERIFY: /^(?!0$|false$|$)/,
  NODE_TLS_REJECT_UNAUTHORIZED: /^0$/,
  PYTHONHTTPSVERIFY: /^0$/,
  CURL_INSECURE: /^1|true$/,
  NPM_CONFIG_STRICT_SSL: /^false$/,
  npm_config_strict_ssl: /^false$/,
  GIT_SSL_VERIFY: /^(0|false)$/,
  GOINSECURE: /./,
  GONOSUMDB: /./,
  GONOSUMCHECK: /./,
  GOFLAGS: /-insecure/,
};

function unverified(script: Script): readonly Unverified[] {
  return script.commands.flatMap((command) => {
    const how = howOf(command);
    return how === null ? [] : [{ command, how, key: `${command.name} ${how}`, span: command.span }];
  });
}

const LOOPBACK = /localhost|127\.0\.0\.1|\[::1\]/;

function howOf(command: Command): string | null {
  const words = command.words.join(" ");
  if (LOOPBACK.test(words)) return null;
  for (const { name, value } of command.assignments) {
    if (Object.hasOwn(VARIABLES, name) && VARIABLES[name]?.test(value)) return `${name}=${value}`;
  }
  const option = (pattern: RegExp) => command.words.find((word) => pattern.test(word)) ?? null;
  switch (command.name) {
    case "curl":
      return option(/^(--insecure|-[a-jl-zA-Z#]*k[a-zA-Z]*|--proxy-insecure)$/);
    case "wget":
    case "wget2":
      return option(/^--no-check-certificate$/);
    case "git":
      return /http\.sslVerify[= ]false/i.exec(words)?.[0] ?? null;
    case "npm":
    case "pnpm":
    case "yarn":
      return /strict-ssl[= ]false|strictSsl[= ]false/i.exec(words)?.[0] ?? null;
    case "pip":
    case "pip3":
      return option(/^--trusted-host/);
    case "aria2c":
      return option(/^--check-certificate=false$/);
    default:
      return /^(requests|httpx|aiohttp)\./.test(command.name)
        ? option(/^(verify|verify_ssl)=False$/)
        : unverifiedContext(command);
  }
}

function unverifiedContext(command: Command): string | null {
  return /^ssl\._create_unverified_context$/.test(command.name) ? command.name : null;
}

/** What a setting of a fetcher (or of its environment) switches off or redirects; null when nothing. */
function howIn(setting: Setting): string | null {
  const name = setting.attributes.at(-1) ?? "";
  const { value } = setting;
  if (/^(curlOpts|curlOptsList|NIX_CURL_FLAGS)$/.test(name)) {
    const words =
      value.kind === "list" ? value.items : value.kind === "string" ? value.value.split(/\s+/) : [];
    return (
      words.find((word) =>
        /^(--insecure|-[a-zA-Z]*k|--proto|-x|--proxy|--resolve|--connect-to|--unix-socket|--url|-K|--config|-o|--output|--proxy-insecure)(=|$)/.test(
          word,
        ),
      ) ?? null
    );
  }
  const pattern = Object.hasOwn(VARIABLES, name) ? VARIABLES[name] : undefined;
  const text =
    value.kind === "string"
      ? value.value
      : value.kind === "bool" || value.kind === "number"
        ? String(value.value)
        : null;
  return pattern && text !== null && pattern.test(text) ? `${name}=${text}` : null;
}
