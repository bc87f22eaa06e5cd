/**
 * What a pin is fetched with beside its location: the arguments that decide which bytes the hash is of. Where they change
 * and the hash does not, caches answer by the hash, and what the text says was never done.
 */
import { asSet } from "./evaluate.ts";
import { fetcherNamed } from "./fetchers.ts";
import { isHashName } from "./hash-names.ts";
import type { RecipePart, SourceRole } from "./model.ts";
import type { Session } from "./session.ts";
import { asText, knownText, type SetValue, type Value } from "./value.ts";

/** What known fetchers do with what they fetch, before the hash is taken. */
const STEPS = new Set([
  "fetchSubmodules",
  "leaveDotGit",
  "deepClone",
  "fetchLFS",
  "fetchTags",
  "sparseCheckout",
  "nonConeMode",
  "rootDir",
  "postFetch",
  "extraPostFetch",
  "postCheckout",
  "stripRoot",
  "stripLen",
  "extraPrefix",
  "revert",
  "includes",
  "excludes",
  "relative",
  "decode",
  "recursiveHash",
  "executable",
]);
/** What the dependencies are read from. */
const INPUTS = new Set(["src", "yarnLock", "lockFile", "data", "prePatch", "postPatch"]);
/** What a builder makes them from, beside the source. */
const BUILDER_INPUTS = new Set(["proxyVendor", "deleteVendor", "modRoot", "cargoRoot", "npmRoot"]);
/** What says which thing it is where no fetcher in sight makes an address of it. */
const IDENTITY =
  /^(?:publisher|owner|repo|org|group(?:Id)?|artifactId|project|domain|seed|node|did|arch|registry\w*|(?:image|crate|game|app|base|file)\w*|host|slug|gem|pkg|server|site)$/i;

/** The parts of what a pin is fetched with, by name; those that have their default value are left out. */
export function recipeOf(
  session: Session,
  attributes: SetValue,
  fetcher: string | null,
  hashName: string,
  role: SourceRole,
): readonly RecipePart[] {
  const isPart = partsOf(fetcher, hashName, role);
  const parts: RecipePart[] = [];
  for (const [name, entry] of attributes.entries) {
    if (!isPart(name) || isHashName(name)) continue;
    const text = textOf(session, entry());
    if (text !== "") parts.push({ name, text });
  }
  return parts.sort((a, b) => (a.name < b.name ? -1 : 1));
}

function partsOf(fetcher: string | null, hashName: string, role: SourceRole): (name: string) => boolean {
  const known = fetcherNamed(fetcher);
  if (role === "dependencies") return (name) => (known ? INPUTS : BUILDER_INPUTS).has(name);
  if (known) return (name) => STEPS.has(name) && !known.location.includes(name);
  if (hashName === "outputHash") return (name) => !OF_NO_SCRIPT.test(name);
  return (name) => IDENTITY.test(name) || STEPS.has(name);
}

/** Attributes of a fixed-output derivation that only name it, or say with which tools its script runs. */
const OF_NO_SCRIPT =
  /^(?:name|pname|version|meta|passthru|(?:native|propagated)?(?:Native)?BuildInputs|(?:native|build|propagated\w*)Inputs|impureEnvVars|outputHash\w*|preferLocalBuild|allowSubstitutes|strictDeps|__\w+|dont\w+|do\w+)$/i;

/** A value for comparing; "" for one that is as good as absent. */
function textOf(session: Session, value: Value): string {
  switch (value.kind) {
    case "null":
      return "";
    case "bool":
      return value.value ? "true" : "";
    case "list":
      return value.items.length === 0
        ? ""
        : `[${value.items.map((item) => textOf(session, item())).join(" ")}]`;
    case "call":
      // Another source is another pin's change.
      return fetcherNamed(value.name) || hasHash(session, value) ? "a source" : value.text;
    case "set":
    case "function":
    case "builtin":
      return "";
    case "text":
      return knownText(value) ?? asText(value)?.value ?? "";
    default:
      return asText(value)?.value ?? "";
  }
}

function hasHash(session: Session, value: Value): boolean {
  return [...(asSet(session, value)?.entries.keys() ?? [])].some(isHashName);
}
