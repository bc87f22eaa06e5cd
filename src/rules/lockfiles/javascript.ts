/** npm, yarn (both generations) and pnpm. */
import { parse as parseYaml } from "yaml";
import { entry, fieldsOf, integrityOf, type LockEntry, type LockFormat, originOf, textOf } from "./entry.ts";

const REGISTRIES = ["npmjs.org", "yarnpkg.com"].map((domain) => `registry.${domain}`);

/** `node_modules/a/node_modules/@scope/b` → `@scope/b` */
function nameOfPath(path: string): string {
  const marker = "node_modules/";
  const at = path.lastIndexOf(marker);
  return at < 0 ? path : path.slice(at + marker.length);
}

/** A package-lock.json, npm-shrinkwrap.json: https://docs.npmjs.com/cli/configuring-npm/package-lock-json */
function readNpm(text: string): readonly LockEntry[] {
  const root = fieldsOf(JSON.parse(text));
  const entries: LockEntry[] = [];
  const add = (name: string, value: unknown) => {
    const fields = fieldsOf(value);
    const location = textOf(fields.get("resolved")) ?? locationInVersion(textOf(fields.get("version")));
    entries.push(
      entry({
        name: textOf(fields.get("name")) ?? name,
        alias: (textOf(fields.get("name")) ?? name) === name ? null : name,
        version: textOf(fields.get("version")),
        location,
        origin:
          fields.get("link") === true
            ? "path"
            : location === null
              ? "registry"
              : originOf(location, REGISTRIES),
        hashes: integrityOf(fields.get("integrity")),
        runsScripts: fields.get("hasInstallScript") === true,
      }),
    );
  };
  const packages = fieldsOf(root.get("packages"));
  for (const [path, value] of packages) if (path !== "") add(nameOfPath(path), value);
  // Version 1 has only this; version 2 repeats here what `packages` says, for old clients, which believe it.
  const open = [root.get("dependencies")];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    for (const [name, value] of fieldsOf(next)) {
      add(name, value);
      const inner = fieldsOf(value).get("dependencies");
      if (inner !== undefined) open.push(inner);
    }
  }
  return entries;
}

/** Version 1 has git dependencies as a version. */
function locationInVersion(version: string | null): string | null {
  return version !== null && /^[a-z+]{2,20}:/.test(version) ? version : null;
}

/** `"@scope/a@^1.0.0", a@npm:b@2` → the name of the first */
function nameOfPattern(pattern: string): string {
  const first = pattern.split(",", 1)[0]?.trim().replace(/^"|"$/g, "") ?? "";
  const alias = /@npm:(@?[^@]+)@/.exec(first)?.[1];
  const at = first.indexOf("@", 1);
  return alias ?? (at < 0 ? first : first.slice(0, at));
}

/** `a` of `"a@npm:b@^1.0.0"`; null: no alias. */
function aliasOfPattern(pattern: string): string | null {
  const [, alias, name] = /^"?(@?[^@,\s]{1,250})@npm:(@?[^@,\s]{1,250})@/.exec(pattern) ?? [];
  return alias === undefined || alias === name ? null : alias;
}

/** As yarn reads it: both parts with or without quotes and a colon, and a comment after them. */
const YARN_FIELD =
  /^ {2}("(?:[^"\\]|\\.){1,100}"|[a-z]{1,20}):? *("(?:[^"\\]|\\.){0,4000}"|[^"\s:]\S{0,4000})/;
const YARN_FIELDS = new Set(["version", "resolved", "integrity"]);

/** What quotes stand for, as in JSON. */
function unquoted(text: string): string {
  if (!text.startsWith('"')) return text;
  try {
    return String(JSON.parse(text));
  } catch {
    return text.slice(1, -1);
  }
}

/** A yarn.lock of version 1: entries at the margin, fields behind two blanks. */
function readYarnClassic(text: string): readonly LockEntry[] {
  const entries: LockEntry[] = [];
  let name: string | null = null;
  let alias: string | null = null;
  let fields = new Map<string, string>();
  const close = () => {
    if (name === null) return;
    const location = fields.get("resolved") ?? null;
    const fragment = /#([0-9a-f]{40})$/.exec(location ?? "")?.[1];
    const hashes = new Map(integrityOf(fields.get("integrity")));
    if (fragment && !hashes.has("sha1") && hashes.size === 0) hashes.set("sha1", fragment);
    const origin = location === null ? "registry" : originOf(location, REGISTRIES);
    entries.push(entry({ name, alias, version: fields.get("version") ?? null, location, origin, hashes }));
  };
  for (const line of text.split("\n")) {
    if (/^[^\s#]/.test(line) && line.includes(":")) {
      close();
      name = nameOfPattern(line.replace(/:\s*$/, ""));
      alias = aliasOfPattern(line);
      fields = new Map();
      continue;
    }
    const [, key = "", value = ""] = YARN_FIELD.exec(line) ?? [];
    if (YARN_FIELDS.has(unquoted(key))) fields.set(unquoted(key), unquoted(value));
  }
  close();
  return entries;
}

/** A yarn.lock of yarn 2 and later: YAML, with `resolution: "a@npm:1.0.0"`. */
function readYarnBerry(text: string): readonly LockEntry[] {
  const entries: LockEntry[] = [];
  const root = fieldsOf(readYaml(text));
  const cache = textOf(fieldsOf(root.get("__metadata")).get("cacheKey")) ?? "";
  for (const [pattern, value] of root) {
    if (pattern === "__metadata") continue;
    const fields = fieldsOf(value);
    const resolution = textOf(fields.get("resolution")) ?? "";
    const at = resolution.indexOf("@", 1);
    const name = at < 0 ? nameOfPattern(pattern) : resolution.slice(0, at);
    const target = at < 0 ? "" : resolution.slice(at + 1);
    const archive = /__archiveUrl=([^&]+)/.exec(target)?.[1];
    const location = archive === undefined ? (target.startsWith("npm:") ? null : target) : decoded(archive);
    if (target.startsWith("workspace:") || target.startsWith("patch:")) continue;
    entries.push(
      entry({
        name,
        version: textOf(fields.get("version")),
        location,
        origin: location === null ? "registry" : originOf(location, REGISTRIES),
        hashes: checksumOf(textOf(fields.get("checksum")), cache),
      }),
    );
  }
  return entries;
}

/** `10c0/…`: the version of yarn's cache, then the hash of the archive as that version packs it. */
function checksumOf(checksum: string | null, cache: string): ReadonlyMap<string, string> {
  if (checksum === null) return new Map();
  const slash = checksum.indexOf("/");
  return new Map([[`cache ${slash < 0 ? cache : checksum.slice(0, slash)}`, checksum.slice(slash + 1)]]);
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** The library needs some seconds a megabyte for hostile texts; the largest lockfiles of this form have one. */
const MOST_YAML_CHARACTERS = 1_500_000;

function readYaml(text: string): unknown {
  if (text.length > MOST_YAML_CHARACTERS) throw new RangeError("too large");
  return parseYaml(text, YAML_OPTIONS);
}

// Pretty errors look for the line of each: quadratic on a text that is all errors.
const YAML_OPTIONS = {
  prettyErrors: false,
  maxAliasCount: 100,
  strict: false,
  uniqueKeys: false,
  logLevel: "silent",
} as const;

/** A pnpm-lock.yaml: `packages: { "@scope/a@1.0.0": { resolution: { … } } }`, before version 9 with a leading slash. */
function readPnpm(text: string): readonly LockEntry[] {
  const root = fieldsOf(readYaml(text));
  return [...fieldsOf(root.get("packages"))].map(([key, value]) => {
    const fields = fieldsOf(value);
    const resolution = fieldsOf(fields.get("resolution"));
    const plain = key.replace(/^\//, "").split("(", 1)[0] ?? "";
    const at = Math.max(plain.indexOf("@", 1), 0) || plain.lastIndexOf("/");
    const git = textOf(resolution.get("repo"));
    const location =
      (git && `${git}#${textOf(resolution.get("commit")) ?? ""}`) ??
      textOf(resolution.get("tarball")) ??
      textOf(resolution.get("directory"));
    const origin =
      git !== null || resolution.get("type") === "git" ? "git" : resolution.has("directory") ? "path" : null;
    return entry({
      name: textOf(fields.get("name")) ?? (at > 0 ? plain.slice(0, at) : plain),
      version: textOf(fields.get("version")) ?? (at > 0 ? plain.slice(at + 1) : null),
      location,
      origin: origin ?? (location === null ? "registry" : originOf(location, REGISTRIES)),
      hashes: integrityOf(resolution.get("integrity")),
      runsScripts: fields.get("requiresBuild") === true,
    });
  });
}

export const npm: LockFormat = { ecosystem: "npm", registries: REGISTRIES, namesInUrls: true, read: readNpm };
export const yarn: LockFormat = {
  ecosystem: "yarn",
  registries: REGISTRIES,
  namesInUrls: true,
  read: (text) => (/^__metadata:/m.test(text) ? readYarnBerry(text) : readYarnClassic(text)),
};
export const pnpm: LockFormat = {
  ecosystem: "pnpm",
  registries: REGISTRIES,
  namesInUrls: true,
  read: readPnpm,
};

/** A missing-hashes.json of yarn-berry-fetcher: `{ "a@npm:1.0.0": "hash" }` */
export const missingHashes: LockFormat = {
  ecosystem: "yarn",
  registries: REGISTRIES,
  read: (text) =>
    [...fieldsOf(JSON.parse(text))].map(([key, value]) => {
      const at = key.lastIndexOf("@");
      return entry({ name: key.slice(0, at), version: key.slice(at + 1), hashes: integrityOf(value) });
    }),
};
