// Prints a bill of materials of a release, as CycloneDX: what is installed with it, by npm's own account, and what only
// the programs contain, the grammars among it. https://cyclonedx.org/docs/1.5/json/
import { execFileSync } from "node:child_process";
import { readFile } from "node:fs/promises";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const packages = JSON.parse(await readFile(`${root}/dist/packages.json`, "utf8"));
const sbom = (...options) => {
  const args = ["sbom", "--sbom-format", "cyclonedx", ...options];
  return JSON.parse(execFileSync("npm", args, { cwd: root, encoding: "utf8", maxBuffer: 64_000_000 }));
};

const bom = sbom("--omit", "dev");
const nameOf = ({ name, version }) => `${name}@${version}`;
const listed = new Set(bom.components.map(nameOf));
const known = new Map(sbom().components.map((component) => [nameOf(component), component]));
const { dependsOn } = bom.dependencies.find(({ ref }) => ref === bom.metadata.component["bom-ref"]);
for (const each of packages.filter((each) => !listed.has(nameOf(each)))) {
  const { name, version, licence, purl } = each;
  const own = {
    "bom-ref": purl,
    type: "library",
    name,
    version,
    purl,
    licenses: [{ license: { id: licence } }],
  };
  const component = purl === null ? known.get(nameOf(each)) : own;
  if (component === undefined)
    throw new Error(`npm does not know ${nameOf(each)}, which the programs contain`);
  // npm's properties say that it is for development.
  bom.components.push({ ...component, scope: "required", properties: [] });
  bom.dependencies.push({ ref: component["bom-ref"], dependsOn: [] });
  dependsOn.push(component["bom-ref"]);
}
process.stdout.write(`${JSON.stringify(bom, null, 2)}\n`);
