{
  lib,
  stdenv,
  fetchFromGitHub,
}:

stdenv.mkDerivation (finalAttrs: {
  pname = "brook";
  version = "1.5.0";

  src = fetchFromGitHub {
    owner = "brook-project";
    repo = "brook";
    tag = "v${finalAttrs.version}";
    hash = "sha256-egH/wDMWhg09DwRBbIsLIbNCTyHsWqCBcTWGWE+TMX0=";
  };

  meta = {
    description = "Small static site generator";
    homepage = "https://github.com/brook-project/brook";
    license = lib.licenses.mit;
    mainProgram = "brook";
  };
})
