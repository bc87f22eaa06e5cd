// Bundles the programs to dist/ and puts the grammars beside them, so that users install neither sources nor 44 MB
// of grammars. https://esbuild.github.io/api/
import { copyFile, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { bundledPackages, grammarFolder, grammars, licensesText } from "./bundled.mjs";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const dist = `${root}/dist`;
const { version } = JSON.parse(await readFile(`${root}/package.json`, "utf8"));

// One program per door, and one per kind of thread.
const entryPoints = {
  cli: "src/cli/main.ts",
  action: "src/action/main.ts",
  "backtest-thread": "src/threads/backtest-thread.ts",
  "index-thread": "src/threads/index-thread.ts",
  "review-thread": "src/threads/review-thread.ts",
};
await rm(dist, { recursive: true, force: true });
await mkdir(`${dist}/wasm`, { recursive: true });
const { metafile } = await build({
  metafile: true,
  absWorkingDir: root,
  entryPoints,
  outdir: dist,
  outExtension: { ".js": ".mjs" },
  bundle: true,
  splitting: true,
  chunkNames: "[name]-[hash]",
  platform: "node",
  format: "esm",
  target: "node20",
  // jsonc-parser's `main` is UMD, whose inner require() no bundler sees.
  mainFields: ["module", "main"],
  minifySyntax: true,
  legalComments: "linked",
  logLevel: "warning",
  // The embedded database finds its 27 MB of WebAssembly beside its own files; commands that need it load it.
  // The queue's library can read configuration written in TypeScript, which nobody gives it here.
  external: ["@electric-sql/pglite", "typescript"],
  define: { "process.env.VERIFOD_VERSION": JSON.stringify(version) },
  // Bundled CommonJS modules ask for built-in modules with require().
  banner: {
    js: 'import { createRequire as verifodRequire } from "node:module"; const require = verifodRequire(import.meta.url);',
  },
});

// Not in the source: ESLint takes such a line away and then, as the text is not that of the file, has all types worked out again.
const command = `${dist}/cli.mjs`;
await writeFile(command, `#!/usr/bin/env node\n${await readFile(command, "utf8")}`);

const wasm = "web-tree-sitter.wasm";
await copyFile(`${root}/node_modules/web-tree-sitter/${wasm}`, `${dist}/wasm/${wasm}`);
for (const name of grammars.map((language) => `tree-sitter-${language}.wasm`))
  await copyFile(`${grammarFolder}/${name}`, `${dist}/wasm/${name}`);
await copyFile(`${root}/src/verify/rederive.nix`, `${dist}/rederive.nix`);
await copyFile(`${root}/src/asset/published.bin`, `${dist}/published.bin`);
const packages = await bundledPackages(metafile);
await writeFile(`${dist}/licenses.txt`, licensesText(packages));
const list = packages.map(({ texts: _, ...each }) => each);
await writeFile(`${dist}/packages.json`, `${JSON.stringify(list, null, 2)}\n`);
