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
import { argument } from "./_text.ts";
import type { Rule, RuleFinding } from "./rule.ts";

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
    for (const change of newSettings(facts)) {
      if (isAccountId(change)) yield accountFinding(change);
      if (lastName(change.after) !== "maintainers" || isNewPackage(facts, change.after)) continue;
      const { added, removed } = listDifference(change);
      const names = added.map(lastPart).filter((name) => !removed.map(lastPart).includes(name));
      if (change.before === null || names.length === 0) continue;
      for (const name of names) taken.set(name, [...(taken.get(name) ?? []), change]);
      const moved = pairsOf(facts).filter(
        (pair) => isSame(pair, change) && MOVES[eventOf(pair)] !== undefined,
      );
      const [pair] = moved;
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

function isSame(pair: Pair, { after }: NewSetting): boolean {
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
