/** The verdict on a changed FOD, with all that it is based on. */
import { formatSri } from "../nix/hash.ts";
import type { ChangedFod } from "./changed-fods.ts";
import { attributesOf, type Derivation, fixedOutput } from "./drv.ts";
import type { Nix } from "./nix.ts";
import { verifiesTls } from "./nix-version.ts";
import { declaredLocations, type Plan } from "./plan.ts";
import { type Fetch, type FodVerdict, fetchedUrls, type Judgement } from "./verdict.ts";

/** The verdict. `more`: what is known of it beside the judgement, where something was fetched. */
export function verdictOf(
  fod: ChangedFod,
  plan: Plan,
  judgement: Judgement,
  more: Partial<FodVerdict>,
): FodVerdict {
  const base = fod.base && fixedOutput(fod.base);
  return {
    name: fod.derivation.name,
    drvPath: fod.derivation.path,
    attrs: fod.attrs,
    neededBy: fod.neededBy,
    declared: formatSri(fod.output.hash),
    got: judgement.got,
    outcome: judgement.outcome,
    reason: withChange(fod, judgement),
    introduced: true,
    urls: plan.urls.map((url) => ({ url, finalUrl: null, status: null, bytes: null })),
    seconds: 0,
    change: fod.change,
    place: null,
    locations: declaredLocations(fod.derivation),
    ...argumentsOf(fod.derivation),
    before: base ? formatSri(base.hash) : null,
    authenticated: null,
    opaque: plan.kind === "ways" && plan.ways.some(({ via }) => via === "builder"),
    forgedReports: 0,
    builder: null,
    interrupted: false,
    command: null,
    ...more,
  };
}

/** Arguments of nixpkgs' fetchers that decide which part of a location becomes the content. */
const FLAGS = [
  "outputHashMode",
  "unpack",
  "executable",
  "stripRoot",
  "fetchSubmodules",
  "fetchLFS",
  "fetchTags",
  "deepClone",
  "leaveDotGit",
  "sparseCheckout",
  "rootDir",
  "postFetch",
  "curlOpts",
];

function argumentsOf(derivation: Derivation): Pick<FodVerdict, "rev" | "flags"> {
  const attributes = attributesOf(derivation);
  const flags = FLAGS.flatMap((name) => {
    const value = attributes[name];
    const text = typeof value === "string" || value === undefined ? (value ?? "") : JSON.stringify(value);
    return text === "" ? [] : [[name, text] as const];
  });
  return {
    rev: typeof attributes.rev === "string" && attributes.rev !== "" ? attributes.rev : null,
    flags: Object.fromEntries(flags),
  };
}

/** The reason of a verdict, with the cache attack named whatever the fetch shows, since caches answer with the old content. */
function withChange({ change }: ChangedFod, { outcome, reason }: Judgement): string {
  if (outcome === "match") return reason;
  switch (change) {
    case "fetch-spec-changed-hash-kept":
      return `${reason}; where it is fetched from changed while its hash and name did not, so that every cache answers with the old content`;
    case "renamed-hash-kept":
      return `${reason}; its name changed while its hash did not`;
    case "added":
    case "changed":
      return reason;
  }
}

/** What fetches show beside the hashes that came. */
export function evidenceOf(nix: Nix, fetches: readonly Fetch[]): Partial<FodVerdict> {
  const attempts = fetches.flatMap((fetch) => fetch.attempts);
  const urls = fetches.flatMap(fetchedUrls);
  return {
    authenticated: authenticated(nix, fetches),
    forgedReports: attempts.reduce((sum, { forged }) => sum + forged, 0),
    ...(urls.length > 0 ? { urls } : {}),
  };
}

function authenticated(nix: Nix, fetches: readonly Fetch[]): FodVerdict["authenticated"] {
  const answers = fetches
    .filter(({ attempts }) => attempts.some(({ transfers }) => transfers.some(({ bytes }) => bytes > 0)))
    .map(({ via, secure, attempts }) => {
      // A builder may not check certificates, as nixpkgs' fetchurl does not when it knows the hash.
      const plain = attempts.some(({ transfers }) => transfers.some(({ url }) => url !== null));
      return via === "nix" && secure && !plain && verifiesTls(nix.version);
    });
  if (answers.length === 0) return null;
  if (answers.every(Boolean)) return "yes";
  return answers.some(Boolean) ? "mixed" : "no";
}
