/**
 * Package registries on the loopback interface, each below its name (`/crates.io/…`): what they hold is given in short, what
 * they answer has the shapes of their documents, with the fields that nobody here reads.
 */
import { createHash } from "node:crypto";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** A file of a version: its bytes. The registry has their digests. */
export type FakeFiles = Readonly<Record<string, string>>;

export interface FakeVersion {
  /** One file, or PyPI's by their names. */
  readonly bytes?: string;
  readonly files?: FakeFiles;
  readonly published?: string;
  readonly publisher?: string;
  /** The reason. */
  readonly yanked?: string;
  readonly deprecated?: string;
  readonly attested?: boolean;
}

/** What goes wrong with one request; null: nothing. */
export type RegistryFault =
  | {
      readonly status: number;
      readonly headers?: Readonly<Record<string, string>>;
      readonly body?: string | Buffer;
    }
  /** Nothing comes, not even a status. */
  | "silence"
  /** The beginning of a document comes, and nothing more. */
  | "stall"
  /** The connection ends in the middle. */
  | "cut"
  | null;

export interface FakeRegistries {
  /** With a slash at the end. */
  readonly url: string;
  /** By `REGISTRY NAME VERSION`; a gem of a platform as `RubyGems NAME VERSION x86_64-linux`. */
  readonly versions: Map<string, FakeVersion>;
  /** Paths so far, and who asked. */
  readonly requests: string[];
  readonly agents: Set<string>;
  failWhen: (path: string) => RegistryFault;
  close(): Promise<void>;
}

const digest = (bytes: string, algorithm: string, encoding: "hex" | "base64" = "hex") =>
  createHash(algorithm).update(bytes).digest(encoding);

/** The hash of bytes as recipes spell it. */
export function sriOf(bytes: string, algorithm = "sha256"): string {
  return `${algorithm}-${digest(bytes, algorithm, "base64")}`;
}

export async function startFakeRegistries(): Promise<FakeRegistries> {
  const fake: Omit<FakeRegistries, "url" | "close"> = {
    versions: new Map(),
    requests: [],
    agents: new Set(),
    failWhen: () => null,
  };
  const server = createServer((request, response) => {
    const path = request.url ?? "";
    fake.requests.push(path);
    fake.agents.add(request.headers["user-agent"] ?? "");
    const fault = fake.failWhen(path);
    if (fault !== null) return fail(response, fault);
    const [registry = "", ...parts] = new URL(path, "http://localhost").pathname.slice(1).split("/");
    const document = DOCUMENTS[registry]?.(fake.versions, parts.map(decodeURIComponent), path);
    if (document === undefined)
      response.writeHead(404, { "content-type": "application/json" }).end('{"errors":[]}');
    else response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(document));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return Object.assign(fake, {
    url: `http://127.0.0.1:${port}/`,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  });
}

function fail(response: ServerResponse, fault: Exclude<RegistryFault, null>): void {
  if (fault === "silence") return;
  if (typeof fault === "object") {
    response.writeHead(fault.status, fault.headers).end(fault.body ?? "");
    return;
  }
  response.writeHead(200, { "content-type": "application/json", "content-length": "1000" });
  response.write('{"version":{');
  if (fault === "cut") setImmediate(() => response.destroy());
}

type Versions = ReadonlyMap<string, FakeVersion>;
type Document = (versions: Versions, parts: readonly string[], path: string) => unknown;

/** What a registry answers below its name; undefined: not found. */
const DOCUMENTS: Readonly<Record<string, Document>> = {
  "crates.io": (versions, [, name = "", num = ""]) => {
    const found = versions.get(`crates.io ${name} ${num}`);
    return (
      found && {
        version: {
          id: 1_234_567,
          crate: name,
          num,
          dl_path: `/api/v1/crates/${name}/${num}/download`,
          created_at: found.published ?? "2020-01-01T00:00:00.000000Z",
          updated_at: "2026-01-01T00:00:00.000000Z",
          downloads: 12,
          features: { default: ["std"], std: [] },
          yanked: found.yanked !== undefined,
          yank_message: found.yanked || null,
          license: "MIT",
          crate_size: 1_234,
          published_by: found.attested
            ? null
            : {
                id: 7,
                login: found.publisher ?? "ada",
                name: "Ada",
                avatar: null,
                url: "https://github.com/ada",
              },
          audit_actions: [],
          checksum: digest(found.bytes ?? "", "sha256"),
          repository: `https://github.com/acme/${name}`,
          trustpub_data: found.attested
            ? { provider: "github", repository: `acme/${name}`, run_id: "1", sha: "0".repeat(40) }
            : null,
        },
      }
    );
  },
  PyPI: (versions, [name = "", version = ""]) => {
    const found = versions.get(`PyPI ${name} ${version}`);
    const yanked = { yanked: found?.yanked !== undefined, yanked_reason: found?.yanked || null };
    return (
      found && {
        info: {
          name,
          version,
          author: "Ada",
          home_page: null,
          project_urls: { Homepage: "https://example.org", "Source Code": `https://github.com/acme/${name}` },
          ...yanked,
        },
        last_serial: 123,
        urls: Object.entries(found.files ?? {}).map(([filename, bytes]) => ({
          filename,
          packagetype: filename.endsWith(".whl") ? "bdist_wheel" : "sdist",
          digests: {
            blake2b_256: "0".repeat(64),
            md5: digest(bytes, "md5"),
            sha256: digest(bytes, "sha256"),
          },
          size: bytes.length,
          upload_time: "2020-01-01T00:00:00",
          upload_time_iso_8601: found.published ?? "2020-01-01T00:00:00.000000Z",
          url: `https://files.pythonhosted.org/packages/aa/bb/cc/${filename}`,
          ...yanked,
        })),
        vulnerabilities: [],
      }
    );
  },
  npm: (versions, [name = "", version]) => {
    if (version !== undefined) return npmVersion(name, version, versions.get(`npm ${name} ${version}`));
    const all = [...versions].flatMap(([key, found]) =>
      key.startsWith(`npm ${name} `) ? [[key.slice(`npm ${name} `.length), found] as const] : [],
    );
    return all.length === 0
      ? undefined
      : {
          _id: name,
          name,
          "dist-tags": { latest: all.at(-1)?.[0] },
          versions: Object.fromEntries(all.map(([each, found]) => [each, npmVersion(name, each, found)])),
          time: {
            created: "2015-01-01T00:00:00.000Z",
            modified: "2026-01-01T00:00:00.000Z",
            ...Object.fromEntries(
              all.map(([each, found]) => [each, found.published ?? "2020-01-01T00:00:00.000Z"]),
            ),
          },
          readme: "# frob",
        };
  },
  RubyGems: (versions, [, name = "", , file = ""], path) => {
    const version = file.replace(/\.json$/, "");
    const platform = new URL(path, "http://localhost").searchParams.get("platform") ?? "ruby";
    const found = versions.get(`RubyGems ${name} ${version}${platform === "ruby" ? "" : ` ${platform}`}`);
    return found && found.yanked === undefined
      ? {
          name,
          downloads: 12,
          version,
          version_created_at: found.published ?? "2020-01-01T00:00:00.000Z",
          platform,
          authors: "Ada",
          yanked: false,
          sha: digest(found.bytes ?? "", "sha256"),
          source_code_uri: `https://github.com/acme/${name}`,
          dependencies: { development: [], runtime: [] },
          built_at: "1980-01-02T00:00:00.000Z",
          created_at: found.published ?? "2020-01-01T00:00:00.000Z",
          number: version,
        }
      : undefined;
  },
  Hex: (versions, [, name = "", , version = ""]) => {
    const found = versions.get(`Hex ${name} ${version}`);
    return (
      found && {
        version,
        checksum: digest(found.bytes ?? "", "sha256"),
        has_docs: true,
        inserted_at: found.published ?? "2020-01-01T00:00:00.000000Z",
        updated_at: "2026-01-01T00:00:00.000000Z",
        retirement:
          found.yanked !== undefined
            ? { reason: "security", message: found.yanked }
            : found.deprecated !== undefined
              ? { reason: "renamed", message: found.deprecated }
              : null,
        requirements: {},
        meta: { app: name, build_tools: ["mix"], elixir: "~> 1.4" },
        downloads: 12,
        publisher: {
          username: found.publisher ?? "ada",
          email: "ada@example.org",
          url: "https://hex.pm/api/users/ada",
        },
      }
    );
  },
  Hackage: (versions, [name = "", revision, number]) => {
    if (revision === undefined) {
      const all = [...versions].filter(([key]) => key.startsWith(`Hackage ${name} `));
      return all.length === 0
        ? undefined
        : Object.fromEntries(
            all.map(([key, { deprecated }]) => [
              key.split(" ")[2],
              deprecated === undefined ? "normal" : "deprecated",
            ]),
          );
    }
    const [, of = "", version = ""] = /^(.+)-([\d.]+)$/.exec(name) ?? [];
    const found = versions.get(`Hackage ${of} ${version}`);
    return found && revision === "revision" && number === "0"
      ? {
          license: "BSD-3-Clause",
          copyright: "",
          synopsis: "Frob",
          description: "",
          author: "Ada",
          homepage: "",
          metadata_revision: 0,
          uploaded_at: found.published ?? "2020-01-01T00:00:00Z",
          uploader: found.publisher ?? "ada",
        }
      : undefined;
  },
};

function npmVersion(name: string, version: string, found: FakeVersion | undefined) {
  const bytes = found?.bytes ?? "";
  return (
    found && {
      name,
      version,
      scripts: { test: "node test" },
      repository: { type: "git", url: `git+https://github.com/acme/${name}.git` },
      ...(found.deprecated === undefined ? {} : { deprecated: found.deprecated }),
      _npmUser: { name: found.publisher ?? "ada", email: "ada@example.org" },
      dist: {
        integrity: sriOf(bytes, "sha512"),
        shasum: digest(bytes, "sha1"),
        tarball: `https://registry.npmjs.org/${name}/-/${name.replace(/^.*\//, "")}-${version}.tgz`,
        fileCount: 3,
        unpackedSize: 1_234,
        ...(found.attested
          ? { attestations: { url: "https://registry.npmjs.org/-/npm/v1/attestations/x", provenance: {} } }
          : {}),
        signatures: [{ keyid: "SHA256:x", sig: "x" }],
      },
    }
  );
}
