import { isBuild } from "../nix/impurities.ts";
import type { Impurity } from "../nix/model.ts";
import type { Severity } from "../report/review.ts";
import { fileAt } from "./_index.ts";
import { isTestPath } from "./_settings.ts";
import type { Facts, Rule } from "./rule.ts";

export const rule: Rule = {
  id: "impure-eval",
  threat: "A49",
  description: "Evaluation reads the machine or the network that it runs on, or waits for a build",
  severity: "high",
  *check(facts) {
    // Uses that only moved are not new: as many as the base had are skipped.
    const left = new Map<string, number>();
    const names = new Set<string>();
    const key = ({ name, argument }: Impurity) => `${name} ${argument}`;
    for (const impurity of facts.impurities.base) {
      left.set(key(impurity), (left.get(key(impurity)) ?? 0) + 1);
      names.add(impurity.name);
    }
    for (const impurity of facts.impurities.head) {
      const known = left.get(key(impurity)) ?? 0;
      if (known > 0) {
        left.set(key(impurity), known - 1);
        continue;
      }
      // A commit cannot change, so fetching one is not reported; fetching another one than before is.
      const isOther = names.has(impurity.name);
      const severity = impurity.kind === "revision" && !isOther ? null : severityOf(impurity);
      if (!severity) continue;
      const build = isBuild(impurity);
      // A file that already waits for builds may go on doing so.
      if (build && knowsBuilds(facts, impurity.path)) continue;
      yield {
        severity,
        confidence: impurity.name.includes("${") ? "medium" : "high",
        title: build
          ? `Evaluation waits for a build (${impurity.name})`
          : impurity.kind === "modules"
            ? "Modules come from elsewhere (imports)"
            : `Evaluation uses ${impurity.name}`,
        message: [
          `${isOther && impurity.argument !== "" ? "With another argument" : "New"}: ${impurity.name}, ${WHAT[impurity.kind]}.`,
          ...(build ? OF_BUILD : impurity.kind === "modules" ? OF_MODULES : OF_MACHINE),
          `Check with: nix-instantiate --option restrict-eval true --option allow-import-from-derivation false -A ATTRIBUTE`,
        ].join(" "),
        at: { side: "head", span: impurity.span },
        before: null,
        after: impurity.name,
        evidence: ["static"],
        related: [],
        identity: [impurity.name],
      };
    }
  },
};

const OF_MACHINE = [
  "What a package is then depends on who evaluates it and when, and what is read can leave that machine in an address or a store path.",
  "An argument, a file of this repository, or a fetcher with a hash would clear this.",
];
const OF_MODULES = [
  "What they set is set on every machine that takes this over, and whoever bumps the pin changes it by one line.",
  "A copy of the module in this repository would clear this.",
];
const OF_BUILD = [
  "Whoever evaluates, to look at it only, then runs that build, and what it yields decides what the packages are: no reader of the change sees it. nixpkgs does not allow it.",
  "A copy of the file in this repository, with the script that makes it, would clear this.",
];

/** Whether evaluation already waits for builds because of the file in the base. */
function knowsBuilds(facts: Facts, path: string): boolean {
  const before = fileAt(facts, "head", path)?.change.base?.path;
  return facts.impurities.base.some((known) => isBuild(known) && known.path === before);
}

const WHAT: Readonly<Record<Impurity["kind"], string>> = {
  environment: "which reads the environment of whoever evaluates",
  fetch: "which fetches without a hash while evaluating",
  revision: "which fetches another revision than before, without a hash, while evaluating",
  path: "which reads a file outside this repository",
  "search-path": "which is whatever the evaluator's search path says",
  execution:
    "which may run a program while evaluating, or is computed so that the text does not say what it is",
  clock: "which is another value every second",
  build: "which reads what is built or fetched first (import from derivation)",
  modules:
    "which takes modules that are fetched with a pin: their code is evaluated, and no change here shows it",
  "build-of-package": "which reads a package that is built first (import from derivation)",
};

/** Entry points, and tools that people run by hand: these may read their machine. */
const GLUE =
  /^default\.nix$|(^|\/)(flake|shell|release\w*|default-?ci|ci|update\w*|generate\w*|bootstrap-files)\.nix$|^(ci|maintainers|\.github|pkgs\/test|doc|lib\/tests)\//;

function severityOf({ path, kind }: Impurity): Severity | null {
  if (isTestPath(path) || GLUE.test(path)) return null;
  switch (kind) {
    case "environment":
    case "fetch":
    case "execution":
    case "path":
      return "high";
    case "clock":
    case "search-path":
    case "revision":
    case "build":
    case "modules":
      return "medium";
    case "build-of-package":
      return "low";
  }
}
