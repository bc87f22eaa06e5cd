/** The guards that say what a limit leaves out, or keep a flood from hiding anything. */
import { type Guard, guards } from "./guard.ts";

const TEST = "test/hardening/limits.test.ts";

export const LIMITS: readonly Guard[] = [
  ...guards("src/nix/settings.ts", TEST, [
    ["long values that begin alike are told apart", "text.length <= LONGEST_TEXT ||", "text.length > 0 ||"],
  ]),
  ...guards("src/nix/scripts.ts", TEST, [
    ["a script of a Nix file that is cut is said", "if (code.cut || reading.cut) onCut(CUT);", ""],
    ["a script file that is cut is said", "if (reading.cut) onCut(CUT);", ""],
  ]),
  ...guards("src/nix/code-text.ts", TEST, [
    ["a text that is too long is said to be cut", "      cut = true;\n      return;", "      return;"],
  ]),
  ...guards("src/nix/shell-state.ts", TEST, [
    [
      "values in the place of their names are bounded",
      "if (shell.expanded > MOST_EXPANDED) shell.cut = true;\n  return shell.expanded <= MOST_EXPANDED;",
      "return true;",
    ],
  ]),
  ...guards("src/nix/shell.ts", TEST, [
    [
      "code in code that is not read is said",
      "    shell.cut = true;\n    return;\n  }\n  const at",
      "    return;\n  }\n  const at",
    ],
  ]),
  ...guards("src/threads/review-threads.ts", "test/threads/review-threads.test.ts", [
    [
      "a review that hangs is ended",
      "setTimeout(late, limitMs, limitMs);\n      const",
      "setTimeout(late, 1e8, limitMs);\n      const",
    ],
    [
      "a review that asks without end is ended",
      "setTimeout(late, longestMs, longestMs)",
      "setTimeout(late, 1e8, longestMs)",
    ],
  ]),
  ...guards("src/threads/review-threads.ts", "test/hardening/endless.test.ts", [
    [
      "a review of the command line has its time",
      "limitMs: LONGEST_ALONE_MS,\n    longestMs: LONGEST_ALONE_MS,",
      "limitMs: 1e8,\n    longestMs: 1e8,",
    ],
    [
      "a review that is too much is a report that is not complete",
      "return failedReview(change.base.commit, change.head.commit, error.message);",
      "return { ...failedReview(change.base.commit, change.head.commit, error.message), complete: true };",
    ],
  ]),
  ...guards("src/nix/session.ts", "test/nix/hostile-sources.test.ts", [
    [
      "what functions go through counts as steps",
      "session.steps += Math.floor(characters / 4_096);",
      "session.steps += Math.min(characters, 0);",
    ],
  ]),
  ...guards("src/nix/side.ts", "test/facts/gather.test.ts", [
    ["the files that a recipe leads to are bounded, and it is said", "++needed > limit", "++needed < 0"],
    ["files beyond the limit are read for others", "beyond.add(error.path)", "loaded.set(error.path, null)"],
  ]),
  ...guards("src/nix/trace.ts", "test/facts/gather.test.ts", [
    ["values that are looked through no further are said", "session.isCut = true;", "session.depth += 0;"],
  ]),
  ...guards("src/nix/neighbours.ts", "test/hardening/expressions.test.ts", [
    ["a text is looked through for hashes once", "/\\binherit\\b[^;]*/g", "/\\binherit\\b[^;]*hash/g"],
  ]),
  ...guards("src/facts/change-pins.ts", "test/bounds.test.ts", [
    ["the pins of a change are bounded", "count + more <= MOST_PINS", "count + more >= 0"],
  ]),
  ...guards("src/nix/parser.ts", "test/bounds.test.ts", [
    ["the trees of all texts are bounded", "taken > before && taken > LARGEST_MEMORY", "taken < 0"],
  ]),
  ...guards("src/provenance/memory.ts", "test/provenance/memory.test.ts", [
    [
      "what cannot be read again is not written",
      "if (reachSchema.safeParse(reach).success) reaches",
      "reaches",
    ],
  ]),
  ...guards("src/workflow/workflow.ts", TEST, [
    ["the aliases of a workflow are bounded", "targets.size > MOST_ALIASES", "targets.size < 0"],
  ]),
  ...guards("src/rules/_text.ts", TEST, [
    [
      "a flood of one kind leaves room for the others",
      "(counts.get(kind) ?? 0) + 1",
      "[...counts.values()].reduce((sum, each) => sum + each, 1)",
    ],
  ]),
  ...guards("src/rules/lockfile-poisoning.ts", TEST, [
    [
      "a lockfile that neither side can be read of is said",
      "if (!sides || sides.base !== null) return;",
      "if (sides !== undefined) return;",
    ],
  ]),
];
