import { dirname } from "node:path/posix";
import type { Setting } from "../nix/model.ts";
import type { SettingChange } from "../pair/settings.ts";
import { eventOf, type Pair, pairsOf } from "./_events.ts";
import {
  isNewPackage,
  lastName,
  lastPart,
  listDifference,
  type NewSetting,
  newSettings,
  overlaps,
  settingFinding,
  settingName,
  shownValue,
} from "./_settings.ts";
import { argument, extension, folded } from "./_text.ts";
import type { Facts, Rule, RuleFinding } from "./rule.ts";

/** Adding oneself to that many existing packages at once is no ordinary adoption. */
const MANY = 20;

export const rule: Rule = {
  id: "maintainer-takeover",
  threat: "A11",
  description:
    "Somebody becomes maintainer in the change that moves the source, or takes over an account's name",
  severity: "high",
  *check(facts) {
    const taken = new Map<string, NewSetting[]>();
    yield* lostAccounts(facts);
    for (const change of newSettings(facts)) {
      if (isAccountId(change)) yield accountFinding(change);
      const role = lastName(change.after);
      if (!/^(?:maintainers|teams)$/.test(role) || isNewPackage(facts, change.after)) continue;
      const { added, removed } = listDifference(change);
      const names = added.map(lastPart).filter((name) => !removed.map(lastPart).includes(name));
      if (names.length === 0) continue;
      // Teams take over packages together, and their members are known.
      if (change.before !== null && role === "maintainers")
        for (const name of names) taken.set(name, [...(taken.get(name) ?? []), change]);
      const moved = pairsOf(facts).filter(
        (pair) => isSame(pair, change) && MOVES[eventOf(pair)] !== undefined,
      );
      // Who adopts what nobody had may well move it to where it lives now, but seldom to an account of the own name.
      const [pair] = change.before === null ? moved.filter((each) => isOwn(each, names)) : moved;
      if (pair) yield takeover(change, names, pair);
    }
    for (const [name, changes] of taken) {
      const [first] = changes;
      if (first && changes.length >= MANY) yield bulk(first, name, changes.length);
    }
  },
};

/** What can happen to a source other than an ordinary bump, in words. */
const MOVES: Readonly<Record<string, string>> = {
  owner: "comes from somebody else",
  "hash-alone": "has other bytes under the same version",
  "place-alone": "has another address",
};

/** Whether the source newly comes from an account that is called like one of the names. */
function isOwn({ after }: Pair, names: readonly string[]): boolean {
  const parts = after.urls.flatMap(({ value }) => value.split("/").map(folded));
  return names.some((name) => name.length > 2 && parts.includes(folded(name)));
}

function isSame(pair: Pair, { after }: NewSetting): boolean {
  // A file of data beside the package.
  const { path } = pair.after;
  if (extension(path) !== "nix" && dirname(path) === dirname(after.path)) return true;
  return pair.after.path === after.path && overlaps(pair.after.packageSpan, after.packageSpan);
}

function takeover(change: NewSetting, names: readonly string[], pair: Pair): RuleFinding {
  const place = (urls: Pair["after"]["urls"]) => urls[0]?.value ?? "unknown";
  return settingFinding(change, {
    severity: "high",
    confidence: "medium",
    title: `${names.join(", ")} becomes maintainer as the source ${MOVES[eventOf(pair)] ?? "moves"}`,
    message: [
      `${settingName(change.after)} gains ${names.join(", ")} (${shownValue(change.before)} → ${shownValue(change.after)}), and in the same change the source ${MOVES[eventOf(pair)] ?? "moves"}: ${place(pair.before.urls)} → ${place(pair.after.urls)}.`,
      "A maintainer may have later changes of the package merged; a takeover begins with both steps, and an honest adoption seldom needs them at once.",
      "Two separate changes, the word of the present maintainers, or upstream's own notice of the move would clear this.",
      `See who is known: git log --oneline -- ${argument(change.after.path)}`,
    ].join(" "),
    related: [
      {
        at: { side: "head", span: pair.after.hashSpan },
        note: `the source that ${MOVES[eventOf(pair)] ?? "moves"}`,
      },
    ],
    identity: names,
  });
}

function bulk(change: NewSetting, name: string, count: number): RuleFinding {
  return settingFinding(change, {
    severity: "medium",
    confidence: "medium",
    title: `${name} becomes maintainer of ${count} packages`,
    message: `One change makes ${name} maintainer of ${count} existing packages. Each gives the right to have later changes merged. The agreement of a team that owns them would clear this. See them: git diff --stat BASE HEAD`,
    identity: [name],
  });
}

/** Accounts whose number goes while the rest of the entry stays. */
function* lostAccounts({ settings }: Facts): Iterable<RuleFinding> {
  const isOf = (setting: Setting, last: string, holder: string) =>
    lastName(setting) === last && setting.attributes.at(-2) === holder;
  for (const change of settings) {
    const { before, after } = change;
    if (after !== null || lastName(before) !== "githubId" || !/maintainer-list\.nix$/.test(before.path))
      continue;
    const name = before.attributes.at(-2) ?? "";
    if (settings.some((other) => other.after === null && isOf(other.before, "github", name))) continue;
    yield settingFinding(change, {
      severity: "high",
      confidence: "medium",
      title: `The maintainer ${name} has no account number any more`,
      message: `githubId of ${name} was ${shownValue(before)} and is not set now. The number is what tells accounts apart: without it, whoever registers or renames an account to the name has ${name}'s rights. The holder's own word would clear this. Compare: git log -p -1 -- ${argument(before.path)}`,
      identity: [name],
    });
  }
}

function isAccountId({ before, after }: SettingChange): boolean {
  return (
    before !== null &&
    after !== null &&
    lastName(after) === "githubId" &&
    /maintainer-list\.nix$/.test(after.path)
  );
}

function accountFinding(change: NewSetting): RuleFinding {
  const name = change.after.attributes.at(-2) ?? "";
  return settingFinding(change, {
    severity: "high",
    confidence: "high",
    title: `The maintainer ${name} is another account now`,
    message: `githubId of ${name} goes from ${shownValue(change.before)} to ${shownValue(change.after)}. The number is what tells accounts apart: a name can be registered anew by anybody, a number cannot, and this change hands ${name}'s rights to another account. The holder's own word, from the old account, would clear this. Compare: curl -s https://api.github.com/user/${shownValue(change.after)}`,
    identity: [name],
  });
}
