import { expect, test } from "vitest";
import { parseHash } from "../../src/nix/hash.ts";
import { attributesOf, fixedOutput, parseDerivation, wordsOf } from "../../src/verify/drv.ts";
import { fixedOutputPath } from "../../src/verify/store-path.ts";

const HEX = "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03";
const PATH = "/nix/store/cmpq0wqgn97iw1rm8n0hf1l4aaarsnmk-a.txt.drv";

function derivation(env: string, output = `("out","/nix/store/x-a.txt","sha256","${HEX}")`): string {
  return `Derive([${output}],[("/nix/store/y-curl.drv",["bin","out"])],["/nix/store/z-builder.sh"],"x86_64-linux","/bin/sh",["-c","echo \\"hi\\"\\n"],[${env}])`;
}

test("reads every part of a derivation", () => {
  const parsed = parseDerivation(PATH, derivation('("name","a.txt"),("text","tab\\tend\\\\n \\"é\\"")'));
  expect(parsed).toMatchObject({
    path: PATH,
    name: "a.txt",
    inputSources: ["/nix/store/z-builder.sh"],
    system: "x86_64-linux",
    builder: "/bin/sh",
    args: ["-c", 'echo "hi"\n'],
  });
  expect([...parsed.inputDerivations]).toEqual([["/nix/store/y-curl.drv", ["bin", "out"]]]);
  expect(parsed.env.get("text")).toBe('tab\tend\\n "é"');
});

test.each([
  ["", "sha256", "flat"],
  ["r:", "sha256", "recursive"],
  ["text:", "sha256", "text"],
])("a fixed output of the method %j", (prefix, algorithm, mode) => {
  const text = derivation("", `("out","/nix/store/x-a","${prefix}${algorithm}","${HEX}")`);
  expect(fixedOutput(parseDerivation(PATH, text))).toMatchObject({ mode, hash: { algorithm } });
});

test.each([
  ["no hash", '("out","/nix/store/x-a","","")'],
  ["a content-addressed output without a hash", '("out","","r:sha256","")'],
  ["several outputs", `("dev","/nix/store/d","",""),("out","/nix/store/x-a","","")`],
])("%s is no fixed output", (_, output) => {
  expect(fixedOutput(parseDerivation(PATH, derivation("", output)))).toBeNull();
});

test("structured attributes are read from their JSON", () => {
  const parsed = parseDerivation(
    PATH,
    derivation('("__json","{\\"urls\\":[\\"https://a\\",\\"https://b\\"]}")'),
  );
  expect(wordsOf(attributesOf(parsed).urls)).toEqual(["https://a", "https://b"]);
  expect(wordsOf(" https://a\n https://b ")).toEqual(["https://a", "https://b"]);
});

test.each(["", "{", "null", "7", "{}"])(
  "the variable for them hides nothing when a recipe writes %j to it",
  (json) => {
    const parsed = parseDerivation(
      PATH,
      derivation(`("__json",${JSON.stringify(json)}),("url","https://a")`),
    );
    expect(attributesOf(parsed)).toEqual({ url: "https://a" });
  },
);

test.each(["", "Derive(", "Derive([", 'Derive([("out"', derivation("").slice(0, -1), 'Derive([],[],[],"x'])(
  "%j is not a derivation",
  (text) => {
    expect(() => parseDerivation(PATH, text)).toThrow(SyntaxError);
  },
);

// The paths are what Nix 2.8 and 2.26 print for the same name and hash.
test.each([
  ["/nix/store", "a.txt", "flat", `sha256:${HEX}`, "/nix/store/fdwm55r4skpypx1gwzb7x69ckav1rv09-a.txt"],
] as const)("the store path of a fixed output in %s", (directory, name, mode, text, path) => {
  const hash = parseHash(text);
  expect(hash && fixedOutputPath(directory, name, mode, hash)).toBe(path);
});
