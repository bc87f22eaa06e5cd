/** The configuration of a repository: what it may say, and what holds without one. */
import type { GateState } from "./ledger/gate.ts";
import type { Severity } from "./report/review.ts";
import type { Threshold } from "./report/status.ts";

export const CONFIG_PATH = ".github/verifod.yml";

export interface RuleConfig {
  /** The severity of all findings of the rule; null: as the rule says. */
  readonly severity: Severity | "off" | null;
  /** Whether the rule stays silent about a path. */
  readonly excludes: (path: string) => boolean;
}

/** A part of the repository whose team wants to know of findings in it. */
export interface Subsystem {
  readonly name: string;
  /** Patterns as in CODEOWNERS. */
  readonly paths: readonly string[];
  /** Whom to mention: `@user` or `@organisation/team`; nobody: whom the finding's path belongs to. */
  readonly alert: readonly string[];
  /** The least severity that alerts. */
  readonly from: Severity;
  /** From how many people a finding needs an acknowledgement, until it no longer fails a run. */
  readonly acknowledgements: number;
}

/** What `verifod gate --enforce` lets pass beside what is verified. */
export interface GatePolicy {
  /** Pins in these states pass. */
  readonly tolerate: readonly GateState[];
  /** A match that is older than so many days is `expired`; null: none ever is. */
  readonly maxAge: number | null;
  /** Whether pins at a path are let pass, whatever they are. */
  readonly excludes: (path: string) => boolean;
}

export interface Config {
  readonly failOn: Threshold;
  readonly verify: "auto" | "always" | "never";
  /** Whether the Action and the App ask upstream; `auto`: where they have a token of github.com. */
  readonly ask: "auto" | "never";
  readonly rules: ReadonlyMap<string, RuleConfig>;
  readonly trustedHosts: readonly string[];
  readonly subsystems: readonly Subsystem[];
  /** The path of a CODEOWNERS file; null: the usual one, where there is one. */
  readonly owners: string | null;
  readonly gate: GatePolicy;
  /** How many sources are fetched with the old and the new definition of a fetcher. */
  readonly canaries: number;
  /** How many mentions alerts may make in one pull request. */
  readonly mentions: number;
}

/** Excludes nothing. */
export const noPath = (): boolean => false;

export const DEFAULT_CONFIG: Config = {
  failOn: "high",
  verify: "auto",
  ask: "auto",
  rules: new Map(),
  trustedHosts: [],
  subsystems: [],
  owners: null,
  gate: { tolerate: [], maxAge: null, excludes: noPath },
  canaries: 8,
  mentions: 3,
};

/** What the configuration says of a rule's findings at a path; null: as the rule says. */
export function configuredSeverity(config: Config, rule: string, path: string): Severity | "off" | null {
  const own = config.rules.get(rule);
  if (own === undefined) return null;
  return own.excludes(path) ? "off" : own.severity;
}
