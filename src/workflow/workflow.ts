/** A GitHub workflow or composite action as data with positions: what of it decides who may do what. */
import {
  type Alias,
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  type Node,
  parseDocument,
  visit,
} from "yaml";

/** A scalar as text, and where it stands. */
export interface Value {
  readonly text: string;
  readonly start: number;
  readonly end: number;
  /** The comment behind it, as `# v5.0.0`. */
  readonly comment: string;
}

/** Scope → level; null: not said, so that the default of the level above counts. */
export type Permissions = ReadonlyMap<string, Value> | null;

/** Variables of the environment, by their names. */
export type Environment = ReadonlyMap<string, Value>;

export interface Step {
  readonly uses: Value | null;
  readonly run: Value | null;
  /** What the script is given to, where that is said: `bash`, `python`, `perl {0}`. */
  readonly shell: Value | null;
  /** `working-directory`: where the script starts. */
  readonly folder: Value | null;
  readonly env: Environment;
  readonly with: ReadonlyMap<string, Value>;
}

export interface Job {
  readonly id: string;
  readonly at: Value;
  readonly condition: Value | null;
  readonly permissions: Permissions;
  readonly runsOn: readonly Value[];
  /** A reusable workflow. */
  readonly uses: Value | null;
  /** `secrets: inherit` */
  readonly inherits: Value | null;
  /** The container that it runs in and those of its services, or the image of an action, as `docker://image:tag`. */
  readonly images: readonly Value[];
  readonly env: Environment;
  readonly steps: readonly Step[];
  /** All scalars of the job: what reads `secrets.X` can stand anywhere. */
  readonly values: readonly Value[];
}

export interface Workflow {
  readonly triggers: ReadonlyMap<string, Value>;
  readonly permissions: Permissions;
  readonly env: Environment;
  readonly jobs: readonly Job[];
}

const WORKFLOW = /^(?:\.github|\.gitea|\.forgejo)\/workflows\/[^/]+\.ya?ml$/;
const ACTION = /(?:^|\/)action\.ya?ml$/;

/** Whether a file is a workflow, or an action that workflows use. */
export function isWorkflow(path: string): boolean {
  return WORKFLOW.test(path) || ACTION.test(path);
}

/** The expressions of a text, as `${{ x }}`, and where they stand. A quoted string may hold `}}`: the runner reads on. */
export function expressionsIn(text: string): readonly { expression: string; start: number; end: number }[] {
  const found: { expression: string; start: number; end: number }[] = [];
  const parts = /'[^']*'?|\}\}/g;
  for (let start = text.indexOf("${{"); start !== -1; start = text.indexOf("${{", parts.lastIndex)) {
    parts.lastIndex = start + 3;
    let end = parts.exec(text);
    while (end && end[0] !== "}}") end = parts.exec(text);
    if (!end) break;
    found.push({ expression: text.slice(start + 3, end.index).trim(), start, end: parts.lastIndex });
  }
  return found;
}

/** Workflows are written by hand; GitHub itself takes no larger ones. */
const MOST_CHARACTERS = 512 * 1024;
/** A value is met again wherever an alias stands for what it is in: a few lines could stand for millions. */
const MOST_VALUES = 100_000;
const MOST_ALIASES = 1_000;
const MOST_DEPTH = 50;

/** How YAML is read that may be wrong anywhere. Pretty errors look for the line of each: quadratic where all are errors. */
export const LENIENT = { strict: false, uniqueKeys: false, prettyErrors: false, logLevel: "silent" } as const;

/** Null when the text is no YAML mapping, or too large, too deep or of too many values. Never throws. */
export function readWorkflow(text: string): Workflow | null {
  if (text.length > MOST_CHARACTERS) return null;
  try {
    const document = parseDocument(text, LENIENT);
    return new Reader(document).workflow();
  } catch {
    // Too much for the reader, or for the stack of the library, which recurses.
    return null;
  }
}

/** What each alias of a document stands for. The library would look through the whole document for each. */
function targetsOf(document: Document): ReadonlyMap<Alias, Node> {
  const anchors = new Map<string, Node>();
  const targets = new Map<Alias, Node>();
  visit(document, {
    Alias(_, alias) {
      const target = anchors.get(alias.source);
      if (target) targets.set(alias, target);
    },
    Node(_, node) {
      if ("anchor" in node && typeof node.anchor === "string") anchors.set(node.anchor, node);
    },
  });
  if (targets.size > MOST_ALIASES) throw new RangeError("too many aliases");
  return targets;
}

/** (`a class` because every function needs the document, to follow aliases.) */
class Reader {
  private readonly contents: unknown;
  private readonly targets: ReadonlyMap<Alias, Node>;
  private values = 0;
  /** Of all jobs, where a job or step says no other. */
  private shell: Value | null = null;

  constructor(document: Document) {
    this.contents = document.contents;
    this.targets = targetsOf(document);
  }

  /** @throws RangeError when it is too much */
  workflow(): Workflow | null {
    const root = this.follow(this.contents);
    if (!isMap(root)) return null;
    this.shell = this.defaultShell(root);
    const jobs = this.entries(this.get(root, "jobs")).map(([key, job]) => this.job(key, job));
    const runs = this.get(root, "runs");
    if (isMap(runs)) jobs.push(this.job(this.value(runs, "runs"), runs));
    const env = this.named(root, "env");
    return { triggers: this.triggers(root), permissions: this.permissions(root), env, jobs };
  }

  private follow(node: unknown): Node | null {
    const target = isAlias(node) ? this.targets.get(node) : node;
    return isMap(target) || isSeq(target) || isScalar(target) ? target : null;
  }

  private get(map: Node | null, key: string): Node | null {
    if (!isMap(map)) return null;
    const pair = map.items.findLast((item) => isScalar(item.key) && String(item.key.value) === key);
    return this.follow(pair?.value);
  }

  private value(node: Node, text = isScalar(node) ? String(node.value ?? "") : ""): Value {
    if (++this.values > MOST_VALUES) throw new RangeError("too many values");
    const [start = 0, end = 0] = node.range ?? [];
    return { text, start, end, comment: node.comment?.trim() ?? "" };
  }

  private scalar(map: Node | null, key: string): Value | null {
    const node = this.get(map, key);
    return isScalar(node) ? this.value(node) : null;
  }

  private entries(map: Node | null): readonly (readonly [Value, Node])[] {
    if (!isMap(map)) return [];
    return map.items.flatMap((item) => {
      const value = this.follow(item.value);
      return isScalar(item.key) && value ? [[this.value(item.key), value] as const] : [];
    });
  }

  private named(map: Node | null, key: string): ReadonlyMap<string, Value> {
    return new Map(this.entries(this.get(map, key)).map(([name, node]) => [name.text, this.value(node)]));
  }

  /** `on: push`, `on: [push]`, `on: { push: … }`; YAML 1.1 readers take `on` for true. */
  private triggers(root: Node): ReadonlyMap<string, Value> {
    const on = this.get(root, "on") ?? this.get(root, "true");
    const found = new Map<string, Value>();
    const add = (value: Value) => found.set(value.text, value);
    if (isScalar(on)) add(this.value(on));
    if (isSeq(on)) for (const item of on.items) if (isScalar(item)) add(this.value(item));
    if (isMap(on)) for (const { key } of on.items) if (isScalar(key)) add(this.value(key));
    return found;
  }

  private permissions(map: Node): Permissions {
    const node = this.get(map, "permissions");
    if (isScalar(node)) {
      const value = this.value(node);
      return new Map(value.text === "" ? [] : [["*", value]]);
    }
    if (!isMap(node)) return null;
    return new Map(this.entries(node).map(([key, level]) => [key.text, this.value(level)]));
  }

  private job(key: Value, job: Node): Job {
    const secrets = this.scalar(job, "secrets");
    const runsOn = this.get(job, "runs-on");
    const steps = this.get(job, "steps");
    const shell = this.defaultShell(job) ?? this.shell;
    const values: Value[] = [];
    this.collect(job, values, 0);
    return {
      id: key.text,
      at: key,
      condition: this.scalar(job, "if"),
      permissions: this.permissions(job),
      runsOn: isSeq(runsOn)
        ? runsOn.items.filter(isScalar).map((item) => this.value(item))
        : isScalar(runsOn)
          ? [this.value(runsOn)]
          : [],
      uses: this.scalar(job, "uses"),
      inherits: secrets?.text === "inherit" ? secrets : null,
      images: [job, ...this.entries(this.get(job, "services")).map(([, service]) => service)].flatMap(
        (node) => this.image(node) ?? [],
      ),
      env: this.named(job, "env"),
      steps: isSeq(steps) ? steps.items.flatMap((item) => this.step(this.follow(item), shell)) : [],
      values,
    };
  }

  /** Of an action, `Dockerfile` is a file beside it. */
  private image(job: Node): Value | null {
    const own = this.scalar(job, "image");
    const container =
      this.scalar(this.get(job, "container"), "image") ??
      this.scalar(job, "container") ??
      // An action names an image or a Dockerfile, a service an image.
      (this.get(job, "using") ? null : own);
    const image = container
      ? { ...container, text: `docker://${container.text.replace("docker://", "")}` }
      : own;
    return image?.text.startsWith("docker://") && !image.text.includes("${{") ? image : null;
  }

  private defaultShell(map: Node | null): Value | null {
    return this.scalar(this.get(this.get(map, "defaults"), "run"), "shell");
  }

  private step(step: Node | null, shell: Value | null): readonly Step[] {
    if (!isMap(step)) return [];
    return [
      {
        uses: this.scalar(step, "uses"),
        run: this.scalar(step, "run"),
        shell: this.scalar(step, "shell") ?? shell,
        folder: this.scalar(step, "working-directory"),
        env: this.named(step, "env"),
        with: this.named(step, "with"),
      },
    ];
  }

  private collect(node: Node | null, into: Value[], depth: number): void {
    if (depth > MOST_DEPTH) throw new RangeError("too deep");
    if (isScalar(node)) into.push(this.value(node));
    else if (isSeq(node)) for (const item of node.items) this.collect(this.follow(item), into, depth + 1);
    else if (isMap(node))
      for (const { value } of node.items) this.collect(this.follow(value), into, depth + 1);
  }
}
