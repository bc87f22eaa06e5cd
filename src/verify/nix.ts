/** The Nix at hand: its version, and a way to run its commands without our environment and configuration. */
import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { messageOf, VerifodError } from "../errors.ts";
import { type RunOptions, type RunResult, run } from "./process.ts";

/** Where derivations and outputs go. */
export interface Store {
  /** What paths start with, as `/nix/store`. */
  readonly directory: string;
  /** Where these files are: below the root of a chroot store. */
  readonly files: string;
  /** Arguments of every Nix command. */
  readonly args: readonly string[];
  /** Builders run in Nix's sandbox. */
  readonly sandbox: boolean;
}

export interface NixOptions {
  /** The directory of Nix's commands; by default they are found in PATH. */
  readonly bin?: string | undefined;
  /** Where inputs of fetchers may come from, each `URL` or `URL KEY`. */
  readonly substituters: readonly string[];
  readonly trustedKeys: readonly string[];
  /** Prefixes of the locations that evaluation may fetch from; nothing by default. */
  readonly allowedUris: readonly string[];
}

export interface Nix {
  readonly version: string;
  readonly store: Store;
  /** The scratch directory, which is removed at the end. */
  readonly work: string;
  run(
    command: "nix-instantiate" | "nix-store" | "nix",
    args: readonly string[],
    options: Omit<RunOptions, "env" | "cwd"> & { readonly env?: Readonly<Record<string, string>> },
  ): Promise<RunResult>;
  /** The same Nix with these arguments in place of the store's, for a store elsewhere. */
  withStore(args: readonly string[]): Nix;
}

/** The substituter that Nix itself trusts by default. */
export const DEFAULT_SUBSTITUTERS = ["https://cache.nixos.org/"];
export const DEFAULT_KEYS = ["cache.nixos.org-1:6NCHdD59X431o0gWypbMrAURkbJ16ZPMQFGspcDShjY="];

/** Variables that say where an isolated store is; no others reach Nix. */
const STORE_VARIABLES = ["NIX_STORE_DIR", "NIX_STATE_DIR", "NIX_LOG_DIR"] as const;
const CERTIFICATES = [
  "/etc/ssl/certs/ca-certificates.crt",
  "/etc/ssl/cert.pem",
  "/etc/pki/tls/certs/ca-bundle.crt",
];

/**
 * The Nix of `options`, working in `work` (an empty directory). The store is a private one below it, in which builders
 * are always sandboxed; without a sandbox it is the store that the environment names. Throws a `VerifodError` when
 * there is no Nix.
 */
export async function openNix(
  work: string,
  environment: NodeJS.ProcessEnv,
  sandbox: boolean,
  options: NixOptions,
): Promise<Nix> {
  const directory = environment.NIX_STORE_DIR ?? "/nix/store";
  const root = `${work}/root`;
  const store: Store = sandbox
    ? { directory: "/nix/store", files: `${root}/nix/store`, args: ["--store", root], sandbox }
    : { directory, files: directory, args: [], sandbox };
  const path = [options.bin, environment.PATH ?? "/usr/bin:/bin"].filter(Boolean).join(":");
  const certificates =
    environment.NIX_SSL_CERT_FILE ??
    environment.SSL_CERT_FILE ??
    CERTIFICATES.find((file) => existsSync(file));
  await Promise.all(["home", "tmp", "conf"].map((name) => mkdir(`${work}/${name}`, { recursive: true })));

  const configuration = [
    "experimental-features =",
    "accept-flake-config = false",
    "allow-import-from-derivation = false",
    `allowed-uris = ${options.allowedUris.join(" ")}`,
    "restrict-eval = true",
    "builders =",
    "fallback = false",
    "hashed-mirrors =",
    "netrc-file = /dev/null",
    "plugin-files =",
    "post-build-hook =",
    "pre-build-hook =",
    "sandbox-paths =",
    "extra-sandbox-paths =",
    `sandbox = ${sandbox}`,
    "sandbox-fallback = false",
    `substituters = ${options.substituters.join(" ")}`,
    `trusted-public-keys = ${options.trustedKeys.join(" ")}`,
    "tarball-ttl = 0",
    "warn-dirty = false",
    // Nix wants this group when it runs as root; without it builders run as root, sandboxed or not.
    ...(process.getuid?.() === 0 && !(await hasBuildUsers()) ? ["build-users-group ="] : []),
  ];
  const env: Record<string, string> = {
    PATH: path,
    HOME: `${work}/home`,
    TMPDIR: `${work}/tmp`,
    LC_ALL: "C.UTF-8",
    NIX_CONF_DIR: `${work}/conf`,
    NIX_USER_CONF_FILES: "",
    NIX_REMOTE: "",
    NIX_CONFIG: configuration.join("\n"),
    ...(certificates ? { NIX_SSL_CERT_FILE: certificates } : {}),
  };
  if (!sandbox) {
    for (const name of STORE_VARIABLES) {
      const value = environment[name];
      if (value) env[name] = value;
    }
  }
  const runIn =
    (storeArgs: readonly string[]): Nix["run"] =>
    (command, args, { env: more, ...limits }) =>
      run(options.bin ? `${options.bin}/${command}` : command, [...storeArgs, ...args], {
        ...limits,
        cwd: work,
        env: { ...env, ...more },
      });
  const version = await versionOf(runIn(store.args));
  const withStore = (args: readonly string[]): Nix => ({ version, store, work, run: runIn(args), withStore });
  return withStore(store.args);
}

async function versionOf(runNix: Nix["run"]): Promise<string> {
  const { stdout, status } = await runNix("nix-store", ["--version"], { seconds: 20 });
  const version = /\(Nix\) (\d+\.\d+(?:\.\d+)?\S*)/.exec(stdout)?.[1];
  if (status === 127 || status === 126) {
    throw new VerifodError(
      "outside",
      "nix-store was not found: install Nix (https://nixos.org/download), or do without verification",
    );
  }
  if (!version) {
    throw new VerifodError(
      "outside",
      `"nix-store --version" does not tell a version of Nix: ${stdout.trim().slice(0, 200)}`,
    );
  }
  return version;
}

async function hasBuildUsers(): Promise<boolean> {
  const { readFile } = await import("node:fs/promises");
  try {
    return /^nixbld:[^:]*:\d+:.+/m.test(await readFile("/etc/group", "utf8"));
  } catch (error) {
    throw new VerifodError("outside", `/etc/group cannot be read: ${messageOf(error)}`);
  }
}
