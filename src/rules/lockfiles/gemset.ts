/** `gemset.nix`, as bundix writes it, in whatever layout. */
import { isFields, type NixData, type NixFields, readNixData } from "../../nix/nix-data.ts";
import { entry, hostOf, integrityOf, type LockEntry, type LockFormat, listOf, textOf } from "./entry.ts";

const REGISTRY = "rubygems.org";

/** The sets in a gem's set that say from where something is fetched: its source, and those of platforms. */
function sourcesOf(data: NixData): readonly NixFields[] {
  if (Array.isArray(data)) return data.flatMap(sourcesOf);
  if (!isFields(data)) return [];
  const own = ["sha256", "hash", "remotes", "url", "path"].some((key) => data.has(key)) ? [data] : [];
  return [...own, ...[...data.values()].flatMap(sourcesOf)];
}

const NOTHING: NixFields = new Map();

function readGemset(text: string): readonly LockEntry[] {
  const gems = readNixData(text);
  if (!isFields(gems)) throw new Error("no attribute set");
  return [...gems].flatMap(([name, gem]) => {
    if (!isFields(gem)) throw new Error(`${name} is no attribute set`);
    const version = textOf(gem.get("version"));
    const sources = sourcesOf(gem);
    return (sources.length === 0 ? [NOTHING] : sources).map((fields) => {
      const git = textOf(fields.get("url"));
      const path = textOf(fields.get("path"));
      const remotes = listOf(fields.get("remotes")).flatMap((remote) => textOf(remote) ?? []);
      return entry({
        name,
        version,
        // Of several registries, the one that does not go without saying.
        location: git ?? remotes.find((remote) => hostOf(remote) !== REGISTRY) ?? remotes[0] ?? path,
        origin: git !== null ? "git" : path !== null ? "path" : "registry",
        hashes: integrityOf(fields.get("sha256") ?? fields.get("hash")),
      });
    });
  });
}

export const gemset: LockFormat = { ecosystem: "gem", registries: [REGISTRY], read: readGemset };
