/** Reads the configuration of a repository: `.github/verifod.yml` of the base, never of the head. */
import { readFile } from "node:fs/promises";
import type { Tree } from "./change/change.ts";
import { CONFIG_PATH, type Config, DEFAULT_CONFIG } from "./config.ts";
import { messageOf, VerifodError } from "./errors.ts";

/** What people write is a few kilobytes; parsing takes time and memory by size. */
const LARGEST_CONFIG = 256_000;

/**
 * The configuration that stands in a tree (of the base); the defaults when there is none.
 * @throws VerifodError (configuration) with line and column for what is wrong in it; (outside) when it cannot be read.
 */
export async function loadConfig(tree: Tree, path: string = CONFIG_PATH): Promise<Config> {
  const entry = await tree.entry(path);
  if (entry === null) {
    if (path === CONFIG_PATH) return DEFAULT_CONFIG;
    throw new VerifodError("configuration", `the base has no ${path}: name a file of the base branch`);
  }
  if (entry.kind === "symlink" || entry.kind === "submodule") {
    throw new VerifodError("configuration", `${path} is a ${entry.kind}: make it a file`);
  }
  const content = await tree.read(entry);
  switch (content.kind) {
    case "text":
      return parse(content.text, path);
    case "binary":
      throw new VerifodError("configuration", `${path} is not a text: ${content.because}`);
    case "unavailable":
      throw new VerifodError("outside", `cannot read ${path} of the base: ${content.reason}`);
  }
}

/**
 * The configuration in a file of the machine, which its user names in place of the base's.
 * @throws VerifodError as `loadConfig`
 */
export async function readConfigFile(path: string): Promise<Config> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    throw new VerifodError("configuration", `cannot read the configuration: ${messageOf(error)}`);
  }
  return parse(text, path);
}

async function parse(text: string, name: string): Promise<Config> {
  if (text.length > LARGEST_CONFIG) {
    throw new VerifodError("configuration", `${name} is larger than ${LARGEST_CONFIG / 1_000} kB`);
  }
  // Few repositories have a configuration: the YAML parser and the schema are loaded only then.
  const { parseConfig } = await import("./config-schema.ts");
  return parseConfig(text, name);
}
