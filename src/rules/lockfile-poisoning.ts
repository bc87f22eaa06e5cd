/** Vendored lockfiles, read entry by entry: in thousands of generated lines nobody notices one that changed. */
import { addTo } from "../lists.ts";
import { argument, count, fileName, headPath, inHead, visible } from "./_text.ts";
import type { LockEntry, LockFormat } from "./lockfiles/entry.ts";
import { movedInputs } from "./lockfiles/flake-inputs.ts";
import { lockFormatOf } from "./lockfiles/formats.ts";
import { grouped, knownOf, type Suspicion, suspicionOf } from "./lockfiles/suspicions.ts";
import type { FileFacts, Rule, RuleFinding, Undecided } from "./rule.ts";

/** The largest lockfiles of nixpkgs have about 2 million characters. Larger ones than this are a finding, or not checked. */
const MOST_CHARACTERS = 8_000_000;

/** Where an entry stands, found by its most distinctive text, since the readers keep no positions. */
function locate(text: string, { entry, after }: Suspicion): readonly [number, number] {
  const hash = [...entry.hashes.values()][0];
  for (const needle of [
    after?.replace(/^[\w.-]+: /, ""),
    hash,
    entry.location,
    `"${entry.name}"`,
    entry.name,
  ]) {
    const at = needle ? text.indexOf(needle) : -1;
    if (at >= 0 && needle) return [at, at + needle.length];
  }
  return [0, 0];
}

const MOST_RELATED = 5;

function findingOf(file: FileFacts, text: string, suspicions: readonly Suspicion[]): RuleFinding | null {
  const [first, ...others] = suspicions;
  if (!first) return null;
  const [start, end] = locate(text, first);
  const name = `\`${visible(first.entry.name)}\`${first.entry.version ? ` ${visible(first.entry.version, 60)}` : ""}`;
  const values =
    first.before === null && first.after === null
      ? ""
      : ` (before: ${first.before === null ? "none" : `\`${visible(first.before, 160)}\``}, now: ${first.after === null ? "none" : `\`${visible(first.after, 160)}\``})`;
  return {
    severity: first.severity,
    confidence: first.severity === "low" ? "medium" : "high",
    title: first.title,
    message:
      `${visible(fileName(headPath(file)), 80)}: ${name}${values}${others.length > 0 ? ` and ${count(others.length, "more entry").replace(/entrys$/, "entries")}` : ""}. ` +
      `${first.why} ${first.clear} Check with: git diff HEAD^ HEAD -- ${argument(headPath(file))}`,
    at: inHead(file, start, end),
    before: first.before === null ? null : visible(first.before, 200),
    after: first.after === null ? null : visible(first.after, 200),
    evidence: ["static"],
    related: others.slice(0, MOST_RELATED).map((other) => ({
      at: inHead(file, ...locate(text, other)),
      note: `also ${visible(other.entry.name, 60)}`,
    })),
    identity: [first.reason, ...suspicions.map(({ entry }) => `${entry.name}@${entry.version ?? ""}`)],
  };
}

function unreadable(file: FileFacts, why: string): RuleFinding {
  return {
    severity: "medium",
    confidence: "medium",
    title: "Lockfile could not be read entry by entry",
    message:
      `${why}: none of its entries was compared with the base. Clear it by the file as its tool writes it. ` +
      `Check with: git diff HEAD^ HEAD -- ${argument(headPath(file))}`,
    at: inHead(file, 0, 0),
    before: null,
    after: null,
    evidence: ["static"],
    related: [],
    identity: ["unreadable"],
  };
}

/** The entries; null when the text is not of its format. Readers that recurse too deep and libraries that throw end here. */
function entriesOf(text: string, format: LockFormat): readonly LockEntry[] | null {
  if (text.length > MOST_CHARACTERS) return null;
  try {
    return format.read(text);
  } catch {
    return null;
  }
}

interface Read {
  readonly format: LockFormat;
  readonly base: readonly LockEntry[] | null;
  readonly head: readonly LockEntry[] | null;
}

const read = new WeakMap<FileFacts, Read>();

/** Both sides of a lockfile; null when the file is none. */
function readSides(file: FileFacts): Read | null {
  const format = lockFormatOf(headPath(file));
  if (!format || file.head === null) return null;
  const known = read.get(file);
  if (known) return known;
  const base = file.base === null ? [] : entriesOf(file.base, format);
  const sides = { format, base, head: entriesOf(file.head, format) };
  read.set(file, sides);
  return sides;
}

/** A base that cannot be read leaves nothing to compare with. A head that cannot be read while the base can is a finding. */
function* undecided(file: FileFacts): Iterable<Undecided> {
  const sides = readSides(file);
  if (!sides || sides.base !== null) return;
  const undecided =
    sides.head === null
      ? "neither side of the lockfile could be read entry by entry"
      : "the lockfile before the change could not be read entry by entry";
  yield { undecided, at: inHead(file, 0, 0) };
}

function* check(file: FileFacts): Iterable<RuleFinding> {
  const sides = readSides(file);
  if (!sides || file.head === null) return;
  const { format, base, head } = sides;
  if (!head || (head.length === 0 && base && base.length > 0)) {
    if (base)
      yield unreadable(
        file,
        head ? "It has no entries that could be read, and had some" : "It is not of its format, or too large",
      );
    return;
  }
  const known = knownOf(base ?? []);
  const now = grouped(head, ({ name }) => name);
  const groups = new Map<string, Suspicion[]>();
  for (const entry of head) {
    const suspicion = suspicionOf(entry, known, format, {
      now: now.get(entry.name) ?? [],
      own: now.get(entry.alias ?? "") ?? [],
    });
    if (suspicion) addTo(groups, suspicion.reason, suspicion);
  }
  for (const group of groups.values()) {
    const finding = findingOf(file, file.head, group);
    if (finding) yield finding;
  }
}

export const rule: Rule = {
  id: "lockfile-poisoning",
  threat: "A10",
  description: "Lockfile entries with other bytes, hosts or origins than before",
  severity: "high",
  *check(facts) {
    for (const file of facts.files) yield* check(file);
    yield* movedInputs(facts);
  },
  *undecided(facts) {
    for (const file of facts.files) yield* undecided(file);
  },
};
