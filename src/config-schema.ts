/** What a configuration may hold: the one definition that validates it and makes schema/verifod.schema.json. */
import picomatch from "picomatch";
import { isMap, isNode, isScalar, isSeq, LineCounter, type Node, parseDocument, type YAMLMap } from "yaml";
import * as z from "zod";
import { type Config, noPath, type RuleConfig } from "./config.ts";
import { messageOf, VerifodError } from "./errors.ts";
import { GATE_STATES } from "./ledger/gate.ts";
import { MENTION, matcherOf } from "./owners/codeowners.ts";
import { SEVERITIES } from "./report/review.ts";
import { THRESHOLDS } from "./report/status.ts";
import { visible } from "./report/visible.ts";
import { rules as allRules } from "./rules/index.ts";

const severity = z.enum(SEVERITIES);
const ruleSeverity = z.enum([...SEVERITIES, "off"]);
const glob = z.string().min(1).max(300);

const ruleSetting = z.union([
  ruleSeverity.describe("The severity of all findings of the rule, or off"),
  z.strictObject({
    severity: ruleSeverity.optional().describe("The severity of all findings of the rule, or off"),
    exclude: z
      .array(glob)
      .max(500)
      .optional()
      .describe('Paths about which the rule stays silent, as "pkgs/test/**"'),
  }),
]);

const subsystem = z.strictObject({
  name: z.string().min(1).max(100).describe("What the team calls it"),
  paths: z
    .array(
      glob.refine(
        (pattern) => matcherOf(pattern) !== null,
        "expected a pattern as in CODEOWNERS, without ! and [ ]",
      ),
    )
    .min(1)
    .max(500)
    .describe('Its files, as "nixos/modules/system/boot/**"'),
  alert: z
    .array(z.string().regex(MENTION, "expected @user or @organisation/team"))
    .max(20)
    .default([])
    .describe("Whom to mention: @user or @organisation/team; nobody: whom the path belongs to"),
  from: severity.default("high").describe("The least severity that alerts"),
  acknowledgements: z
    .int()
    .min(1)
    .max(10)
    .default(1)
    .describe("From how many people a finding needs an acknowledgement"),
});

const gate = z.strictObject({
  tolerate: z
    .array(z.enum(GATE_STATES))
    .max(GATE_STATES.length)
    .default([])
    .describe("States of pins that pass beside match"),
  "max-age": z
    .int()
    .min(1)
    .max(36_500)
    .optional()
    .describe("Days after which a match counts no more: the pin is expired"),
  exclude: z.array(glob).max(500).default([]).describe("Paths whose pins pass, whatever is known of them"),
});

const schema = z.strictObject({
  "fail-on": z.enum(THRESHOLDS).default("high").describe("The least severity that fails a run"),
  verify: z
    .enum(["auto", "always", "never"])
    .default("auto")
    .describe("Whether changed sources are evaluated and fetched again; auto: where Nix is at hand"),
  ask: z
    .enum(["auto", "never"])
    .default("auto")
    .describe(
      "Whether the Action and the App ask upstream about the sources; auto: with a token of github.com",
    ),
  rules: z
    .record(z.string().regex(/^[a-z0-9-]+$/), ruleSetting)
    .default({})
    .describe("By the name of the rule: a severity, off, or options"),
  "trusted-hosts": z
    .array(z.string().regex(/^[A-Za-z0-9.-]+$/, "expected the name of a host"))
    .max(500)
    .default([])
    .describe("Hosts whose sources need no closer look"),
  subsystems: z.array(subsystem).max(200).default([]).describe("Parts of the repository and their teams"),
  gate: gate.prefault({}).describe("What verifod gate --enforce lets pass"),
  canaries: z
    .int()
    .min(0)
    .max(1_000)
    .default(8)
    .describe(
      "How many sources verification fetches with the old and the new definition of a changed fetcher",
    ),
  owners: z.string().min(1).max(300).optional().describe("The path of a CODEOWNERS file"),
  mentions: z
    .int()
    .min(0)
    .max(20)
    .default(3)
    .describe("How many mentions alerts may make in one pull request"),
});

/** The JSON Schema of a configuration file, for editors. */
export function configJsonSchema(): object {
  const { $schema, ...rest } = z.toJSONSchema(schema, { target: "draft-7", io: "input" });
  return { $schema, title: "Configuration of Verifod (.github/verifod.yml)", ...rest };
}

/**
 * The configuration in `text`.
 * @throws VerifodError (configuration): each mistake with `name`, line and column
 */
export function parseConfig(text: string, name: string): Config {
  const lines = new LineCounter();
  const place = (offset: number): string => {
    const { line, col } = lines.linePos(offset);
    return `${name}:${line}:${col}`;
  };
  const fail = (mistakes: readonly string[]): never => {
    throw new VerifodError("configuration", mistakes.slice(0, 10).join("\n"));
  };

  let document: ReturnType<typeof parseDocument>;
  let value: unknown;
  try {
    document = parseDocument(text, {
      logLevel: "error",
      lineCounter: lines,
      prettyErrors: false,
      version: "1.2",
    });
    const { errors } = document;
    if (errors.length > 0)
      fail(errors.map(({ pos, message }) => `${place(pos[0])}: ${visible(message, 300)}`));
    // Aliases of aliases grow without bounds; nobody needs a hundred of them here.
    value = document.toJS({ maxAliasCount: 100 }) ?? {};
  } catch (error) {
    if (error instanceof VerifodError) throw error;
    // Too many aliases, or nested so deeply that the parser runs out of stack.
    return fail([`${name}: ${visible(messageOf(error), 300)}`]);
  }

  const parsed = schema.safeParse(value);
  if (!parsed.success) {
    const mistakes = parsed.error.issues.flatMap((issue) => mistakesOf(issue));
    return fail(
      mistakes.map(({ path, message }) => `${place(offsetOf(document.contents, path))}: ${message}`),
    );
  }
  const config = parsed.data;
  const known = new Set(allRules.map(({ id }) => id));
  // As they stand in the file: the schema passes over a key `__proto__`.
  const unknown = Object.keys((value as { rules?: object }).rules ?? {}).filter((id) => !known.has(id));
  if (unknown.length > 0) {
    fail(
      unknown.map(
        (id) =>
          `${place(offsetOf(document.contents, ["rules", id]))}: there is no rule ${visible(id, 100)}: verifod rules lists them`,
      ),
    );
  }
  return {
    failOn: config["fail-on"],
    verify: config.verify,
    ask: config.ask,
    rules: new Map(Object.entries(config.rules).map(([id, setting]) => [id, ruleConfig(setting)])),
    trustedHosts: config["trusted-hosts"],
    subsystems: config.subsystems,
    owners: config.owners ?? null,
    canaries: config.canaries,
    gate: {
      tolerate: config.gate.tolerate,
      maxAge: config.gate["max-age"] ?? null,
      excludes: globMatcher(config.gate.exclude),
    },
    mentions: config.mentions,
  };
}

function ruleConfig(setting: z.infer<typeof ruleSetting>): RuleConfig {
  if (typeof setting === "string") return { severity: setting, excludes: noPath };
  return { severity: setting.severity ?? null, excludes: globMatcher(setting.exclude ?? []) };
}

function globMatcher(globs: readonly string[]): (path: string) => boolean {
  return globs.length === 0 ? noPath : picomatch([...globs], { dot: true });
}

interface Mistake {
  readonly path: readonly PropertyKey[];
  readonly message: string;
}

/** One mistake for each unknown key; of a union, those of the member that fits the value's kind. */
function mistakesOf(issue: z.core.$ZodIssue, prefix: readonly PropertyKey[] = []): Mistake[] {
  const path = [...prefix, ...issue.path];
  const shown = visible(path.map(String).join(".") || "the file", 100);
  if (issue.code === "unrecognized_keys") {
    const where = path.length === 0 ? "" : ` in ${shown}`;
    return issue.keys.map((key) => ({
      path: [...path, key],
      message: `unknown key ${visible(key, 100)}${where}`,
    }));
  }
  if (issue.code === "invalid_union") {
    const fitting = issue.errors.find((issues) =>
      issues.some(({ path: inner, code }) => inner.length > 0 || code === "unrecognized_keys"),
    );
    if (fitting) return fitting.flatMap((inner) => mistakesOf(inner, path));
    return [{ path, message: `${shown}: expected a severity, off, or options` }];
  }
  return [{ path, message: `${shown}: ${visible(issue.message, 300)}` }];
}

/** Where the key (or item) at `path` begins in the text; of what is not there, where its parent begins. */
function offsetOf(contents: unknown, path: readonly PropertyKey[]): number {
  let node: unknown = contents;
  let offset = startOf(node);
  for (const part of path) {
    if (isMap(node)) {
      const pair: YAMLMap["items"][number] | undefined = node.items.find(
        ({ key }) => isScalar(key) && String(key.value) === String(part),
      );
      if (pair === undefined) return offset;
      offset = startOf(pair.key);
      node = pair.value;
    } else if (isSeq(node)) {
      node = node.items[Number(part)];
      offset = startOf(node) || offset;
    } else {
      return offset;
    }
  }
  return offset;
}

function startOf(node: unknown): number {
  return (isNode(node) ? (node as Node).range?.[0] : undefined) ?? 0;
}
