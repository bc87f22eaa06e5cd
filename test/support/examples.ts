/** The examples of the demonstration: an honest bump, a few accidents and attacks. */
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../examples", import.meta.url));

/** The files of an example, or of `base`, in a tree whose packages have maintainers as those of nixpkgs do. */
export function maintainedFiles(example: string): Record<string, string> {
  const meta = "meta = {\n    maintainers = with lib.maintainers; [ ada ];\n    teams = [ lib.teams.gnome ];";
  const packages = Object.entries(exampleFiles(example)).map(([path, text]) => [
    path,
    text.replace("meta = {", meta),
  ]);
  return {
    ...Object.fromEntries(packages),
    "maintainers/maintainer-list.nix": '{\n  ada = {\n    github = "ada-l";\n    githubId = 11;\n  };\n}\n',
    "maintainers/team-list.nix": '{ lib }:\n{\n  gnome = {\n    github = "gnome";\n  };\n}\n',
    "maintainers/github-teams.json": '{ "gnome": { "members": { "bob": 12 }, "maintainers": {} } }\n',
  };
}

/** The Nix files of an example, or of `base`, by their paths. */
export function exampleFiles(example: string): Record<string, string> {
  const paths = readdirSync(`${root}/${example}`, { recursive: true, encoding: "utf8" });
  return Object.fromEntries(
    paths
      .filter((path) => path.endsWith(".nix"))
      .map((path) => [path, readFileSync(`${root}/${example}/${path}`, "utf8")]),
  );
}
