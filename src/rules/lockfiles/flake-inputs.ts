/**
 * Inputs of a `flake.nix` that come from elsewhere while the `flake.lock` beside stays: the next evaluation that may write it
 * locks what is there then. https://nix.dev/manual/nix/2.28/command-ref/new-cli/nix3-flake.html#lock-files
 */
import type { Setting } from "../../nix/model.ts";
import { parseLocation } from "../../origin/location.ts";
import { fileAt } from "../_index.ts";
import { lastName, settingFinding, shownValue } from "../_settings.ts";
import { argument, fileName, visible } from "../_text.ts";
import type { Facts, RuleFinding } from "../rule.ts";
import { flake } from "./others.ts";

/** The inputs of flakes that the change takes from other repositories. */
export function* movedInputs(facts: Facts): Iterable<RuleFinding> {
  for (const change of facts.settings) {
    const { before, after } = change;
    if (before === null || after === null || fileName(after.path) !== "flake.nix") continue;
    const name = inputOf(after);
    // `owner`, `repo` and `host` of an input in parts decide it, each alone.
    const isPart = lastName(after) !== "url";
    const [old, now] = isPart ? [textOf(before), textOf(after)] : [placeOf(before), placeOf(after)];
    if (name === null || old === null || now === null || old === now) continue;
    const lock = fileAt(facts, "head", after.path.replace(/nix$/, "lock"))?.head ?? "";
    if (isPart ? lock.toLowerCase().includes(`"${now}"`) : locks(lock, now)) continue;
    yield settingFinding(change, {
      severity: "high",
      confidence: "high",
      title: "Flake input from another repository",
      message: [
        `flake.nix: \`${visible(name, 60)}\` is now ${shownValue(after)} (before: ${shownValue(before)}).`,
        "No flake.lock of the change locks it: whoever evaluates next takes what the new repository has then.",
        "Clear it by a word on whose repository it is, and by a flake.lock that goes with it.",
        `Check with: git diff HEAD^ HEAD -- ${argument(after.path)}`,
      ].join(" "),
      identity: ["flake input", name],
    });
  }
}

/** Whether a changed `flake.lock` locks something from a place: then what it had before is compared there. */
function locks(lock: string, place: string): boolean {
  try {
    return flake.read(lock).some(({ location }) => location !== null && placeIn(location) === place);
  } catch {
    return false;
  }
}

/** The input whose address a setting is: `utils.nixpkgs` of `inputs.utils.inputs.nixpkgs.url`; null: it is none. */
function inputOf({ attributes }: Setting): string | null {
  const [, names = ""] = /^((?:inputs\0[^\0]+\0)+)(?:url|owner|repo|host)$/.exec(attributes.join("\0")) ?? [];
  return names === ""
    ? null
    : names
        .split("\0")
        .filter((_, index) => index % 2 === 1)
        .join(".");
}

const FORGES: Readonly<Record<string, string>> = {
  github: "github.com",
  gitlab: "gitlab.com",
  sourcehut: "git.sr.ht",
};

const textOf = ({ value }: Setting) => (value.kind === "string" ? value.value.toLowerCase() : null);

/** Who decides what a flake reference is, and in which repository; null where the text does not say, as of `nixpkgs`. */
function placeOf({ value }: Setting): string | null {
  return value.kind === "string" ? placeIn(value.value) : null;
}

function placeIn(reference: string): string | null {
  const [, forge = "", path = ""] = /^(github|gitlab|sourcehut):([^/?#]+\/[^/?#]+)/.exec(reference) ?? [];
  const host = /[?&]host=([^&#]+)/.exec(reference)?.[1] ?? FORGES[forge];
  const url = path === "" ? reference.replace(/^(?:git|hg|tarball|file)\+/, "") : `https://${host}/${path}`;
  const owner = parseLocation({ value: url, resolved: true })?.owner;
  return owner ? `${owner.id} ${owner.repository?.name ?? ""}`.toLowerCase() : null;
}
