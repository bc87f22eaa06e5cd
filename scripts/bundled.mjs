// What the programs are made of: the packages whose code esbuild has put into them, and the grammars beside them.
import { readdir, readFile } from "node:fs/promises";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const grammarPackage = "node_modules/@cursorless/tree-sitter-wasms";

/** Where the grammars lie, and of which languages those are that are shipped. */
export const grammarFolder = `${root}/${grammarPackage}/out`;
export const grammars = ["nix", "bash", "python"];

/**
 * Each package, once and in a fixed order: `{ name, version, licence, purl, texts }`. `purl`: where it is from when that
 * is no registry, else null.
 * @throws Error when a package names no licence, or neither it nor we have the text
 */
export async function bundledPackages(metafile) {
  const folders = new Set([grammarPackage, "node_modules/web-tree-sitter"]);
  for (const { inputs } of Object.values(metafile.outputs)) {
    for (const [file, { bytesInOutput }] of Object.entries(inputs)) {
      const [, folder] = /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(file) ?? [];
      if (folder !== undefined && bytesInOutput > 0) folders.add(folder);
    }
  }
  const all = await Promise.all([...[...folders].map(readPackage), ...grammars.map(readGrammar)]);
  return all.sort((a, b) => compare(a.name, b.name) || compare(a.version, b.version));
}

/** The packages with their licences, as users read them. */
export function licensesText(packages) {
  const parts = packages.map(
    ({ name, version, licence, texts }) => `${heading(name, version, licence)}\n\n${texts.join("\n\n")}\n`,
  );
  return `The programs in this folder contain these packages:\n\n${parts.join("\n\n")}`;
}

function heading(name, version, licence) {
  const line = `${name} ${version} (${licence})`;
  return `${line}\n${"=".repeat(line.length)}`;
}

async function readPackage(folder) {
  const { name, version, license: licence, author } = await readJson(`${root}/${folder}/package.json`);
  if (typeof licence !== "string") throw new Error(`${folder} names no licence`);
  const files = (await readdir(`${root}/${folder}`)).filter((file) =>
    /^(licen[cs]e|copying|notice)([.-]|$)/i.test(file),
  );
  const texts = await Promise.all(files.sort().map((file) => readText(`${root}/${folder}/${file}`)));
  if (texts.length === 0) {
    // A few packages come without the text: it is then that of the licence that they name.
    const text = await readText(`${root}/scripts/licenses/${licence}.txt`).catch(() => null);
    if (text === null) throw new Error(`${folder} has no text of its licence: put it into scripts/licenses/`);
    texts.push(typeof author === "string" ? `By ${author}.\n\n${text}` : text);
  }
  return { name, version, licence, purl: null, texts };
}

/** The package of the grammars holds no word of theirs but where they are from. */
async function readGrammar(language) {
  const name = `tree-sitter-${language}`;
  const { devDependencies } = await readJson(`${root}/${grammarPackage}/package.json`);
  const [, repository, commit] = /^github:([\w./-]+)#([0-9a-f]{40})$/.exec(devDependencies[name] ?? "") ?? [];
  if (commit === undefined) throw new Error(`${grammarPackage} does not say where ${name} is from`);
  const text = await readText(`${root}/scripts/licenses/${name}.txt`);
  return { name, version: commit, licence: "MIT", purl: `pkg:github/${repository}@${commit}`, texts: [text] };
}

const readJson = async (file) => JSON.parse(await readFile(file, "utf8"));
const readText = async (file) => (await readFile(file, "utf8")).replaceAll(/[ \t\r]+$/gm, "").trim();

function compare(a, b) {
  return a < b ? -1 : a > b ? 1 : 0;
}
