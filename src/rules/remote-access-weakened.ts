import type { Setting } from "../nix/model.ts";
import type { Severity } from "../report/review.ts";
import { isOpened, namesEverywhere } from "./_addresses.ts";
import { newDirectives } from "./_directives.ts";
import {
  isExample,
  isGonePackage,
  isTestPath,
  itemsOf,
  nowSentence,
  optionPath,
  settingFinding,
  settingName,
  shownValue,
} from "./_settings.ts";
import { argument } from "./_text.ts";
import type { Facts, Rule, RuleFinding } from "./rule.ts";

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
    yield* removals(facts);
  },
};

/** A strict value that is no longer set, where not set is weak. */
function* removals(facts: Facts): Iterable<RuleFinding> {
  const kept = new Set(facts.settings.flatMap(({ after }) => (after ? [nameOf(after)] : [])));
  for (const change of facts.settings) {
    const { before, after } = change;
    if (before === null || after !== null || isTestPath(before.path) || isExample(before)) continue;
    const name = nameOf(before);
    const order = Object.hasOwn(ORDERS, name) ? ORDERS[name] : undefined;
    if (!order?.weakByDefault || textOf(before, order) !== order.values[0] || kept.has(name)) continue;
    if (before.attributes.includes("options") || isGonePackage(facts, before)) continue;
    yield settingFinding(change, {
      severity: "high",
      confidence: "medium",
      title: `${optionPath(before).at(-1) ?? name} is no longer ${shownValue(before)}`,
      message: [
        `${settingName(before)} was ${shownValue(before)} and is not set now; its default is the weaker value.`,
        "Every system that leaves this at its default becomes easier to get into with its next update.",
        "The place that sets it now would clear this.",
        `Compare: git diff BASE HEAD -- ${argument(before.path)}`,
      ].join(" "),
    });
  }
}

/** The option's own name, however it is spelt: `allow_anonymous` is `allowanonymous`; `auth.enable` is `enableauth`. */
function nameOf(setting: Setting): string {
  const path = optionPath(setting).map((name) => name.toLowerCase().replace(/[-_]/g, ""));
  const name = path.at(-1) ?? "";
  return /^enabled?$/.test(name) && /^(?:auth|authentication)$/.test(path.at(-2) ?? "") ? "enableauth" : name;
}

interface Weaker {
  readonly what: string;
  readonly severity: Severity;
}

interface Order {
  /** From the strictest to the weakest. */
  readonly values: readonly string[];
  /** A value that is reported when newly set. */
  readonly alone?: string;
  /** The weakest holds where nothing is set. */
  readonly weakByDefault?: true;
}

/** By option name in lower case. */
const ORDERS: Readonly<Record<string, Order>> = {
  permitrootlogin: {
    values: ["no", "forced-commands-only", "prohibit-password", "without-password", "yes"],
    alone: "yes",
  },
  passwordauthentication: { values: ["false", "true"], weakByDefault: true },
  kbdinteractiveauthentication: { values: ["false", "true"], weakByDefault: true },
  challengeresponseauthentication: { values: ["false", "true"], weakByDefault: true },
  mutableusers: { values: ["false", "true"] },
  enabletcpip: { values: ["false", "true"] },
  protectedmode: { values: ["true", "false"] },
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
  anonymousaccess: { values: ["false", "true"] },
  disableauth: { values: ["false", "true"], alone: "true" },
  noauth: { values: ["false", "true"] },
  stricthostkeychecking: { values: ["yes", "accept-new", "ask", "no"], alone: "no" },
};

const LISTEN =
  /^(listen|listen_?addr(ess)?(es)?|bind|bind_?(addr(ess)?|host|ip|to)|host|http_?addr|listen_?(host|ip|on)|address|ip)$/i;
const MODES = /^((State|Cache|Logs|Configuration|Runtime)DirectoryMode|UMask|homeMode)$/;
const SECRETS = /(password|passwd|passphrase|secret|token|api_?key)$/i;
/** A line of PostgreSQL's pg_hba.conf that lets other machines in unasked. */
const TRUST = /^[ \t]*host\w*[ \t]+\S+[ \t]+\S+[ \t]+(?!127\.|::1|localhost|samehost)\S+[ \t]+trust\b/m;

function weakerThan(before: Setting | null, after: Setting): Weaker | null {
  const name = optionPath(after).at(-1) ?? "";
  const key = nameOf(after);
  const order = Object.hasOwn(ORDERS, key) ? ORDERS[key] : undefined;
  const opened = openedPlace(before, after);
  if (opened) return opened;
  const now = textOf(after, order);
  if (now === null) return null;
  const old = before ? textOf(before, order) : null;
  if (TRUST.test(now) && !TRUST.test(old ?? "") && /postgresql|pg_?hba/i.test(settingName(after)))
    return { what: `${name} lets other machines in without a password`, severity: "high" };
  if (order) {
    const worse =
      old === null
        ? order.alone === now && before === null
        : order.values.indexOf(now) > order.values.indexOf(old) && order.values.includes(old);
    return worse ? { what: `${name} is now ${now}`, severity: "high" } : null;
  }
  const isMode = MODES.test(name) || (name === "mode" && after.attributes.includes("tmpfiles"));
  if (isMode && old !== null && worldBits(name, now) > worldBits(name, old)) {
    return { what: `${name} lets other users in`, severity: "medium" };
  }
  const path = settingName(after);
  const isConsole = before === null && /\bservices\.(?:getty|(?:xserver\.)?displayManager)\b/.test(path);
  const logsIn =
    /^autologin(user)?$/i.test(name) || /\bdisplayManager\.auto(?:Login)?\.(?:enable|user)$/.test(path);
  if (logsIn && (old === "null" || old === "false" || isConsole) && now !== "null" && now !== "false") {
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

/** An address that lets others in, or a directory of `systemd.tmpfiles.rules`. */
function openedPlace(before: Setting | null, after: Setting): Weaker | null {
  if (before === null) return null;
  const name = optionPath(after).at(-1) ?? "";
  const texts = ({ value }: Setting) =>
    value.kind === "string" ? [value.value] : value.kind === "list" ? value.items : [];
  const [old, now] = [texts(before), texts(after)];
  // Packages start servers for their tests.
  const isModule = after.packageSpan === null && before.packageSpan === null;
  if (
    (LISTEN.test(name) && now.some((text) => old.some((was) => isOpened(was, text)))) ||
    (isModule && namesEverywhere(old.join("\n"), now.join("\n")))
  )
    return { what: `${name} goes from the own machine to everywhere`, severity: "high" };
  if (name !== "rules" || !after.attributes.includes("tmpfiles")) return null;
  const modes = new Map(itemsOf(before).map(directoryMode));
  for (const item of itemsOf(after)) {
    const [path, mode] = directoryMode(item);
    const was = modes.get(path);
    if (was !== undefined && worldBits(name, mode) > worldBits(name, was))
      return { what: `${path} lets other users in`, severity: "medium" };
  }
  return null;
}

/** The path and the mode of a line of tmpfiles.d. */
function directoryMode(line: string): readonly [string, string] {
  const [, path = "", mode = ""] = line.trim().split(/\s+/);
  return [path.replace(/^'(.*)'$/, "$1"), mode];
}

/** A value as one word; for a switch, `yes` is true. */
function textOf({ value }: Setting, order?: Order): string | null {
  switch (value.kind) {
    case "string":
      if (!order?.values.includes("true")) return value.value;
      return /^(?:yes|on)$/i.test(value.value)
        ? "true"
        : /^(?:no|off)$/i.test(value.value)
          ? "false"
          : value.value;
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
