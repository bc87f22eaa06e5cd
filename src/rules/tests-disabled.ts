import type { SettingChange } from "../pair/settings.ts";
import type { Severity } from "../report/review.ts";
import {
  isGonePackage,
  isNewPackage,
  itemsOf,
  lastName,
  listDifference,
  settingFinding,
  settingName,
  shownValue,
  versionChange,
} from "./_settings.ts";
import type { Facts, Rule } from "./rule.ts";

export const rule: Rule = {
  id: "tests-disabled",
  threat: "A40",
  description: "Tests of an existing package are switched off",
  severity: "low",
  *check(facts) {
    for (const change of facts.settings) {
      const { before, after } = change;
      if (after ? isNewPackage(facts, after) : isGonePackage(facts, before)) continue;
      const loss = lossOf(facts, change);
      if (!loss) continue;
      const setting = after ?? before;
      yield settingFinding(change, {
        severity: loss.severity,
        confidence: "high",
        title: loss.what,
        message: [
          `${settingName(setting)} is now ${shownValue(after)} (before: ${shownValue(before)}).`,
          loss.why,
          "Naming the test that fails and why, or disabling only that one, would clear this.",
          "See whether it really fails: nix-build -A ATTRIBUTE --check after setting it back",
        ].join(" "),
      });
    }
  },
};

interface Loss {
  readonly what: string;
  readonly why: string;
  readonly severity: Severity;
}

const WHY = "Tests are what notices a build that is not what it claims to be.";
const SENSITIVE = /sign(ature|ing|ed)|verif|auth|\bcve|tls|ssl|sandbox|permission|crypt|certificate/i;

function lossOf(facts: Facts, change: SettingChange): Loss | null {
  const { before, after } = change;
  const name = lastName(after ?? before);
  switch (name) {
    case "doCheck":
    case "doInstallCheck": {
      const off =
        after?.value.kind === "bool" &&
        !after.value.value &&
        !(before?.value.kind === "bool" && !before.value.value);
      // Removing the setting switches off only what is off by default.
      const gone =
        after === null && before.value.kind === "bool" && before.value.value && name === "doInstallCheck";
      return off || gone ? { what: `${name} is off`, why: WHY, severity: "low" } : null;
    }
    case "nativeInstallCheckInputs":
    case "nativeCheckInputs":
    case "checkInputs":
    case "installCheckInputs": {
      const lost = listDifference(change).removed.filter((item) =>
        /(versionCheckHook|testers\.testVersion|pytestCheckHook|unittestCheckHook|pytest\w{0,100}Hook)$/.test(
          item,
        ),
      );
      const [hook] = lost;
      if (!hook || replaced(facts, hook)) return null;
      const version = /versionCheck/.test(hook) && versionChange(facts, change) !== null;
      return {
        what: `${hook} is gone`,
        why: version
          ? "It compares the version that the program prints with the one of the recipe, in the very change that moves the version: it would notice a bump that still builds the old source."
          : WHY,
        severity: version ? "medium" : "low",
      };
    }
    case "pythonImportsCheck":
      return after === null || (itemsOf(before).length > 0 && itemsOf(after).length === 0)
        ? { what: "pythonImportsCheck is gone", why: WHY, severity: "low" }
        : null;
    case "disabledTests":
    case "disabledTestPaths":
    case "disabledTestMarks": {
      const { added } = listDifference(change);
      if (added.length === 0) return null;
      const sensitive = added.filter((item) => SENSITIVE.test(item));
      return sensitive.length > 0
        ? {
            what: `Tests of security are disabled: ${sensitive.slice(0, 3).join(", ")}`,
            why: "Their names say that they test what keeps attackers out.",
            severity: "medium",
          }
        : null;
    }
    case "tests":
      return after === null && before.attributes.includes("passthru")
        ? { what: "passthru.tests is gone", why: WHY, severity: "low" }
        : null;
    default:
      return null;
  }
}

/** Whether the hook moved to another list. */
function replaced(facts: Facts, hook: string): boolean {
  return facts.settings.some(
    ({ after, before }) => itemsOf(after).includes(hook) && !itemsOf(before).includes(hook),
  );
}
