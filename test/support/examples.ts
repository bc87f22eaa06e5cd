/** The examples of the demonstration: an honest bump, a few accidents and attacks. */
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../examples", import.meta.url));

/** The Nix files of an example, or of `base`, by their paths. */
export function exampleFiles(example: string): Record<string, string> {
  const paths = readdirSync(`${root}/${example}`, { recursive: true, encoding: "utf8" });
  return Object.fromEntries(
    paths
      .filter((path) => path.endsWith(".nix"))
      .map((path) => [path, readFileSync(`${root}/${example}/${path}`, "utf8")]),
  );
}
