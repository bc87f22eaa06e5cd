/**
 * Verification, in order: write both trees, evaluate what the change touches, find the fixed-output derivations (FODs)
 * that differ, fetch them again with every cache out of the way, and say what came of it.
 */
import { type Change, pathOf, type Unchecked } from "../change/change.ts";
import { VerifodError } from "../errors.ts";
import { formatSri } from "../nix/hash.ts";
import { anySignal } from "../signals.ts";
import { type CanaryResult, verifyCanaries } from "./canaries.ts";
import { type ChangedFod, changedFods, fodsOf } from "./changed-fods.ts";
import { derivationReader } from "./closure.ts";
import { type ChangedTexts, hashesBefore, hashLiterals, newLiterals } from "./literals.ts";
import { readMirrors } from "./mirrors.ts";
import { type Nix, openNix } from "./nix.ts";
import { verifiesTls } from "./nix-version.ts";
import type { VerifyOptions } from "./options.ts";
import { killMarked } from "./process.ts";
import { refetchAll } from "./refetch-all.ts";
import { selfTest } from "./self-test.ts";
import { evaluateTouched, type Touched } from "./touched.ts";
import { type WrittenTrees, writeTrees } from "./trees.ts";
import type { FodVerdict } from "./verdict.ts";
import { makeWork, removeTree } from "./work.ts";

export interface Verification {
  readonly verdicts: readonly FodVerdict[];
  readonly unchecked: readonly Unchecked[];
  /** The attributes that were evaluated on both sides, by their derivations. */
  readonly evaluated: readonly EvaluatedFact[];
  readonly nix: { readonly version: string; readonly verifiesTls: boolean; readonly sandbox: boolean };
}

export interface EvaluatedFact {
  readonly attr: string;
  /** Null: that of this machine. */
  readonly system: string | null;
  readonly base: string | null;
  readonly head: string;
}

/**
 * Verifies a change of a git repository. What cannot be checked is in the result; throws a `VerifodError` when nothing
 * can be (no Nix, a Nix that fails the self-test, a repository that lacks files).
 */
export async function verify(change: Change, options: VerifyOptions): Promise<Verification> {
  return withTestedNix(options, async (nix) => {
    const step = (text: string) => options.onProgress?.({ kind: "step", text });
    step("writing both trees");
    const roots = `${nix.work}/trees`;
    const commits = { base: change.base.commit, head: change.head.commit };
    const trees = await writeTrees(options.repository, commits, roots);
    const { texts, unread } = await readTexts(change);
    const reader = derivationReader(nix.store.files);
    step("evaluating");
    const budget = new AbortController();
    const timer = setTimeout(
      () => budget.abort("the time for all evaluations ended"),
      options.evaluation.totalSeconds * 1_000,
    );
    const touched = await evaluateTouched(
      nix,
      reader,
      change,
      texts,
      { ...trees, roots },
      {
        entry: options.entry,
        attrs: options.attrs,
        maxAttributes: options.maxAttributes,
        limits: options.evaluation,
        parallel: options.evaluation.parallel,
        signal: anySignal(options.signal, budget.signal),
        onEvaluating: (attr, system) => options.onProgress?.({ kind: "evaluating", attr, system }),
      },
    ).finally(() => clearTimeout(timer));
    const changed = changedFods(touched.evaluated);
    const mirrors = usesMirrors(changed) ? await readMirrors(nix, trees.base, roots, options.evaluation) : {};
    const places = placesOf(texts);
    const verdicts = (await refetchAll(nix, changed, mirrors, options)).map((verdict) => ({
      ...verdict,
      place: places.get(verdict.declared) ?? null,
    }));
    const canaries = await tryCanaries(nix, change, trees, roots, options);
    const paths = new Set(change.files.map(pathOf));
    return {
      verdicts: [...verdicts, ...canaries.verdicts],
      unchecked: [
        ...change.unchecked,
        ...unread,
        ...trees.leftOut.filter(({ what }) => paths.has(what)),
        ...touched.unchecked,
        ...unaccounted(texts, touched),
        ...canaries.unchecked,
      ],
      evaluated: touched.evaluated.map(({ attr, system, base, head }) => ({
        attr,
        system,
        base: base?.root ?? null,
        head: head.root,
      })),
      nix: { version: nix.version, verifiesTls: verifiesTls(nix.version), sandbox: nix.store.sandbox },
    };
  });
}

async function tryCanaries(
  nix: Nix,
  change: Change,
  trees: WrittenTrees,
  roots: string,
  options: VerifyOptions,
): Promise<Pick<CanaryResult, "verdicts" | "unchecked">> {
  const { canaries } = options;
  if (canaries === null || canaries.pins.length === 0) return { verdicts: [], unchecked: [] };
  options.onProgress?.({
    kind: "step",
    text: `fetching ${canaries.pins.length} canaries, seed ${canaries.seed}`,
  });
  const mirrors = await readMirrors(nix, trees.base, roots, options.evaluation);
  const base = { tree: change.base, directory: trees.base, roots, lists: new Map() };
  const head = { tree: change.head, directory: trees.head, roots, lists: new Map() };
  const result = await verifyCanaries(nix, base, head, canaries, mirrors, options);
  if (result.unreached > 0) {
    const text = `the new definitions do not alter how ${result.unreached} of the canaries are fetched`;
    options.onProgress?.({ kind: "step", text });
  }
  return result;
}

const ADVICE =
  "verification needs user namespaces for the sandbox, or --unsafe-no-sandbox on a machine that is thrown away";

/** Runs something with a Nix that passed the self-test. Throws a `VerifodError` (outside) when there is none. */
export function withTestedNix<T>(options: VerifyOptions, use: (nix: Nix) => Promise<T>): Promise<T> {
  return withNix(options, async (nix) => {
    options.onProgress?.({ kind: "step", text: "testing Nix" });
    const failed = (await selfTest(nix, options.signal)).filter(({ failure }) => failure !== null);
    if (failed[0]) {
      throw new VerifodError(
        "outside",
        `Nix ${nix.version} fails the self-test (${failed[0].what}: ${failed[0].failure}): ${ADVICE}`,
      );
    }
    return use(nix);
  });
}

/** Runs something with the Nix of `options`, and leaves no file and no process of it behind. */
export async function withNix<T>(
  options: Pick<VerifyOptions, "environment" | "sandbox" | "nix">,
  use: (nix: Nix) => Promise<T>,
): Promise<T> {
  const work = await makeWork();
  try {
    return await use(await openNix(work, options.environment, options.sandbox, options.nix));
  } finally {
    killMarked(work);
    await removeTree(work);
  }
}

/** The texts of the changed files, and those whose text would say which hashes there are, and cannot be read. */
async function readTexts(
  change: Change,
): Promise<{ readonly texts: ChangedTexts; readonly unread: readonly Unchecked[] }> {
  const base = new Map<string, string>();
  const head = new Map<string, string>();
  const unread: Unchecked[] = [];
  for (const file of change.files) {
    for (const [entry, tree, texts] of [
      [file.base, change.base, base],
      [file.head, change.head, head],
    ] as const) {
      if (!entry || entry.kind === "symlink" || entry.kind === "submodule") continue;
      const { path } = entry;
      const content = await tree.read(entry);
      if (content.kind === "text") texts.set(path, content.text);
      else if (content.kind === "unavailable") unread.push({ what: path, reason: content.reason });
      else if (path.endsWith(".nix")) unread.push({ what: path, reason: `not a text (${content.because})` });
    }
  }
  return { texts: { base, head }, unread };
}

/** Where each hash stands in the changed files of the head, by hash; the first place counts. */
function placesOf(texts: ChangedTexts): ReadonlyMap<string, FodVerdict["place"]> {
  const places = new Map<string, FodVerdict["place"]>();
  for (const [path, text] of texts.head) {
    for (const { hash, ...literal } of hashLiterals(text)) {
      if (!places.has(hash)) places.set(hash, { path, ...literal });
    }
  }
  return places;
}

/** Of more hashes in a file, only the number is reported. */
const MAX_LITERALS = 5;

/** The hashes that the change brings and that no evaluated derivation has, so that nothing is known of them. */
function unaccounted(texts: ChangedTexts, touched: Touched): readonly Unchecked[] {
  const seen = new Set<string>();
  for (const { head } of touched.evaluated) {
    for (const { output } of fodsOf(head.closure)) seen.add(formatSri(output.hash));
  }
  const before = hashesBefore(texts);
  const result: Unchecked[] = [];
  for (const [path, text] of texts.head) {
    if (!path.endsWith(".nix")) continue;
    const missing = newLiterals(text, before).filter(({ hash }) => !seen.has(hash));
    for (const { hash, line } of missing.slice(0, MAX_LITERALS)) {
      result.push({ what: `${path}:${line}`, reason: `the hash ${hash} is in no evaluated derivation` });
    }
    if (missing.length > MAX_LITERALS) {
      const rest = missing.length - MAX_LITERALS;
      result.push({ what: path, reason: `${rest} more of its hashes are in no evaluated derivation` });
    }
  }
  return result;
}

function usesMirrors(changed: readonly ChangedFod[]): boolean {
  return changed.some(({ derivation }) =>
    [...derivation.env.values()].some((value) => value.includes("mirror://")),
  );
}
