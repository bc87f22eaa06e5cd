// The inputs of the bench, made anew each time: repositories in the form of nixpkgs, written with git fast-import.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";

const sri = (text) => `sha256-${createHash("sha256").update(text).digest("base64")}`;

export function packageText(name, version) {
  return `{
  lib,
  stdenv,
  fetchFromGitHub,
  cmake,
  zlib,
}:

stdenv.mkDerivation (finalAttrs: {
  pname = "${name}";
  version = "${version}";

  src = fetchFromGitHub {
    owner = "${name}-project";
    repo = "${name}";
    tag = "v\${finalAttrs.version}";
    hash = "${sri(`${name} ${version}`)}";
  };

  nativeBuildInputs = [ cmake ];
  buildInputs = [ zlib ];

  cmakeFlags = [ (lib.cmakeBool "BUILD_TESTING" finalAttrs.finalPackage.doCheck) ];

  postInstall = ''
    install -Dm644 -t $out/share/doc/${name} README.md
    substituteInPlace $out/share/applications/${name}.desktop --replace-fail /usr $out
  '';

  meta = {
    description = "Package ${name} of the bench";
    homepage = "https://github.com/${name}-project/${name}";
    license = lib.licenses.mit;
    mainProgram = "${name}";
  };
})
`;
}

/** A generated package set of about a megabyte; `version` is that of one package in its middle. */
export function generatedText(version) {
  const entries = Array.from({ length: 3_600 }, (_, index) => {
    const own = index === 1_800 ? version : "1.0.0";
    return `  package-${index} = callPackage ({ mkDerivation, base, text }: mkDerivation {
    pname = "package-${index}";
    version = "${own}";
    src = fetchurl {
      url = "https://example.org/package-${index}-${own}.tar.gz";
      hash = "${sri(`${index} ${own}`)}";
    };
    libraryHaskellDepends = [ base text ];
  }) { };
`;
  });
  return `{ pkgs, callPackage, fetchurl }:\n{\n${entries.join("")}}\n`;
}

const nameOf = (index) => `pkg${String(index).padStart(4, "0")}`;
const pathOf = (index) => `pkgs/by-name/${nameOf(index).slice(0, 2)}/${nameOf(index)}/package.nix`;

/** The files of a tree of `count` packages, as [path, text]. */
export function packages(count, version) {
  return Array.from({ length: count }, (_, index) => [pathOf(index), packageText(nameOf(index), version)]);
}

/** Makes a bare repository at `directory` with a commit for each list of [path, text] that change; null: no parent. */
export function makeRepository(directory, commits) {
  const chunks = [];
  const data = (text) => {
    const bytes = Buffer.from(text);
    chunks.push(Buffer.from(`data ${bytes.length}\n`), bytes, Buffer.from("\n"));
  };
  commits.forEach((files, index) => {
    chunks.push(
      Buffer.from("commit refs/heads/main\ncommitter Bench <bench@example.org> 1700000000 +0000\n"),
    );
    data(`commit ${index}\n`);
    for (const [path, text] of files) {
      chunks.push(Buffer.from(`M 100644 inline ${path}\n`));
      data(text);
    }
  });
  const git = (args, input) => {
    const { status, stderr } = spawnSync("git", args, { input, encoding: "utf8" });
    if (status !== 0) throw new Error(`git ${args[0]} failed: ${stderr}`);
  };
  git(["init", "--quiet", "--bare", "--initial-branch=main", directory]);
  git(["-C", directory, "fast-import", "--quiet"], Buffer.concat(chunks));
  return directory;
}
