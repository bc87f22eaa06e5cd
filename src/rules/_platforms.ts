/** Sources of one package for different platforms. */

import type { Side } from "../change/change.ts";
import { addTo } from "../lists.ts";
import type { Source } from "../nix/model.ts";
import { type Location, locationsOf } from "../origin/location.ts";
import { textAt } from "./_pins.ts";
import type { Facts } from "./rule.ts";

const PLATFORM =
  /^"?((x86_64|aarch64|i[36]86|armv[5-7]\w*|riscv64|powerpc64le|ppc64le|s390x|loongarch64|x64|x86|amd64|arm64)[-_])?(linux|darwin|macos|mac|osx|windows|freebsd)([-_](x64|x86|amd64|arm64|aarch64|x86_64|i[36]86|\d+bit))?"?$/i;

/** Who serves a location: an account on a forge, or a domain. */
function server({ owner }: Location): string | null {
  if (!owner) return null;
  return owner.repository
    ? `${owner.repository.forge}/${owner.repository.owner}`.toLowerCase()
    : owner.domain;
}

/** A key that a pin shares with its twins for other platforms: where it is bound, without the platform. */
function family(source: Source): string {
  const names = source.binding.split(".");
  const others = names.filter((name) => !PLATFORM.test(name));
  // Without a platform in its path, a pin has twins only as the `src` of one package, in the branches of an `if`.
  const isTwin = others.length < names.length || /^src$/.test(names.at(-1) ?? "");
  // A package of one name may be written once for each platform, or its source be laid over it for one.
  const place = isTwin ? (source.pname ?? source.packageSpan?.start ?? "") : `alone ${source.hashSpan.start}`;
  return `${source.path} ${place} ${source.pname} ${others.join(".")}`;
}

/** Sources for several platforms of one package that the change touches, by family, with the server of each. */
function families(facts: Facts, side: Side): Map<string, { source: Source; server: string }[]> {
  const found = new Map<string, { source: Source; server: string }[]>();
  const touched = new Set(
    facts.sources.flatMap(({ before, after }) => {
      const source = side === "base" ? before : after;
      return source ? family(source) : [];
    }),
  );
  if (touched.size === 0) return found;
  for (const source of facts.pins[side]) {
    const key = family(source);
    if (!touched.has(key)) continue;
    const [first] = locationsOf(source);
    const name = first && server(first);
    if (!name || source.role === "patch" || source.role === "dependencies") continue;
    addTo(found, key, { source, server: name });
  }
  return found;
}

/** Whether it is the platform that tells twins apart: by their path, or by the code of the package. */
function areForPlatforms(facts: Facts, twins: readonly Source[]): boolean {
  if (twins.some(({ binding }) => binding.split(".").some((name) => PLATFORM.test(name)))) return true;
  return twins.some(({ packageSpan: span }) => {
    const code = span && textAt(facts, { side: "head", span });
    return /\b(is(Darwin|Linux|x86_64|Aarch64|i686)|(host|build|target)Platform|system)\b/.test(code ?? "");
  });
}

/** A source that comes from another server than its twins. */
export interface OddTwin {
  readonly source: Source;
  readonly server: string;
  readonly twins: readonly Source[];
  readonly others: string;
  readonly isNew: boolean;
  /** False: the text shows another condition, or none. */
  readonly ofPlatforms: boolean;
}

/** Sources of the head that come from another server than their twins, where the base had one server for all. */
export function oddTwins(facts: Facts): OddTwin[] {
  const bases = families(facts, "base");
  const odd: OddTwin[] = [];
  for (const [key, twins] of families(facts, "head")) {
    const servers = new Set(twins.map((twin) => twin.server));
    if (servers.size < 2) continue;
    const changes = facts.sources.filter(({ after }) => twins.some(({ source }) => source === after));
    const before = changes.flatMap((change) => change.before ?? []);
    const old =
      [...bases.values()].find((group) => group.some(({ source }) => before.includes(source))) ??
      bases.get(key);
    const ofPlatforms = areForPlatforms(
      facts,
      twins.map(({ source }) => source),
    );
    // For another reason than the platform, packages do have several sources; a second one beside the only one is new.
    if (!ofPlatforms && old?.length !== 1) continue;
    const known = new Set(old?.map((twin) => twin.server));
    if (known.size > 1) continue;
    const count = (name: string) => twins.filter((twin) => twin.server === name).length;
    const isOdd = (name: string) =>
      known.size > 0
        ? !known.has(name)
        : count(name) < Math.max(...[...servers].map(count)) || name === [...servers].at(-1);
    const others = twins.filter((twin) => !isOdd(twin.server));
    const [other] = others;
    if (!other) continue;
    for (const twin of twins) {
      const own = changes.filter(({ after }) => after === twin.source);
      if (!isOdd(twin.server) || own.length === 0) continue;
      // A source that is now another one is `source-identity-swap`, whatever the condition.
      if (!ofPlatforms && own.some(({ before }) => before !== null)) continue;
      odd.push({
        source: twin.source,
        server: twin.server,
        twins: others.map(({ source }) => source),
        others: other.server,
        isNew: old === undefined,
        ofPlatforms,
      });
    }
  }
  return odd;
}
