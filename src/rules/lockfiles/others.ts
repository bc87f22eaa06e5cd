/** Cargo, Python, PHP, .NET, Java, Dart, Swift, Go and Nix itself. */
import { parse as parseToml } from "smol-toml";
import { parse as parseYaml } from "yaml";
import { entry, fieldsOf, integrityOf, type LockEntry, type LockFormat, listOf, textOf } from "./entry.ts";

/** `registry+https://github.com/rust-lang/crates.io-index`, `git+https://…?rev=…#commit`; none for the workspace's own. */
function readCargo(text: string): readonly LockEntry[] {
  const root = fieldsOf(parseToml(text));
  const metadata = fieldsOf(root.get("metadata"));
  return listOf(root.get("package")).flatMap((value) => {
    const fields = fieldsOf(value);
    const name = textOf(fields.get("name")) ?? "";
    const version = textOf(fields.get("version"));
    const source = textOf(fields.get("source"));
    if (source === null) return [];
    const checksum = fields.get("checksum") ?? metadata.get(`checksum ${name} ${version ?? ""} (${source})`);
    return [
      entry({
        name,
        version,
        location: source,
        origin: source.startsWith("git+") ? "git" : "registry",
        hashes: integrityOf(checksum),
      }),
    ];
  });
}

/** poetry.lock and uv.lock */
function readPython(text: string): readonly LockEntry[] {
  return listOf(fieldsOf(parseToml(text)).get("package")).flatMap((value) => {
    const fields = fieldsOf(value);
    const source = fieldsOf(fields.get("source"));
    const git =
      textOf(source.get("git")) ?? (source.get("type") === "git" ? textOf(source.get("url")) : null);
    const files = [...listOf(fields.get("files")), ...listOf(fields.get("wheels")), fields.get("sdist")].map(
      fieldsOf,
    );
    const hashes = new Map<string, string>();
    for (const file of files) {
      const url = textOf(file.get("file")) ?? textOf(file.get("url"));
      const hash = textOf(file.get("hash"));
      if (url !== null && hash !== null) hashes.set(url.slice(url.lastIndexOf("/") + 1), hash);
    }
    if (["editable", "virtual", "directory"].some((key) => source.has(key))) return [];
    const location =
      git ??
      textOf(source.get("url")) ??
      files.map((file) => textOf(file.get("url"))).find((url) => url !== null) ??
      textOf(source.get("registry")) ??
      null;
    return [
      entry({
        name: textOf(fields.get("name")) ?? "",
        version: textOf(fields.get("version")),
        location,
        origin: git !== null ? "git" : source.get("type") === "url" ? "url" : "registry",
        hashes,
      }),
    ];
  });
}

function readComposer(text: string): readonly LockEntry[] {
  const root = fieldsOf(JSON.parse(text));
  return [...listOf(root.get("packages")), ...listOf(root.get("packages-dev"))].map((value) => {
    const fields = fieldsOf(value);
    const dist = fieldsOf(fields.get("dist"));
    const source = fieldsOf(fields.get("source"));
    const reference = textOf(dist.get("reference")) ?? textOf(source.get("reference"));
    const hashes = new Map(integrityOf(dist.get("shasum")));
    if (reference !== null) hashes.set("commit", reference);
    return entry({
      name: textOf(fields.get("name")) ?? "",
      version: textOf(fields.get("version")),
      // `https://api.github.com/repos/OWNER/REPO/zipball/COMMIT`: the archive counts, not the repository beside it.
      location:
        textOf(dist.get("url"))?.replace(/\/(?:zipball|tarball)\/[^/]*$/, "") ?? textOf(source.get("url")),
      origin: dist.get("type") === "path" ? "path" : "git",
      hashes,
    });
  });
}

/**
 * nixpkgs' lists for .NET (`[{ pname, version, hash, url }]`) and Gradle (`{ "https://…": { "group#name/version": … } }`), and
 * others by name (`{ "name": { version, hash } }`).
 */
function readDeps(text: string): readonly LockEntry[] {
  const root: unknown = JSON.parse(text);
  if (Array.isArray(root)) return root.map((value) => dependency(fieldsOf(value), ""));
  return [...fieldsOf(root)].flatMap(([key, value]) => {
    const fields = fieldsOf(value);
    if (!/^https?:/.test(key)) return fields.has("version") ? [dependency(fields, key)] : [];
    return [...fields].map(([path, parts]) => {
      const hashes = new Map<string, string>();
      for (const [part, hash] of fieldsOf(parts)) hashes.set(part, textOf(hash) ?? "");
      return entry({ name: path, version: "", location: key, hashes });
    });
  });
}

function dependency(fields: ReadonlyMap<string, unknown>, key: string): LockEntry {
  return entry({
    name: textOf(fields.get("pname")) ?? textOf(fields.get("name")) ?? key,
    version: textOf(fields.get("version")),
    location: textOf(fields.get("url")),
    hashes: integrityOf(fields.get("hash") ?? fields.get("sha256")),
  });
}

/** pubspec.lock (YAML), and pubspec.lock.json as nixpkgs keeps it. */
function readPub(text: string): readonly LockEntry[] {
  const root = fieldsOf(
    text.trimStart().startsWith("{")
      ? JSON.parse(text)
      : parseYaml(text, { maxAliasCount: 100, prettyErrors: false }),
  );
  return [...fieldsOf(root.get("packages"))].map(([name, value]) => {
    const fields = fieldsOf(value);
    const description = fieldsOf(fields.get("description"));
    const source = textOf(fields.get("source"));
    return entry({
      name: textOf(description.get("name")) ?? name,
      version: textOf(fields.get("version")),
      location: textOf(description.get("url")) ?? textOf(description.get("path")),
      origin: source === "git" ? "git" : source === "path" ? "path" : "registry",
      hashes: integrityOf(description.get("sha256")),
    });
  });
}

/** Package.resolved, versions 1 to 3 */
function readSwift(text: string): readonly LockEntry[] {
  const root = fieldsOf(JSON.parse(text));
  const pins = listOf(root.get("pins") ?? fieldsOf(root.get("object")).get("pins"));
  return pins.map((value) => {
    const fields = fieldsOf(value);
    const state = fieldsOf(fields.get("state"));
    const revision = textOf(state.get("revision"));
    return entry({
      name: textOf(fields.get("identity")) ?? textOf(fields.get("package")) ?? "",
      version: textOf(state.get("version")),
      location: textOf(fields.get("location")) ?? textOf(fields.get("repositoryURL")),
      origin: "git",
      hashes: new Map(revision === null ? [] : [["commit", revision]]),
    });
  });
}

/** go.sum: module, version (with `/go.mod` for that file alone), hash */
function readGoSum(text: string): readonly LockEntry[] {
  return text.split("\n").flatMap((line) => {
    const [name, version, hash] = line.trim().split(/\s+/);
    return name && version && hash ? [entry({ name, version, hashes: new Map([["h1", hash]]) })] : [];
  });
}

/** flake.lock: a node for each input */
function readFlake(text: string): readonly LockEntry[] {
  return [...fieldsOf(fieldsOf(JSON.parse(text)).get("nodes"))].flatMap(([name, value]) => {
    const locked = fieldsOf(fieldsOf(value).get("locked"));
    if (locked.size === 0) return [];
    const type = textOf(locked.get("type")) ?? "";
    const [owner, repo] = [textOf(locked.get("owner")), textOf(locked.get("repo"))];
    const host =
      textOf(locked.get("host")) ??
      (type === "gitlab" ? "gitlab.com" : type === "sourcehut" ? "git.sr.ht" : "github.com");
    const location =
      textOf(locked.get("url")) ??
      (owner && repo ? `https://${host}/${owner}/${repo}` : textOf(locked.get("path")));
    return [
      entry({
        name,
        version: textOf(locked.get("rev")),
        location,
        origin:
          type === "path"
            ? "path"
            : location === null
              ? "registry"
              : type === "tarball" || type === "file"
                ? "url"
                : "git",
        hashes: integrityOf(locked.get("narHash")),
      }),
    ];
  });
}

const FORGES = ["api.github.com", "codeload.github.com", "github.com", "gitlab.com"];

export const cargo: LockFormat = {
  ecosystem: "cargo",
  registries: ["github.com", "index.crates.io"],
  read: readCargo,
};
export const python: LockFormat = {
  ecosystem: "Python",
  registries: ["pypi.org", "files.pythonhosted.org"],
  read: readPython,
};
export const composer: LockFormat = { ecosystem: "composer", registries: FORGES, read: readComposer };
export const deps: LockFormat = {
  ecosystem: "NuGet or Maven",
  registries: [
    "api.nuget.org",
    "www.nuget.org",
    "repo.maven.apache.org",
    "repo1.maven.org",
    "plugins.gradle.org",
    "maven.google.com",
    "dl.google.com",
    "pkgs.dev.azure.com",
  ],
  read: readDeps,
};
export const pub: LockFormat = {
  ecosystem: "pub",
  registries: ["pub.dev", "pub.dartlang.org"],
  read: readPub,
};
export const swift: LockFormat = { ecosystem: "Swift", registries: FORGES, read: readSwift };
export const goSum: LockFormat = { ecosystem: "Go", registries: [], read: readGoSum };
export const flake: LockFormat = { ecosystem: "flake", registries: FORGES, read: readFlake };
