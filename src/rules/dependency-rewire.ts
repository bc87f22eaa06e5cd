import type { SettingChange } from "../pair/settings.ts";
import type { Severity } from "../report/review.ts";
import {
  isNewPackage,
  isScript,
  isTestPath,
  lastName,
  lastPart,
  listDifference,
  newSettings,
  nowSentence,
  settingFinding,
  stringsOf,
} from "./_settings.ts";
import { compareNumbers } from "./_version.ts";
import type { Rule } from "./rule.ts";

export const rule: Rule = {
  id: "dependency-rewire",
  threat: "A55",
  description: "A dependency is replaced by a weaker or foreign one of nearly the same name",
  severity: "high",
  *check(facts) {
    for (const change of newSettings(facts)) {
      const { after } = change;
      if (isTestPath(after.path) || isNewPackage(facts, after) || isScript(facts, after)) continue;
      const rewired = rewiredIn(change);
      if (!rewired) continue;
      yield settingFinding(change, {
        severity: rewired.severity,
        confidence: "medium",
        title: rewired.what,
        message: [
          nowSentence(change),
          rewired.why,
          "The upstream's own requirement of that variant, named in the recipe, would clear this.",
          "See what it is built against: nix-store --query --references $(nix-instantiate -A ATTRIBUTE)",
        ].join(" "),
      });
    }
  },
};

interface Rewired {
  readonly what: string;
  readonly why: string;
  readonly severity: Severity;
}

const WEAKER =
  "The variant is older, has known weaknesses, or leaves out what the other checks; whoever uses the package gets that with it.";

const INPUTS =
  /^(propagated)?(native)?(build)?(Native)?(Build)?(host)?[iI]nputs$|^(buildInputs|nativeBuildInputs|propagatedBuildInputs|dependencies|build-system|propagatedNativeBuildInputs)$/i;

function rewiredIn(change: SettingChange): Rewired | null {
  const { after, before } = change;
  if (after === null) return null;
  const name = lastName(after);
  if (INPUTS.test(name)) {
    const { added, removed } = listDifference(change);
    for (const item of added) {
      const old = removed.find((each) => isWeakerThan(item, each));
      if (old) return { what: `${old} is replaced by ${item}`, why: WEAKER, severity: "high" };
    }
    return null;
  }
  const library = outsideLibrary(change);
  if (library) {
    return {
      what: `Libraries are taken from ${library}`,
      why: "What stands there on a user's machine, not in the store, is then loaded into the program.",
      severity: "high",
    };
  }
  // `callPackage ./x { openssl = openssl_1_1; }`, `x.override { … }`: the argument's own name says what belongs there.
  const isArgument = /^[a-zA-Z_][\w'-]*(\.[\w'-]+)*$/.test(after.text);
  if (
    isArgument &&
    before !== null &&
    isWeakerThan(after.text, before.text) &&
    stemOf(name) === stemOf(after.text)
  ) {
    return { what: `${name} becomes ${after.text}`, why: WEAKER, severity: "high" };
  }
  if (
    isArgument &&
    before === null &&
    after.attributes.length > 1 &&
    isWeakVariant(after.text) &&
    lastPart(after.text).startsWith(name)
  ) {
    return { what: `${name} becomes ${after.text}`, why: WEAKER, severity: "high" };
  }
  return null;
}

/** `openssl` of `pkgs.openssl_1_1`, `openssl_legacy` and `openssl-unsafe`. */
function stemOf(path: string): string {
  let stem = lastPart(path).toLowerCase();
  for (let before = ""; before !== stem; ) {
    before = stem;
    stem = stem
      .replace(/[-_]?(?:legacy|insecure|unsafe|oldstable|old|vendored|bundled|unstable)$/, "")
      .replace(/(?:[-_]?v)?(?<![\d._-])[\d._-]+$/, "");
  }
  return stem;
}

function isWeakVariant(path: string): boolean {
  return (
    /[-_]?(legacy|insecure|unsafe|vendored|bundled)$/i.test(lastPart(path)) ||
    /^(openssl_1\w*|openssl_3_0|python2\w*|gnutls_?2\w*|libressl_[23]_\w+)$/.test(lastPart(path))
  );
}

/** Whether `now` is a variant of the library `old` that is weaker by its name or version. */
function isWeakerThan(now: string, old: string): boolean {
  if (now === old || stemOf(now) === "" || stemOf(now) !== stemOf(old)) return false;
  if (isWeakVariant(now) && !isWeakVariant(old)) return true;
  const [a, b] = [versionIn(now), versionIn(old)];
  return SECURITY.test(stemOf(now)) && a !== null && b !== null && compareNumbers(a, b) < 0;
}

/** Libraries of which an older version is a security problem by itself. */
const SECURITY =
  /^(openssl|gnutls|libressl|nss|mbedtls|wolfssl|botan|libgcrypt|libsodium|curl|libssh2?|expat|zlib|xz|libxml2|openssh|gnupg|webkitgtk|nodejs|electron)$/;

function versionIn(path: string): readonly number[] | null {
  const found = /(?<!\d|\d_)(\d[\d_]*)$/.exec(lastPart(path))?.[1];
  return found ? found.split("_").map(Number) : null;
}

/** A path outside the store, and what stands before it: an option, a setting, or nothing. */
const OUTSIDE = /(-rpath[ ,=]+|-L ?|=|^)(\/(?!nix\/store|build\/|run\/opengl-driver)[a-z][\w./-]*)/g;

/** The first path in which a flag makes the linker or loader look. */
function libraryPathIn(text: string): string | undefined {
  let from = 0;
  for (const { 0: whole, 1: option = "", 2: path, index } of text.matchAll(OUTSIDE)) {
    // After `=` only in a word like `-DCMAKE_INSTALL_RPATH:STRING=/usr/lib`.
    if (option !== "=" || text.slice(from, index).split(/\s/).at(-1)?.includes("RPATH")) return path;
    from = index + whole.length;
  }
  return undefined;
}

/** A library path outside the store that the linker or loader is newly given. */
function outsideLibrary({ before, after }: SettingChange): string | null {
  if (
    after === null ||
    !/LDFLAGS|LIBRARY_PATH|rpath|RPATH|LD_PRELOAD|linkFlags|configureFlags|cmakeFlags/.test(lastName(after))
  )
    return null;
  const old = before?.text ?? "";
  for (const text of stringsOf(after)) {
    const path = libraryPathIn(text);
    if (path && !old.includes(path) && /rpath|-L|LIBRARY_PATH|PRELOAD/i.test(text + lastName(after)))
      return path;
  }
  return null;
}
