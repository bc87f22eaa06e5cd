import type { Source } from "../nix/model.ts";
import { told } from "../provenance/answers.ts";
import { compareChecksum, ofOtherBytes } from "../provenance/checksum.ts";
import { isSameFile, type PackageFile, packageFileOf } from "../provenance/registries/packages.ts";
import { weaknessOf } from "./_hashes.ts";
import { checkCommand, headAt, pinName } from "./_pins.ts";
import type { Facts, Rule, RuleFinding, Undecided } from "./rule.ts";

/**
 * A registry gives one checksum for each file, and never another. A hash that is not the same is of other bytes: a fetch of
 * the location fails, and whoever has those bytes under the file's name builds from them.
 */
export const rule: Rule = {
  id: "registry-checksum-mismatch",
  threat: "A01",
  description:
    "The package registry gives another checksum for the file than the hash that it is pinned with",
  severity: "block",
  check,
  undecided,
};

function* check(facts: Facts): Iterable<RuleFinding> {
  for (const { source, file } of hashesOf(facts)) {
    const said = told(facts.upstream?.pins.get(source)?.registry ?? null);
    const compared = said && compareChecksum(source, said);
    if (compared?.kind !== "disagrees") continue;
    const what = `${file.name} ${file.version}`;
    yield {
      severity: "block",
      confidence: "high",
      title: `${pinName(source)}: ${file.registry} has another checksum for ${what}`,
      message: [
        `${file.registry} gives ${compared.registry} for ${file.file ?? what}, the pin has ${source.hash}.`,
        "A registry never replaces the file of a version, so the pinned hash is of other bytes: the fetch fails, and where somebody has those bytes in a store or cache under the file's name, they are built.",
        `The registry's checksum as the hash clears this. To see what the location serves: ${checkCommand(source)}`,
      ].join(" "),
      at: headAt(source.hashSpan),
      before: source.hash,
      after: compared.registry,
      evidence: ["static", "forge"],
      related: [],
      identity: [
        file.registry,
        file.name,
        file.version,
        file.file ?? file.platform ?? "",
        String(source.hash),
      ],
    };
  }
}

function* undecided(facts: Facts): Iterable<Undecided> {
  for (const { source, file } of hashesOf(facts)) {
    const answer = facts.upstream?.pins.get(source)?.registry ?? null;
    if (!answer || answer.known || ofOtherBytes(source) !== null) continue;
    yield {
      undecided: `whether the hash of ${file.name} ${file.version} is the one that ${file.registry} gives: ${answer.reason}`,
      at: headAt(source.hashSpan),
    };
  }
}

/** Hashes of registry files, without those that the base pins in the same way. */
function* hashesOf({ sources }: Facts): Iterable<{ readonly source: Source; readonly file: PackageFile }> {
  for (const { before, after } of sources) {
    const file = after && packageFileOf(after);
    if (!after || !file || after.hash === null) continue;
    const weakness = weaknessOf(after.hash);
    // Fake and empty hashes are reported by `weak-or-disabled-hash`.
    if (weakness?.kind === "fake" || weakness?.kind === "empty") continue;
    const old = before && packageFileOf(before);
    if (before && old && before.hash === after.hash && isSameFile(old, file)) continue;
    yield { source: after, file };
  }
}
