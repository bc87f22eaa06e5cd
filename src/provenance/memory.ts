/**
 * What was learnt of upstream before: which commit a tag named, so that a tag that moves is noticed; and whose a commit was,
 * which stays true as long as nothing is pushed. A file of a few megabytes at most; one that cannot be read counts as empty.
 */
import { constants } from "node:fs";
import { open, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import * as z from "zod";
import { makeFolder } from "../replace-file.ts";
import type { Reach, RefFacts } from "./answers.ts";

export interface UpstreamMemory {
  /**
   * Records what a tag names now, and returns the last other commit that it named.
   * `repository`: by host and name.
   */
  tagIs(repository: string, tag: string, commit: string, now: string): RefFacts["moved"];
  /** What was found out about a commit while the repository was last pushed to at `pushed`; null: nothing. */
  reachOf(repository: string, commit: string, pushed: string): Reach | null;
  reachIs(repository: string, commit: string, pushed: string, reach: Reach): void;
  /**
   * What a server that gets no token answered at an address in the minutes before `now` (null: not found), so that a second
   * look at a change asks nothing twice; undefined: nothing is remembered.
   */
  answerAt(address: string, now: string): unknown;
  /** Records what a server answered. Values that JSON cannot hold, or that are large, are not kept. */
  answerIs(address: string, now: string, value: unknown): void;
}

/** What was learnt before, and when upstream is asked: ISO 8601. */
export interface Learnt {
  readonly memory: UpstreamMemory;
  readonly now: string;
}

/** A memory that is kept. */
export interface KeptMemory extends UpstreamMemory {
  /** Writes what is new. If that fails it is lost: this is a cache. */
  save(): Promise<void>;
}

const MOST_ENTRIES = 20_000;
const MOST_BYTES = 10_000_000;
/** Answers are the largest part: with so many they take at most half of the file. */
const MOST_ANSWERS = 250;
const MOST_ANSWER_CHARACTERS = 20_000;
/** Long enough for a check that runs twice, short enough to notice a tag that moved since somebody last looked. */
const ANSWER_MINUTES = 10;
/** Of a tag that moves again and again, the last commits are kept. */
const MOST_COMMITS = 3;

const text = z.string().max(500);
const oid = z.string().regex(/^(?:[0-9a-f]{40}|[0-9a-f]{64})$/);
const seenSchema = z.strictObject({ commit: oid, seen: z.iso.datetime() });
const reachSchema = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("reachable"), through: text }),
  z.strictObject({ kind: z.literal("unreachable"), refs: z.int().min(0) }),
  z.strictObject({ kind: z.literal("undecided"), reason: text }),
]) satisfies z.ZodType<Reach>;
const contentSchema = z.strictObject({
  schema: z.literal("verifod-upstream-v2"),
  tags: z.array(z.tuple([text, z.array(seenSchema).min(1).max(MOST_COMMITS)])).max(MOST_ENTRIES),
  reaches: z
    .array(z.tuple([text, z.strictObject({ pushed: z.iso.datetime(), reach: reachSchema })]))
    .max(MOST_ENTRIES),
  answers: z
    .array(
      z.tuple([text, z.strictObject({ at: z.iso.datetime(), json: z.string().max(MOST_ANSWER_CHARACTERS) })]),
    )
    .max(MOST_ANSWERS),
});
type Content = z.infer<typeof contentSchema>;
type Seen = z.infer<typeof seenSchema>;

/** A memory that lasts as long as the process: empty at first, or with what a file held. */
export function createMemory(content: Content | null = null): KeptMemory & { content(): Content } {
  const tags = bounded<readonly Seen[]>(MOST_ENTRIES, content?.tags);
  const reaches = bounded<{ readonly pushed: string; readonly reach: Reach }>(MOST_ENTRIES, content?.reaches);
  const answers = bounded<{ readonly at: string; readonly json: string }>(MOST_ANSWERS, content?.answers);
  return {
    tagIs(repository, tag, commit, now) {
      const key = `${repository} ${tag}`;
      const known = tags.get(key) ?? [];
      const others = known.filter((each) => each.commit !== commit);
      tags.set(key, [...others, { commit, seen: now }].slice(-MOST_COMMITS));
      const last = others.at(-1);
      return last ? { from: last.commit, seen: last.seen } : null;
    },
    reachOf(repository, commit, pushed) {
      const known = reaches.get(`${repository} ${commit}`);
      return known?.pushed === pushed ? known.reach : null;
    },
    reachIs(repository, commit, pushed, reach) {
      // The file would not be read again at all if it held a branch name that the schema refuses.
      if (reachSchema.safeParse(reach).success) reaches.set(`${repository} ${commit}`, { pushed, reach });
    },
    answerAt(address, now) {
      const said = answers.get(address);
      if (!said) return undefined;
      const age = Date.parse(now) - Date.parse(said.at);
      if (!(age >= 0 && age <= ANSWER_MINUTES * 60_000)) return undefined;
      try {
        return JSON.parse(said.json);
      } catch {
        return undefined;
      }
    },
    answerIs(address, now, value) {
      const json = jsonOf(value);
      if (json !== undefined && json.length <= MOST_ANSWER_CHARACTERS)
        answers.set(address, { at: now, json });
    },
    save: async () => {},
    content: () => ({
      schema: "verifod-upstream-v2",
      tags: tags.entries() as Content["tags"],
      reaches: reaches.entries() as Content["reaches"],
      answers: answers.entries(),
    }),
  };
}

/** Undefined for what JSON cannot write, such as values nested a million times, which it can read. */
function jsonOf(value: unknown): string | undefined {
  try {
    return JSON.stringify(value);
  } catch {
    return undefined;
  }
}

interface Bounded<T> {
  get(key: string): T | undefined;
  set(key: string, value: T): void;
  entries(): [string, T][];
}

/** A map of at most `most` entries: the one that was not asked for longest is dropped first. */
function bounded<T>(most: number, entries: readonly (readonly [string, T])[] = []): Bounded<T> {
  const map = new Map(entries);
  const put = (key: string, value: T) => {
    map.delete(key);
    map.set(key, value);
    const [oldest] = map.keys();
    if (map.size > most && oldest !== undefined) map.delete(oldest);
  };
  return {
    get(key) {
      const value = map.get(key);
      if (value !== undefined) put(key, value);
      return value;
    },
    // The file's schema refuses longer names.
    set: (key, value) => (key.length <= 500 ? put(key, value) : undefined),
    entries: () => [...map],
  };
}

/** The file of the memory in a directory of caches. */
export function upstreamFile(directory: string): string {
  return join(directory, "upstream.json");
}

/** The memory in a file; `writable`: whether what is new may be kept there. */
export async function openUpstreamMemory(file: string, writable: boolean): Promise<KeptMemory> {
  const memory = createMemory(await read(file));
  let saves = 0;
  return {
    ...memory,
    async save() {
      if (!writable) return;
      // The App reviews several changes at a time: each save has a file of its own.
      const temporary = `${file}.${process.pid}.${++saves}`;
      try {
        await makeFolder(dirname(file));
        await writeFile(temporary, JSON.stringify(memory.content()), { mode: 0o600 });
        await rename(temporary, file);
      } catch {
        await rm(temporary, { force: true }).catch(() => {});
      }
    },
  };
}

async function read(file: string): Promise<Content | null> {
  try {
    const handle = await open(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    try {
      const stat = await handle.stat();
      if (!stat.isFile() || stat.size > MOST_BYTES) return null;
      return contentSchema.safeParse(JSON.parse(await handle.readFile("utf8"))).data ?? null;
    } finally {
      await handle.close();
    }
  } catch {
    return null;
  }
}
