/** Which parts of the repository a finding concerns, whom that is told, and who may acknowledge it. */
import type { Config, Subsystem } from "../config.ts";
import type { Finding } from "../report/review.ts";
import { isAtLeast } from "../report/status.ts";
import { matcherOf, type Owners } from "./codeowners.ts";

/** A finding that somebody wants to hear of. */
export interface Concern {
  readonly finding: Finding;
  /** What the team calls its part of the repository. */
  readonly subsystem: string;
  /** `@user` or `@organisation/team`. */
  readonly whom: string;
}

/** The subsystems that have a path. */
export type SubsystemsOf = (path: string) => readonly Subsystem[];

/** Looks up paths in the subsystems of a configuration. */
export function subsystemsOf({ subsystems }: Pick<Config, "subsystems">): SubsystemsOf {
  const all = subsystems.map((subsystem) => ({
    subsystem,
    matchers: subsystem.paths.flatMap((pattern) => matcherOf(pattern) ?? []),
  }));
  return (path) =>
    all.flatMap(({ subsystem, matchers }) => (matchers.some((matches) => matches(path)) ? [subsystem] : []));
}

/** From how many people a finding needs an acknowledgement: the most that a subsystem of its path asks for. */
export function acknowledgementsFor(find: SubsystemsOf, { path }: Finding): number {
  return Math.max(1, ...find(path).map(({ acknowledgements }) => acknowledgements));
}

/** The teams whose members may acknowledge a finding. People who are named alone may not: a name can change hands. */
export function teamsFor(find: SubsystemsOf, { path }: Finding): readonly string[] {
  return [...new Set(find(path).flatMap(({ alert }) => alert.filter((each) => each.includes("/"))))];
}

/**
 * Who wants to hear of which finding, in the order of the findings: whom the subsystem names, or else the owners of the
 * path; from the severity on that it chose.
 */
export function concernsOf(
  findings: readonly Finding[],
  find: SubsystemsOf,
  owners: Owners | null,
): readonly Concern[] {
  return findings.flatMap((finding) =>
    find(finding.path)
      .filter(({ from }) => isAtLeast(finding.severity, from))
      .flatMap(({ name, alert }) => {
        const whom = alert.length > 0 ? alert : (owners?.of(finding.path) ?? []);
        return whom.map((each) => ({ finding, subsystem: name, whom: each }));
      }),
  );
}
