/** All package registries, each asked one thing at a time, side by side. */
import type { Answer, RegistryFacts, RegistryName } from "../answers.ts";
import type { Budget } from "../budget.ts";
import type { Learnt } from "../memory.ts";
import { registryClient } from "./client.ts";
import { cratesIo } from "./crates-io.ts";
import { hackage } from "./hackage.ts";
import { hex } from "./hex.ts";
import { npm } from "./npm.ts";
import type { PackageFile } from "./packages.ts";
import { pypi } from "./pypi.ts";
import type { Registry } from "./registry.ts";
import { rubygems } from "./rubygems.ts";

export interface Registries {
  /** What the registry says of a file; null: it has no such version. Never throws for what a server does. */
  ask(file: PackageFile): Promise<Answer<RegistryFacts | null>>;
  /** Requests so far. */
  used(): number;
}

const REGISTRIES: Readonly<Record<RegistryName, Registry>> = {
  "crates.io": cratesIo,
  PyPI: pypi,
  npm,
  RubyGems: rubygems,
  Hex: hex,
  Hackage: hackage,
};

export interface RegistriesOptions {
  readonly budget: Budget;
  /** Where all registries answer instead, each below its name, and without pauses. */
  readonly base?: string | undefined;
  /** Milliseconds for one request and its answer. */
  readonly patience?: number;
  /** What registries said some minutes ago is not asked again. */
  readonly learnt?: Learnt;
}

/** A registry takes some seconds for a document that nobody asked for lately. */
const PATIENCE = 15_000;

export function openRegistries({ budget, base, patience = PATIENCE, learnt }: RegistriesOptions): Registries {
  const clients = new Map<RegistryName, ReturnType<typeof registryClient>>();
  const ask = async (file: PackageFile) => {
    const registry = REGISTRIES[file.registry];
    let client = clients.get(file.registry);
    if (!client) {
      client = registryClient({
        name: registry.name,
        base: base === undefined ? registry.base : new URL(`${registry.name}/`, base).href,
        apart: base === undefined ? registry.apart : 0,
        patience,
        budget,
        learnt,
      });
      clients.set(file.registry, client);
    }
    return registry.facts(client, file);
  };
  return { ask, used: budget.used };
}
