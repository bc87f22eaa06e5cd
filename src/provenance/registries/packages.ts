/** From a pin to the file of a package registry that it fetches. Pure functions; their input is hostile. */
import type { Source } from "../../nix/model.ts";
import { isGem } from "../../nix/pin.ts";
import { type Location, locationsOf } from "../../origin/location.ts";
import { REGISTRY_NAMES, type RegistryName } from "../answers.ts";

/** A file of a version of a package, as its registry calls them. Name and version are safe in a path. */
export interface PackageFile {
  readonly registry: RegistryName;
  readonly name: string;
  readonly version: string;
  /** The name of the file; null where a version has only one file. */
  readonly file: string | null;
  /** Of a gem, as `x86_64-linux`. */
  readonly platform: string | null;
}

type Found = Pick<PackageFile, "version"> & Partial<PackageFile>;

interface Naming {
  /** What the registry takes for a name. */
  readonly name: RegExp;
  /** The version in a location; `name` is the package that the location names. Null: it is no file of a version. */
  readonly read: (path: string, name: string, source: Source) => Found | null;
}

/** What all registries accept as a version; nothing else gets into a path. */
const VERSION = /^[0-9A-Za-z][\w.+~!-]{0,127}$/;

const NAMINGS: Readonly<Record<RegistryName, Naming>> = {
  // https://doc.rust-lang.org/cargo/reference/manifest.html#the-name-field
  "crates.io": {
    name: /^[A-Za-z0-9_-]{1,64}$/,
    read(path, name) {
      const version =
        /\/([^/]+)\/download$/.exec(path)?.[1] ??
        between(path.slice(path.lastIndexOf("/") + 1), `${name}-`, ".crate");
      return version ? { version } : null;
    },
  },
  // https://packaging.python.org/en/latest/specifications/name-normalization/
  PyPI: { name: /^[a-z0-9](?:[a-z0-9-]{0,126}[a-z0-9])?$/, read: readPypi },
  // https://docs.npmjs.com/cli/v11/configuring-npm/package-json#name; old names have capitals
  npm: {
    name: /^(?:@[\w~-][\w.~-]{0,127}\/)?[\w~-][\w.~-]{0,213}$/,
    read(path, name) {
      const version = between(path, `/${name}/-/${name.replace(/^@[^/]*\//, "")}-`, ".tgz");
      return version ? { version } : null;
    },
  },
  // https://guides.rubygems.org/specification-reference/#name
  RubyGems: { name: /^\w[\w.-]{0,127}$/, read: (path, _, source) => readGem(path, source) },
  // https://github.com/hexpm/specifications/blob/main/package_metadata.md
  Hex: {
    name: /^[a-z][a-z0-9_]{0,127}$/,
    read(path, name) {
      const version = between(path, `/tarballs/${name}-`, ".tar");
      return version ? { version } : null;
    },
  },
  // https://hackage.haskell.org/api#core; other files of a package are no archive of a version
  Hackage: {
    name: /^[A-Za-z0-9]+(?:-[A-Za-z0-9]+){0,20}$/,
    read(path, name) {
      const version = between(path.slice(path.lastIndexOf("/") + 1), `${name}-`, ".tar.gz");
      return version && /^\d+(?:\.\d+)*$/.test(version) ? { version } : null;
    },
  },
};

function between(text: string, start: string, end: string): string | null {
  return text.startsWith(start) && text.endsWith(end) && text.length > start.length + end.length
    ? text.slice(start.length, -end.length)
    : null;
}

/** The file of a registry that a pin fetches, by the first of its locations that is one; null: none is. */
export function packageFileOf(source: Source): PackageFile | null {
  // Which of several registries has a gem, is not known.
  if (source.role === "dependencies" || (isGem(source) && source.urls.length !== 1)) return null;
  for (const location of locationsOf(source)) {
    const found = fileAt(location, source);
    if (found) return found;
  }
  return null;
}

/** Whether two pins fetch the same file, from whatever mirror. */
export function isSameFile(a: PackageFile, b: PackageFile): boolean {
  const keys = ["registry", "name", "version", "file", "platform"] as const;
  return keys.every((key) => a[key] === b[key]);
}

function fileAt(location: Location, source: Source): PackageFile | null {
  const { kind, owner, resolved, userinfo, port } = location;
  if (kind !== "registry" || !owner || !resolved || userinfo !== null || port !== null) return null;
  const registry = REGISTRY_NAMES.find((name) => name === owner.domain);
  if (!registry) return null;
  const naming = NAMINGS[registry];
  const path = unescaped(location.path);
  // The slash behind a scope may be escaped.
  const name = registry === "npm" ? /^\/(.+)\/-\//.exec(path)?.[1] : owner.id.slice(registry.length + 1);
  const found = name !== undefined && naming.name.test(name) ? naming.read(path, name, source) : null;
  return found && checked({ registry, name: name ?? "", file: null, platform: null, ...found });
}

/** Null: the registry accepts no such name or version. */
function checked(file: PackageFile): PackageFile | null {
  return NAMINGS[file.registry].name.test(file.name) && VERSION.test(file.version) ? file : null;
}

/** A text that cannot be unescaped is left as it is, and no registry accepts it as a name. */
function unescaped(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

/** https://packaging.python.org/en/latest/specifications/binary-distribution-format/ and source-distribution-format */
const PYTHON_ARCHIVE = /\.(?:tar\.(?:gz|bz2|xz|Z)|tgz|tbz|zip|whl|egg)$/;

function readPypi(path: string, name: string): Found | null {
  const file = path.slice(path.lastIndexOf("/") + 1);
  const extension = PYTHON_ARCHIVE.exec(file)?.[0];
  if (extension === undefined) return null;
  const stem = file.slice(0, -extension.length);
  if (extension === ".whl" || extension === ".egg") {
    const version = stem.split("-")[1];
    return version ? { version, file } : null;
  }
  // A name is spelled with any of `-`, `_` and `.`, as many as one likes.
  const spelled = new RegExp(`^${name.split("-").join("[-_.]+")}-(.+)$`, "i");
  const version = spelled.exec(stem)?.[1];
  return version ? { version, file } : null;
}

/** `NAME-VERSION.gem` or `NAME-VERSION-PLATFORM.gem`; where the dashes leave a choice, the pin's own version decides. */
function readGem(path: string, { version }: Source): Found | null {
  const stem = between(path.slice(path.lastIndexOf("/") + 1), "", ".gem");
  if (stem === null) return null;
  const choices = [...stem.matchAll(/-(?=\d)/g)].flatMap(({ index }) => {
    const [, number = "", platform] = /^(\d[0-9A-Za-z.]*)(?:-(.+))?$/.exec(stem.slice(index + 1)) ?? [];
    return number === ""
      ? []
      : [{ name: stem.slice(0, index), version: number, platform: platform ?? "ruby" }];
  });
  return (
    choices.find((choice) => choice.version === version) ?? (choices.length === 1 ? choices[0] : null) ?? null
  );
}
