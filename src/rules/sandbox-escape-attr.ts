import type { Severity } from "../report/review.ts";
import { newDirectives } from "./_directives.ts";
import {
  isGonePackage,
  isTestPath,
  itemsOf,
  lastName,
  listDifference,
  type NewSetting,
  nowSentence,
  settingFinding,
  settingName,
  shownValue,
} from "./_settings.ts";
import type { Rule } from "./rule.ts";

interface Escape {
  readonly severity: Severity;
  readonly what: string;
  readonly why: string;
}

export const rule: Rule = {
  id: "sandbox-escape-attr",
  threat: "A36",
  description: "A derivation, or the Nix daemon, has less of a sandbox, or the builder's environment",
  severity: "block",
  *check(facts) {
    for (const change of newDirectives(facts)) {
      const found = isTestPath(change.after.path) ? derivationEscape(change) : escapeOf(change);
      if (!found) continue;
      const { after } = change;
      yield settingFinding(change, {
        severity: found.severity,
        confidence: after.value.kind === "other" ? "medium" : "high",
        title: found.what,
        message: [
          nowSentence(change),
          found.why,
          "Leaving it away would clear this.",
          `Check what the derivation says: nix derivation show -f . ATTRIBUTE | grep -i ${lastName(after)}`,
        ].join(" "),
      });
    }
    const told = new Set<string>();
    for (const change of facts.settings) {
      const { before, after } = change;
      if (after !== null || !/^(dis)?allowed(References|Requisites)$/.test(lastName(before))) continue;
      if (facts.settings.some((other) => other.after && lastName(other.after).startsWith("outputChecks")))
        continue;
      if (told.has(before.path) || isGonePackage(facts, before)) continue;
      told.add(before.path);
      yield settingFinding(change, {
        severity: "low",
        confidence: "medium",
        title: `${lastName(before)} is gone`,
        message: `${settingName(before)} was ${shownValue(before)} and is not set any more. It kept the output from referring to other store paths; without it a reference slips in unseen. Keeping the limit, or naming the new reference in it, would clear this. Check with: nix-store --query --references $(nix-build -A ATTRIBUTE)`,
      });
    }
  },
};

const OFF_SANDBOX =
  "Its build can then read the machine and the network, so what it produces is not decided by its inputs any more.";
const ENVIRONMENT = "Variables of the builder's environment, secrets too, then reach the build.";

const DAEMON = "All builds of every machine that takes this over can then read it and the network.";

/** What a setting of the Nix daemon opens; tests use such settings honestly. */
function daemonEscape({ before, after }: NewSetting): Escape | null {
  const path = settingName(after);
  if (!/\bnix\b|nix\.conf/.test(path) || path.startsWith("options.")) return null;
  const name = lastName(after);
  const text = after.value.kind === "string" ? after.value.value : after.text;
  if (
    /^(?:use|build-use-)?sandbox$/i.test(name) &&
    /^(?:false|relaxed)$/.test(text) &&
    before?.text !== after.text
  )
    return { severity: "high", what: `The Nix daemon's sandbox is ${text}`, why: DAEMON };
  if (name === "filter-syscalls" && text === "false")
    return { severity: "high", what: "The sandbox of the Nix daemon filters no system calls", why: DAEMON };
  if (/^(?:extra-)?(?:sandbox-paths|build-sandbox-paths|allowed-impure-host-deps)$/.test(name))
    return { severity: "medium", what: `${name} opens the sandbox of all builds`, why: DAEMON };
  return null;
}

const escapeOf = (change: NewSetting) => daemonEscape(change) ?? derivationEscape(change);

function derivationEscape(change: NewSetting): Escape | null {
  const { after } = change;
  const { value } = after;
  const name =
    after.attributes.at(-2) === "unsafeDiscardReferences" ? "unsafeDiscardReferences" : lastName(after);
  switch (name) {
    case "__noChroot":
    case "__impure":
      if (value.kind === "bool" && !value.value) return null;
      return { severity: "block", what: `${name} takes the build out of the sandbox`, why: OFF_SANDBOX };
    case "__impureHostDeps":
    case "__propagatedImpureHostDeps":
    case "__sandboxProfile": {
      const { added } = listDifference(change);
      if (value.kind === "list" && added.length === 0) return null;
      return { severity: "high", what: `${name} lets the build read paths of the machine`, why: OFF_SANDBOX };
    }
    case "sandboxProfile":
    case "propagatedSandboxProfile": {
      const wide =
        value.kind === "string" && /\(allow\s+(default|[\w-]*\*|file-write|network)/.test(value.value);
      return wide && change.before?.text !== after.text
        ? { severity: "high", what: `${name} allows whole kinds of access`, why: OFF_SANDBOX }
        : null;
    }
    case "impureEnvVars": {
      const old = new Set(itemsOf(change.before));
      const foreign = itemsOf(after).filter((item) => !old.has(item) && !isKnownVariable(item));
      return foreign.length > 0
        ? { severity: "block", what: `impureEnvVars lets ${foreign.join(", ")} in`, why: ENVIRONMENT }
        : null;
    }
    case "builder":
      return value.kind === "string" && /^(builtin:|\/(usr\/)?bin\/)/.test(value.value)
        ? {
            severity: "high",
            what: `builder is ${value.value}`,
            why: "A builder that is no store path is not fixed by the derivation's inputs.",
          }
        : null;
    case "unsafeDiscardReferences":
      return {
        severity: "low",
        what: "References are discarded",
        why: "What the output needs or leaks is not seen by Nix any more.",
      };
    default:
      return null;
  }
}

/** The variables that nixpkgs' own fetchers use: lib/fetchers.nix. */
const KNOWN_VARIABLES =
  /^((https?|ftp|all|no)_proxy|(HTTPS?|FTP|ALL|NO)_PROXY|GIT_PROXY_COMMAND|SOCKS_SERVER|GOPROXY|NIX_(GIT_SSL_CAINFO|SSL_CERT_FILE|HASHED_MIRRORS|CURL_FLAGS|CONNECT_TIMEOUT|MIRRORS_\S*|NPM_REGISTRY|CRATES_INDEX\S*|NPM_TOKENS|PYPI_INDEX\S*))$/;

/** An expression is known when it names the shared list; a string when it is a proxy or mirror variable. */
function isKnownVariable(item: string): boolean {
  return KNOWN_VARIABLES.test(item) || /proxyImpureEnvVars|impureEnvVars|fetchers|mirrors/i.test(item);
}
