/** Addresses that follow from what a set says of its hash, where the text names no fetcher. */
import { type FetcherArguments, joinTexts, type Location } from "./fetchers.ts";
import type { PackageFacts } from "./packages.ts";

/** Where what a set with a hash describes is fetched from; null: it describes nothing that is known here. */
export function impliedLocation(
  args: FetcherArguments,
  names: readonly string[],
  around: PackageFacts,
): Location | null {
  return gem(args, names, around) ?? extension(args);
}

/** Where nixpkgs looks for an entry of a `gemset.nix`, in which its registry and its name stand; null: it is none. */
function gem(
  args: FetcherArguments,
  names: readonly string[],
  { version, pname }: PackageFacts,
): Location | null {
  if (args.text("type")?.value !== "gem") return null;
  const [holder = "", key] = names;
  // `buildRubyGem { gemName = …; source.sha256 = …; }`: the set may have any name.
  const name = args.text("gemName")?.value ?? pname ?? key;
  if (name === undefined || version === null || !/^(?:source|targets)$/.test(holder)) return null;
  const target = args.text("target");
  const platform = target && target.value !== "ruby" ? `-${target.value}` : "";
  const remotes = args.texts("remotes") ?? [{ value: "https://rubygems.org", resolved: true }];
  return {
    urls: remotes.map(({ value, resolved }) => ({
      value: `${value.replace(/\/$/, "")}/gems/${name}-${version}${platform}.gem`,
      resolved: resolved && (target?.resolved ?? true) && !version.includes("${"),
    })),
    rev: null,
  };
}

/**
 * An extension in the marketplace of Visual Studio Code, as `mktplcRef` names one: nixpkgs makes the address in
 * mktplcExtRefToFetchArgs.nix.
 */
function extension(args: FetcherArguments): Location | null {
  const [publisher, name, version] = [args.text("publisher"), args.text("name"), args.text("version")];
  if (!publisher || !name || !version || args.text("url") || args.text("urls")) return null;
  const arch = args.text("arch");
  const url = joinTexts(
    "https://",
    publisher,
    ".gallery.vsassets.io/_apis/public/gallery/publisher/",
    publisher,
    "/extension/",
    name,
    "/",
    version,
    "/assetbyname/Microsoft.VisualStudio.Services.VSIXPackage",
    arch && arch.value !== "" ? joinTexts("?targetPlatform=", arch) : "",
  );
  return { urls: [url], rev: null };
}
