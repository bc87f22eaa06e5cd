# The program, built from the locked dependencies: `nix-build` in the root of the repository.
{
  lib,
  buildNpmPackage,
  importNpmLock,
  nodejs,
}:

buildNpmPackage {
  pname = "verifod";
  version = (lib.importJSON ../package.json).version;
  src = lib.cleanSource ../.;

  # The hashes are those of package-lock.json: there is no other one to keep in step.
  npmDeps = importNpmLock { npmRoot = ../.; };
  npmConfigHook = importNpmLock.npmConfigHook;
  npmFlags = [ "--ignore-scripts" ];
  inherit nodejs;

  meta = {
    description = "Reviews the source pins of nixpkgs pull requests";
    license = lib.licenses.mit;
    mainProgram = "verifod";
  };
}
