/** Verifies pins of one tree in rounds, for commands that go through more pins than one change touches. */
import { basename } from "node:path";
import type { Tree } from "../change/change.ts";
import { createCallCache } from "../nix/attributes.ts";
import { parseHash } from "../nix/hash.ts";
import type { ChangedFod } from "./changed-fods.ts";
import { findFods } from "./find-fods.ts";
import { readMirrors } from "./mirrors.ts";
import { movedTo } from "./moved.ts";
import type { Nix } from "./nix.ts";
import type { VerifyOptions, WantedPin } from "./options.ts";
import { createPacing, type Pacing } from "./pacing.ts";
import { refetchAll } from "./refetch-all.ts";
import { schedule } from "./schedule.ts";
import { fixedOutputPath } from "./store-path.ts";
import { writeTrees } from "./trees.ts";
import type { FodVerdict } from "./verdict.ts";
import { withTestedNix } from "./verify.ts";
import { removeTree } from "./work.ts";

/** What is known of a pin after a round. */
export interface PinResult<Pin extends WantedPin> {
  readonly pin: Pin;
  /** Null: no derivation was found for it. */
  readonly verdict: FodVerdict | null;
  /** Why there is no derivation; "" when there is one. */
  readonly reason: string;
  /** Where its location permanently redirects to. */
  readonly movedTo: string | null;
}

export interface Round {
  readonly seconds: number;
  readonly bytes: number;
  readonly signal: AbortSignal;
}

export interface PinVerifier {
  /** Verifies pins in order. Those for which the round was too short have an interrupted verdict, or none. */
  verify<Pin extends WantedPin>(pins: readonly Pin[], round: Round): Promise<readonly PinResult<Pin>[]>;
}

/**
 * Gives `use` a verifier for the pins of a tree; nothing of it is left afterwards.
 * @throws VerifodError (outside) when there is no Nix that can be relied on, or the repository lacks files
 */
export async function withPinVerifier<T>(
  tree: Tree,
  options: VerifyOptions,
  use: (verifier: PinVerifier) => Promise<T>,
): Promise<T> {
  return withTestedNix(options, async (nix) => {
    options.onProgress?.({ kind: "step", text: "writing the tree" });
    const roots = `${nix.work}/trees`;
    const commits = { base: tree.commit, head: tree.commit };
    const { head: directory } = await writeTrees(options.repository, commits, roots);
    const mirrors = await readMirrors(nix, directory, roots, options.evaluation);
    const pacing = createPacing(options.hostDelaySeconds);
    const lists = createCallCache();
    return use({
      async verify(pins, { seconds, bytes, signal }) {
        const within = { ...options, pacing, signal, totalSeconds: seconds, totalBytes: bytes };
        const { fods, missing } = await findFods(nix, { tree, directory, roots, lists }, pins, within);
        const verdicts = await refetchAll(nix, fods, mirrors, within);
        await forget(nix, fods, verdicts);
        const moved = await askMoved(verdicts, pacing, within);
        return pins.map((pin) => {
          const verdict = verdictOn(pin, verdicts);
          const reason = verdict ? "" : (missing.get(pin.path) ?? "no evaluated derivation has the hash");
          return { pin, verdict, reason, movedTo: (verdict && moved.get(verdict.drvPath)) ?? null };
        });
      },
    });
  });
}

/** The verdict on a pin; of several derivations with its hash, the one of its package counts. */
function verdictOn({ hash, name }: WantedPin, verdicts: readonly FodVerdict[]): FodVerdict | null {
  const fitting = verdicts.filter(({ declared }) => declared === hash);
  return fitting.find(({ neededBy }) => name !== null && neededBy.includes(name)) ?? fitting[0] ?? null;
}

/** Removes what was fetched from our own store: a long patrol would fill the disk. */
async function forget(nix: Nix, fods: readonly ChangedFod[], verdicts: readonly FodVerdict[]): Promise<void> {
  if (!nix.store.sandbox) return;
  const outputs = new Map(fods.map(({ derivation, output }) => [derivation.path, output]));
  const paths = verdicts.flatMap(({ drvPath, name, got, declared }) => {
    const output = outputs.get(drvPath);
    const hashes = [got, declared].flatMap((hash) => (hash === null ? [] : (parseHash(hash) ?? [])));
    return output ? hashes.map((hash) => fixedOutputPath(nix.store.directory, name, output.mode, hash)) : [];
  });
  const all = [...new Set(paths)];
  if (all.length === 0) return;
  const { status } = await nix.run("nix-store", ["--delete", ...all], { seconds: 60 + all.length });
  if (status === 0) return;
  for (const path of all) {
    const alone = await nix.run("nix-store", ["--delete", path], { seconds: 60 });
    // A path that Nix does not know as valid is a leftover.
    if (alone.status !== 0) await removeTree(`${nix.store.files}/${basename(path)}`);
  }
}

/** Where the locations that answered have moved, by derivation. */
async function askMoved(
  verdicts: readonly FodVerdict[],
  pacing: Pacing,
  { allowedHosts, parallel, signal }: VerifyOptions,
): Promise<ReadonlyMap<string, string>> {
  const moved = new Map<string, string>();
  const asked = verdicts.flatMap(({ got, drvPath, locations: [url] }) =>
    got !== null && url !== undefined && URL.canParse(url) ? [{ drvPath, url, host: new URL(url).host }] : [],
  );
  const isOver = (host: string) => signal?.aborted === true || pacing.isFar(host);
  const readyAt = ({ host }: { host: string }) => (isOver(host) ? 0 : pacing.readyAt(host));
  await schedule(
    asked,
    ({ host }) => host,
    { total: parallel, perKey: 1, readyAt },
    async ({ drvPath, url, host }) => {
      if (isOver(host)) return;
      const to = await movedTo(url, allowedHosts, signal);
      pacing.ended(host, null);
      if (to !== null) moved.set(drvPath, to);
    },
  );
  return moved;
}
