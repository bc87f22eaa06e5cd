/** Files that somebody built or uploaded, in place of what a forge packs from a tag. */
import type { Source } from "../nix/model.ts";
import { type Location, locationsOf } from "../origin/location.ts";
import type { Pair } from "./_events.ts";
import { otherChangedLines, packageText } from "./_package.ts";
import type { Facts } from "./rule.ts";

/** Names of files that hold programs for one platform. */
const BINARY_NAME =
  /[-_.](linux|darwin|macos|osx|windows|win(32|64)|x64|x86[-_]64|amd64|i[36]86|ia32|aarch64|arm64|armv[67]\w*|musl|gnu|universal)([-_.]|$)/i;
const BINARY_SUFFIX =
  /\.(deb|rpm|appimage|dmg|pkg|exe|msi|vsix|jar|war|apk|snap|flatpak|run|whl|nupkg|phar|xpi|crx|wasm|msix|ipk)$/i;
/** A source archive may name a platform too: `win32-src`. */
const SOURCE_NAME = /[-_.](src|source|sources|orig|dist)([-_.]|$)/i;

/** Whether the file at a location is a program and no source, by its name. */
export function isBinary({ path, scheme, owner }: Location): boolean {
  // Images of containers, and packages of .NET, hold what was built.
  if (scheme === "docker" || owner?.domain === "NuGet") return true;
  const file = path.slice(path.lastIndexOf("/") + 1).replace(/\$\{[^}]{0,500}\}/g, "");
  return BINARY_SUFFIX.test(file) || (BINARY_NAME.test(file) && !SOURCE_NAME.test(file));
}

/** Whether a source is a commit, or what a forge packs from one. */
function isFromGit(source: Source): boolean {
  const [first] = locationsOf(source);
  return first !== undefined && (first.kind === "archive" || first.kind === "clone" || first.kind === "raw");
}

/** Whether the source was what a forge packs from a tag, and is now a file that somebody uploaded to it or a registry. */
export function isAssetInsteadOfGit({ before, after }: Pair): boolean {
  const [old] = locationsOf(before);
  const [current] = locationsOf(after);
  if (!old || !current || !isFromGit(before) || after.role === "patch") return false;
  return current.kind === "registry" || (current.kind === "asset" && old.owner?.id === current.owner?.id);
}

/** What a recipe needs for programs that others built. */
const UNPACKS_BINARIES = /\bautoPatchelfHook\b|\bappimageTools\b|\bundmg\b|\brpmextract\b|--set-interpreter/;

function unpacksBinaries(facts: Facts, pair: Pair): boolean {
  const text = packageText(facts, "head", pair.after);
  const lines = otherChangedLines(facts, pair) ?? [];
  return lines.some((line) => UNPACKS_BINARIES.test(line) && (text ?? "").includes(line));
}

/** Whether a source that was no program is one now, by its name or by what the recipe needs for it. */
export function isPrebuiltSwitch(facts: Facts, pair: Pair): boolean {
  const [before] = locationsOf(pair.before);
  const [after] = locationsOf(pair.after);
  if (!before || !after || pair.after.role !== "source" || isBinary(before)) return false;
  return (
    isBinary(after) || (isFromGit(pair.before) && !isFromGit(pair.after) && unpacksBinaries(facts, pair))
  );
}
