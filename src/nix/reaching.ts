/** What must be so for a hash to be used, as far as the conditions and the names around it say. */

import { argumentKey } from "./binders.ts";
import type { Assumed } from "./follow.ts";
import { isSystem } from "./platform.ts";
import { snippet } from "./session.ts";
import { conditionsAround, type HashLiteral } from "./sites.ts";
import type { NixFile } from "./source-file.ts";
import { nodeMemo } from "./syntax.ts";

/** What must hold for the literal to be used, as far as its place says. */
export function reaching(file: NixFile, literal: HashLiteral): Assumed {
  const assumed = new Map<string, string>();
  for (const { condition: node, holds } of conditionsAround(literal.node)) {
    const condition = snippet(file, node);
    assumed.set(`if ${condition}`, String(holds));
    const argument = /^(!?)\s*([A-Za-z_]\w*)$/.exec(condition);
    if (argument) assumed.set(argumentKey(argument[2] ?? ""), String(holds === (argument[1] === "")));
  }
  const system = literal.path.find(isSystem);
  if (system !== undefined) assumed.set("system", system);
  // A table of releases, `{ "1.2" = …; }.${version}`: the entry is used when its version is asked for.
  const release = releaseOf(literal);
  const { selectors, selections } = selectorsIn(file);
  if (release !== undefined) for (const selector of selectors) assumed.set(argumentKey(selector), release);
  // `binaries.${system}.${edition}`: what is asked for when the literal's entry of `binaries` is used.
  for (const { table, by } of selections) {
    const at = literal.path.indexOf(table);
    if (at < 0) continue;
    for (const [index, selector] of by.entries()) {
      const option = literal.path[at - 1 - index];
      const key = /(?:^|\.)system$/.test(selector) ? "system" : argumentKey(selector);
      if (option !== undefined && !assumed.has(key)) assumed.set(key, option);
    }
  }
  return assumed;
}

/** The computed names that a file's text selects by. */
interface Selectors {
  /** `version` of `x.${version}`. */
  readonly selectors: readonly string[];
  /** `binaries` by `system` and `edition` of `binaries.${system}.${edition}`. */
  readonly selections: readonly { readonly table: string; readonly by: readonly string[] }[];
}

const SELECTIONS = /(?:\."?\$\{[\w.]+\}"?)+/g;
/** `getAttr version releases` */
const GETS = /\bgetAttr\s+([A-Za-z_][\w.]*)\s+([A-Za-z_][\w'-]*)/g;
const SELECTORS = /\$\{([\w.]+)\}/g;
const LONGEST_NAME = 200;

const knownSelectors = nodeMemo<Selectors>();

function selectorsIn(file: NixFile): Selectors {
  const { root } = file.document;
  let known = knownSelectors.get(root);
  if (!known) {
    const selected = [...file.text.matchAll(SELECTIONS)].map(({ index, 0: text }) => ({
      table:
        /(?<![\w'-])[A-Za-z_][\w'-]*$/.exec(file.text.slice(Math.max(0, index - LONGEST_NAME), index))?.[0] ??
        "",
      by: [...text.matchAll(SELECTORS)].map(([, selector = ""]) => selector),
    }));
    const got = [...file.text.matchAll(GETS)].map(([, selector = "", table = ""]) => ({
      table,
      by: [selector],
    }));
    const selections = [...selected, ...got];
    const selectors = selections.flatMap(({ by }) => by).filter((name) => /^[A-Za-z_]\w*$/.test(name));
    known = { selectors, selections };
    knownSelectors.set(root, known);
  }
  return known;
}

/** The release that a literal belongs to, by the names around it. */
export function releaseOf(literal: HashLiteral): string | undefined {
  return literal.path.find((name) => /^\d/.test(name));
}
