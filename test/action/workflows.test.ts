/** What we tell others to run, and run ourselves, parses and keeps to its own rules. */
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { MODES } from "../../src/action/inputs.ts";
import { loadWorkflowParser } from "../support/workflow-parser.ts";

const { NoOperationTraceWriter, parseWorkflow } = await loadWorkflowParser();
const root = fileURLToPath(new URL("../..", import.meta.url));
const files = ["examples/workflows", ".github/workflows"].flatMap((folder) =>
  readdirSync(`${root}/${folder}`)
    .filter((name) => name.endsWith(".yml"))
    .map((name) => `${folder}/${name}`),
);
const textOf = (file: string): string => readFileSync(`${root}/${file}`, "utf8");

interface Step {
  readonly uses?: string;
  readonly run?: string;
  readonly with?: Readonly<Record<string, string>>;
}
interface Workflow {
  readonly on: Readonly<Record<string, unknown>>;
  readonly permissions: unknown;
  readonly jobs: Readonly<
    Record<
      string,
      { readonly permissions: Readonly<Record<string, string>>; readonly steps: readonly Step[] }
    >
  >;
}
const action = parse(textOf("action.yml")) as {
  inputs: Record<string, unknown>;
  outputs: Record<string, unknown>;
};

test.each(files)("%s parses, pins by commit, and grants each job what it says", (file) => {
  const content = textOf(file);
  const result = parseWorkflow({ name: file, content }, new NoOperationTraceWriter());
  expect(result.context.errors.getErrors()).toEqual([]);
  const { on, permissions, jobs } = parse(content) as Workflow;
  expect(permissions).toEqual({});
  for (const { steps, permissions: granted } of Object.values(jobs)) {
    expect(granted).toBeDefined();
    const writes = Object.values(granted).includes("write");
    for (const { uses, run } of steps) {
      if (uses !== undefined) expect(uses).toMatch(/@[0-9a-f]{40}$/);
      if (run !== undefined) expect(run).not.toContain("${{");
      // What an untrusted run has put into a cache must not reach a job that may write.
      if (writes) expect(uses ?? "").not.toMatch(/^actions\/cache/);
      // Only the base branch's own runs write one.
      if (uses?.startsWith("actions/cache@"))
        expect(["push", "schedule", "workflow_dispatch"]).toEqual(expect.arrayContaining(Object.keys(on)));
    }
  }
});

const examples = files.filter((file) => file.startsWith("examples/"));

test.each(examples.filter((file) => textOf(file).includes("uses: verifod/verifod@")))(
  "%s checks nothing out beside a token that writes",
  (file) => {
    const { jobs } = parse(textOf(file)) as Workflow;
    for (const { steps, permissions } of Object.values(jobs)) {
      const writes = Object.values(permissions).includes("write");
      const ours = steps.find(({ uses }) => uses?.startsWith("verifod/verifod@"));
      expect(Object.keys(ours?.with ?? {}).filter((input) => !(input in action.inputs))).toEqual([]);
      expect(MODES).toContain(ours?.with?.mode);
      expect(writes).toBe(ours?.with?.token !== undefined);
      if (writes)
        expect(steps.some(({ uses, run }) => run !== undefined || uses?.startsWith("actions/checkout"))).toBe(
          false,
        );
    }
  },
);

test("the page of the action names every input and output", () => {
  const page = textOf("docs/action.md");
  for (const name of [...Object.keys(action.inputs), ...Object.keys(action.outputs)])
    expect(page).toMatch(new RegExp(`\\| \`${name}\` +\\|`));
});
