import type { Setting } from "../nix/model.ts";
import type { Severity } from "../report/review.ts";
import { newDirectives } from "./_directives.ts";
import { isExample, isTestPath, nowSentence, optionPath, settingFinding, settingName } from "./_settings.ts";
import { argument } from "./_text.ts";
import type { Rule } from "./rule.ts";

export const rule: Rule = {
  id: "remote-access-weakened",
  threat: "A34",
  description: "A default lets more people in, or lets them in more easily",
  severity: "high",
  *check(facts) {
    for (const change of newDirectives(facts)) {
      const { after, before } = change;
      if (isTestPath(after.path) || isExample(after)) continue;
      const weaker = weakerThan(before, after);
      if (!weaker) continue;
      yield settingFinding(change, {
        severity: weaker.severity,
        confidence: before ? "high" : "medium",
        title: weaker.what,
        message: [
          nowSentence(change),
          "Every system that leaves this at its default becomes easier to get into with its next update.",
          "Keeping the stricter value as the default, and letting people choose the other, would clear this.",
          `Compare: git diff BASE HEAD -- ${argument(after.path)}`,
        ].join(" "),
      });
    }
  },
};

interface Weaker {
  readonly what: string;
  readonly severity: Severity;
}

/** Values from the strictest to the weakest, by option name in lower case. `alone`: a value reported when newly set. */
const ORDERS: Readonly<Record<string, { readonly values: readonly string[]; readonly alone?: string }>> = {
  permitrootlogin: {
    values: ["no", "forced-commands-only", "prohibit-password", "without-password", "yes"],
    alone: "yes",
  },
  passwordauthentication: { values: ["false", "true"] },
  kbdinteractiveauthentication: { values: ["false", "true"] },
  challengeresponseauthentication: { values: ["false", "true"] },
  permitemptypasswords: { values: ["false", "true"], alone: "true" },
  wheelneedspassword: { values: ["true", "false"], alone: "false" },
  allownullpassword: { values: ["false", "true"], alone: "true" },
  nullok: { values: ["false", "true"] },
  allownopasswordlogin: { values: ["false", "true"], alone: "true" },
  emergencyaccess: { values: ["false", "true"], alone: "true" },
  requireauth: { values: ["true", "false"] },
  enableauth: { values: ["true", "false"] },
  authentication: { values: ["true", "false"] },
  authenabled: { values: ["true", "false"] },
  anonymous: { values: ["false", "true"] },
  allowanonymous: { values: ["false", "true"] },
  allow_anonymous: { values: ["false", "true"] },
  anonymousaccess: { values: ["false", "true"] },
  disableauth: { values: ["false", "true"], alone: "true" },
  noauth: { values: ["false", "true"] },
  stricthostkeychecking: { values: ["yes", "accept-new", "ask", "no"], alone: "no" },
};

const LISTEN =
  /^(listen|listen_?addr(ess)?(es)?|bind|bind_?(addr(ess)?|host|ip|to)|host|http_?addr|listen_?(host|ip|on)|address|ip)$/i;
const LOOPBACK = /^(\[?::1\]?|127\.\d+\.\d+\.\d+|localhost)(:\d+)?$/;
const WILDCARD = /^(0\.0\.0\.0|\[?::\]?|\*|)(:\d+)?$/;
const MODES = /^((State|Cache|Logs|Configuration|Runtime)DirectoryMode|UMask)$/;
const SECRETS = /^(initial|default|admin|root)?(password|passwd|secret|token|api_?key)$/i;

function weakerThan(before: Setting | null, after: Setting): Weaker | null {
  const name = optionPath(after).at(-1) ?? "";
  const now = textOf(after);
  if (now === null) return null;
  const old = before ? textOf(before) : null;
  const order = Object.hasOwn(ORDERS, name.toLowerCase()) ? ORDERS[name.toLowerCase()] : undefined;
  if (order) {
    const worse =
      old === null
        ? order.alone === now && before === null
        : order.values.indexOf(now) > order.values.indexOf(old) && order.values.includes(old);
    return worse ? { what: `${name} is now ${now}`, severity: "high" } : null;
  }
  if (LISTEN.test(name) && old !== null && LOOPBACK.test(old) && WILDCARD.test(now)) {
    return { what: `${name} goes from the own machine to everywhere`, severity: "high" };
  }
  if (MODES.test(name) && old !== null && worldBits(name, now) > worldBits(name, old)) {
    return { what: `${name} lets other users in`, severity: "medium" };
  }
  const isConsole = before === null && /\bservices\.(?:getty|displayManager)\b/.test(settingName(after));
  if (/^autologin(user)?$/i.test(name) && (old === "null" || isConsole) && now !== "null") {
    return { what: `${name} logs somebody in without asking`, severity: "high" };
  }
  const isDefault = after.attributes.at(-1) === "default" && after.attributes.includes("options");
  if (
    isDefault &&
    SECRETS.test(name) &&
    now !== "" &&
    now !== "null" &&
    after.value.kind === "string" &&
    !/^\/|\$\{/.test(now) &&
    (before === null || old === "null" || old === "")
  ) {
    return { what: `${name} has a default that everybody knows`, severity: "high" };
  }
  return null;
}

function textOf({ value }: Setting): string | null {
  switch (value.kind) {
    case "string":
      return value.value;
    case "bool":
    case "number":
      return String(value.value);
    case "null":
      return "null";
    case "list":
    case "other":
      return null;
  }
}

/** What others may do, 0 to 7. */
function worldBits(name: string, mode: string): number {
  const last = Number(mode.at(-1));
  if (!/^[0-7]{3,4}$/.test(mode)) return 0;
  return name === "UMask" ? 7 - last : last;
}
