/** From changed files to evaluated attributes: candidates from the text, proof from the evaluation. */
import { type Change, type FileChange, pathOf, type Unchecked } from "../change/change.ts";
import { messageOf } from "../errors.ts";
import { type Candidates, candidatesIn, isShared, isUnrelated, namedIn } from "./attributes.ts";
import type { EvaluatedAttribute } from "./changed-fods.ts";
import type { DerivationReader } from "./closure.ts";
import { type Evaluation, type EvaluationLimits, evaluate } from "./evaluate.ts";
import type { ChangedTexts } from "./literals.ts";
import type { Nix } from "./nix.ts";
import { schedule } from "./schedule.ts";
import { systemsIn } from "./systems.ts";
import type { WrittenTrees } from "./trees.ts";

export interface TouchedOptions {
  readonly entry: string;
  /** Attributes to evaluate instead of those that the files give; empty: those of the files. */
  readonly attrs: readonly string[];
  readonly maxAttributes: number;
  readonly limits: EvaluationLimits;
  readonly parallel: number;
  readonly signal?: AbortSignal | undefined;
  readonly onEvaluating?: (attr: string, system: string | null) => void;
}

export interface Touched {
  /** Each with its system; null: that of this machine. */
  readonly evaluated: readonly (EvaluatedAttribute & { readonly system: string | null })[];
  readonly unchecked: readonly Unchecked[];
}

/** Evaluates the attributes that the change touches, on both sides. */
export async function evaluateTouched(
  nix: Nix,
  reader: DerivationReader,
  change: Change,
  texts: ChangedTexts,
  trees: WrittenTrees & { readonly roots: string },
  options: TouchedOptions,
): Promise<Touched> {
  const evaluateHead = evaluateOnce(nix, trees, options);
  const unchecked: Unchecked[] = [];
  const attrs =
    options.attrs.length > 0
      ? new Set(options.attrs)
      : await attributesTouched(change, texts, evaluateHead, options, unchecked);

  const evaluated: Touched["evaluated"][number][] = [];
  const jobs = [...attrs]
    .sort()
    .flatMap((attr) => [null, ...systemsIn(texts)].map((system) => ({ attr, system })));
  await schedule(
    jobs,
    () => "",
    { total: options.parallel, perKey: options.parallel },
    async ({ attr, system }) => {
      const what = system ? `${attr} on ${system}` : attr;
      const request = { roots: trees.roots, entry: options.entry, attr, system };
      if (system) options.onEvaluating?.(attr, system);
      const head = system
        ? await evaluate(nix, { ...request, tree: trees.head }, options.limits, options.signal)
        : await evaluateHead(attr);
      if (head.kind !== "derivations") {
        unchecked.push({
          what,
          reason: head.kind === "absent" ? "no such attribute" : `cannot be evaluated: ${head.reason}`,
        });
        return;
      }
      const base = await evaluate(nix, { ...request, tree: trees.base }, options.limits, options.signal);
      if (base.kind === "failed") {
        unchecked.push({ what: `${what} in the base`, reason: `cannot be evaluated: ${base.reason}` });
      }
      const basePaths = base.kind === "derivations" ? base.paths : [];
      try {
        head.paths.forEach((root, n) => {
          // The derivations of a set are in the order of their names, which changes seldom affect.
          const before = basePaths[n] ?? basePaths[0];
          evaluated.push({
            attr,
            system,
            base: before === undefined ? null : { root: before, closure: reader.closure(before) },
            head: { root, closure: reader.closure(root) },
          });
        });
      } catch (error) {
        unchecked.push({ what, reason: `its derivations cannot be read: ${messageOf(error)}` });
      }
    },
  );
  evaluated.sort((a, b) => (`${a.attr} ${a.system ?? ""}` < `${b.attr} ${b.system ?? ""}` ? -1 : 1));
  return { evaluated, unchecked };
}

/** Evaluates attributes of the head, each once. */
function evaluateOnce(
  nix: Nix,
  trees: WrittenTrees & { readonly roots: string },
  options: TouchedOptions,
): (attr: string) => Promise<Evaluation> {
  const results = new Map<string, Promise<Evaluation>>();
  return (attr) => {
    let result = results.get(attr);
    if (!result) {
      options.onEvaluating?.(attr, null);
      const request = { roots: trees.roots, tree: trees.head, entry: options.entry, attr, system: null };
      result = evaluate(nix, request, options.limits, options.signal);
      results.set(attr, result);
    }
    return result;
  };
}

/** The attributes that the changed files touch; `unchecked` gets the files of which they are not known. */
async function attributesTouched(
  change: Change,
  texts: ChangedTexts,
  evaluateHead: (attr: string) => Promise<Evaluation>,
  { parallel, maxAttributes }: TouchedOptions,
  unchecked: Unchecked[],
): Promise<ReadonlySet<string>> {
  const attrs = new Set<string>();
  const files = change.files.filter((file) => !isUnrelated(pathOf(file)));
  const candidates = await candidatesIn(change.head, files.map(pathOf));
  await schedule(
    files,
    () => "",
    { total: parallel, perKey: parallel },
    async (file) => {
      const room = maxAttributes - attrs.size;
      const found = await attributesOfFile(file, texts, candidates, evaluateHead, room);
      for (const attr of found.attrs) attrs.add(attr);
      if (found.reason !== null) unchecked.push({ what: pathOf(file), reason: found.reason });
    },
  );
  unchecked.sort((a, b) => (a.what < b.what ? -1 : 1));
  return attrs;
}

const TOO_MANY = "more attributes are touched than are evaluated";

/** The attributes that read a changed file, and why these may not be all. `room`: so many may be evaluated yet. */
async function attributesOfFile(
  file: FileChange,
  texts: ChangedTexts,
  candidates: Candidates,
  evaluateHead: (attr: string) => Promise<Evaluation>,
  room: number,
): Promise<{ readonly attrs: readonly string[]; readonly reason: string | null }> {
  // A removed file fetches nothing.
  if (file.head === null) return { attrs: [], reason: null };
  const { path } = file.head;
  if (room <= 0) return { attrs: [], reason: TOO_MANY };
  const named = namedIn(path, addedLines(file, texts));
  if (named !== null) {
    const reason = named.length === 0 ? "a package list, changed beyond the names on its lines" : null;
    const distinct = [...new Set(named)];
    return {
      attrs: await existing(distinct.slice(0, room), evaluateHead),
      reason: distinct.length > room ? TOO_MANY : reason,
    };
  }
  const possible = candidates(path);
  const failures: string[] = [];
  const attrs: string[] = [];
  for (const attr of possible) {
    const result = await evaluateHead(attr);
    if (result.kind === "failed") failures.push(`${attr}: ${result.reason}`);
    if (result.kind === "derivations" && reads(result.files, path)) attrs.push(attr);
  }
  if (isShared(path)) return { attrs, reason: "shared code: it reaches packages that are not evaluated" };
  if (attrs.length > 0) return { attrs, reason: null };
  if (failures.length > 0) return { attrs, reason: `unmapped: ${failures[0]}` };
  const tried =
    possible.length > 0 ? ` (${possible.join(", ")} ${possible.length === 1 ? "does" : "do"} not)` : "";
  return { attrs, reason: `unmapped: no attribute is known to read it${tried}` };
}

async function existing(
  attrs: readonly string[],
  evaluateHead: (attr: string) => Promise<Evaluation>,
): Promise<readonly string[]> {
  const kept: string[] = [];
  for (const attr of attrs) if ((await evaluateHead(attr)).kind !== "absent") kept.push(attr);
  return kept;
}

/** Whether an evaluation read the file, or, for a file that is not Nix code, the package beside or above it. */
function reads(files: ReadonlySet<string>, path: string): boolean {
  if (path.endsWith(".nix")) return files.has(path);
  for (let folder = path.slice(0, path.lastIndexOf("/")); folder.includes("/"); ) {
    const prefix = `${folder}/`;
    const beside = [...files].some(
      (file) => file.startsWith(prefix) && !file.slice(prefix.length).includes("/"),
    );
    if (beside) return true;
    folder = folder.slice(0, folder.lastIndexOf("/"));
  }
  return false;
}

function addedLines(file: FileChange, texts: ChangedTexts): readonly string[] {
  const before = new Set((file.base && texts.base.get(file.base.path)?.split("\n")) || []);
  const after = (file.head && texts.head.get(file.head.path)?.split("\n")) || [];
  return after.filter((line) => !before.has(line));
}
