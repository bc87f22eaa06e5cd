/** GitHub's own parser of workflows. It imports JSON without saying so, which Node refuses and bundlers take. */
import { build } from "esbuild";

type WorkflowParser = typeof import("@actions/workflow-parser");

export async function loadWorkflowParser(): Promise<WorkflowParser> {
  const { outputFiles } = await build({
    stdin: { contents: 'export * from "@actions/workflow-parser";', resolveDir: import.meta.dirname },
    bundle: true,
    write: false,
    format: "esm",
    platform: "node",
    banner: { js: 'import { createRequire } from "node:module"; const require = createRequire("/");' },
  });
  const code = Buffer.from(outputFiles[0]?.contents ?? []).toString("base64");
  return (await import(`data:text/javascript;base64,${code}`)) as WorkflowParser;
}
