/** Finds the fixed-output derivations (FODs) that evaluation makes from pins known by their text. */
import type { Tree } from "../change/change.ts";
import { messageOf } from "../errors.ts";
import { addTo } from "../lists.ts";
import type { CallCache } from "../nix/attributes.ts";
import { formatSri } from "../nix/hash.ts";
import { candidatesIn } from "./attributes.ts";
import { type ChangedFod, changedFods, type EvaluatedAttribute } from "./changed-fods.ts";
import { derivationReader } from "./closure.ts";
import { type Evaluation, evaluate } from "./evaluate.ts";
import type { Nix } from "./nix.ts";
import type { VerifyOptions, WantedPin } from "./options.ts";
import { schedule } from "./schedule.ts";
import { otherSystems } from "./systems.ts";

export interface FoundFods {
  /** FODs that declare a wanted hash, each once. */
  readonly fods: readonly ChangedFod[];
  /** The files with pins that no evaluated derivation has, with the reason. */
  readonly missing: ReadonlyMap<string, string>;
}

/** A tree on disk. */
export interface WrittenTree {
  readonly tree: Tree;
  readonly directory: string;
  /** What evaluation may read. */
  readonly roots: string;
  /** Package lists that were read before. */
  readonly lists: CallCache;
}

/** A file that names more systems is about systems in general. */
const MOST_SYSTEMS = 4;

/**
 * Evaluates the attributes that the pins' files may belong to. Names only give candidates; the proof is that an attribute's
 * closure has a derivation with the wanted hash.
 */
export async function findFods(
  nix: Nix,
  written: WrittenTree,
  pins: readonly WantedPin[],
  options: Pick<VerifyOptions, "entry" | "evaluation" | "signal">,
): Promise<FoundFods> {
  const byPath = new Map<string, WantedPin[]>();
  for (const pin of pins) addTo(byPath, pin.path, pin);
  const candidates = await candidatesIn(written.tree, [...byPath.keys()], written.lists);
  const reader = derivationReader(nix.store.files);
  const evaluated: EvaluatedAttribute[] = [];
  const results = new Map<string, Promise<Evaluation>>();
  const evaluateOnce = (attr: string, system: string | null) => {
    const key = `${attr} ${system ?? ""}`;
    const request = { roots: written.roots, tree: written.directory, entry: options.entry, attr, system };
    const result = results.get(key) ?? evaluate(nix, request, options.evaluation, options.signal);
    results.set(key, result);
    return result;
  };
  /** The attribute with what its derivation needs; else why that cannot be read. */
  const attributeAt = (attr: string, root: string): EvaluatedAttribute | string => {
    try {
      return { attr, base: null, head: { root, closure: reader.closure(root) } };
    } catch (error) {
      return `its derivations cannot be read: ${messageOf(error)}`;
    }
  };
  const missing = new Map<string, string>();
  const limits = { total: options.evaluation.parallel, perKey: options.evaluation.parallel };
  await schedule(
    [...byPath],
    () => "",
    limits,
    async ([path, wanted]) => {
      const open = new Set(wanted.map(({ hash }) => hash));
      const names = wanted.flatMap(({ name }) => name ?? []);
      const attrs = [...new Set([...candidates(path), ...names])];
      const failures: string[] = [];
      const tryAll = async (system: string | null) => {
        for (const attr of attrs) {
          if (open.size === 0 || options.signal?.aborted) return;
          const result = await evaluateOnce(attr, system);
          if (result.kind === "failed") failures.push(`${attr}: ${result.reason}`);
          for (const root of result.kind === "derivations" ? result.paths : []) {
            const attribute = attributeAt(attr, root);
            if (typeof attribute === "string") {
              failures.push(`${attr}: ${attribute}`);
              continue;
            }
            const found = changedFods([attribute]).map(({ output }) => formatSri(output.hash));
            if (!found.some((hash) => open.has(hash))) continue;
            evaluated.push(attribute);
            for (const hash of found) open.delete(hash);
          }
        }
      };
      await tryAll(null);
      if (open.size > 0) {
        for (const system of await systemsOf(written.tree, path)) await tryAll(system);
      }
      if (open.size > 0) missing.set(path, reasonFor(attrs, failures));
    },
  );
  const wanted = new Set(pins.map(({ hash }) => hash));
  const fods = changedFods(evaluated).filter(({ output }) => wanted.has(formatSri(output.hash)));
  return { fods, missing };
}

async function systemsOf(tree: Tree, path: string): Promise<readonly string[]> {
  const entry = await tree.entry(path);
  const content = entry && entry.kind !== "symlink" ? await tree.read(entry) : null;
  return content?.kind === "text" ? otherSystems(content.text).slice(0, MOST_SYSTEMS) : [];
}

function reasonFor(attrs: readonly string[], failures: readonly string[]): string {
  if (failures[0] !== undefined) return `cannot be evaluated: ${failures[0]}`;
  if (attrs.length === 0) return "unmapped: no attribute is known to read it";
  return `no evaluated derivation has the hash (${attrs.join(", ")})`;
}
