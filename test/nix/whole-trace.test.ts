import { expect, test } from "vitest";
import { createDocuments } from "../../src/nix/documents.ts";
import type { WholeTraces } from "../../src/nix/reading.ts";
import { createNixSide } from "../../src/nix/side.ts";
import { pinsOf, textTree } from "../support/pins.ts";
import { A, B, C } from "../support/recipes.ts";

const data = (hash: string) => `{ version = import ./version.nix; src-hash = "${hash}"; }`;
const made = (name: string) => `{ ${name} = mk { pname = "${name}"; data = import ./${name}.nix; }; }`;
const files = {
  "p/default.nix": `{ stdenv, fetchurl }: let
    mk = { pname, data }: stdenv.mkDerivation {
      inherit pname;
      inherit (data) version;
      src = fetchurl { url = "https://example.org/\${pname}-\${data.version}.tgz"; hash = data.src-hash; };
    };
    in ${["a", "b", "c"].map(made).join(" // ")}`,
  "p/a.nix": data(A),
  "p/b.nix": data(B),
  "p/c.nix": `{ version = (import ../q/far.nix).version; src-hash = "${C}"; }`,
  "p/version.nix": `"1.2"`,
  "q/far.nix": `{ version = "3"; }`,
};

test.each([[["p/a.nix", "p/b.nix", "p/c.nix"]], [["p/c.nix", "p/b.nix", "p/a.nix"]]])(
  "the pins of %j are the same when what is beside them was looked through before",
  async (paths) => {
    const tree = textTree(files);
    const documents = await createDocuments();
    const traces: WholeTraces = new Map();
    for (const path of paths) {
      // As the index reads files: each on a side of its own, which says what it needs.
      const needed: string[] = [];
      const entryOf: typeof tree.entry = (each) => {
        needed.push(each);
        return tree.entry(each);
      };
      const side = createNixSide({ ...tree, entry: entryOf }, documents, traces);
      const entry = await tree.entry(path);
      if (!entry) throw new Error(`no file ${path}`);
      await side.load(entry);
      const pins = await side.sources(path, [{ start: 0, end: 1_000 }]);
      documents.trim();
      expect(pins).toEqual(await pinsOf(files, path));
      expect(pins.map(({ fetcher }) => fetcher)).toEqual(["fetchurl"]);
      // What nothing was evaluated for depends on the files that its values come from all the same.
      expect(needed).toContain("p/version.nix");
    }
  },
);
