{
  lib,
  stdenv,
  fetchFromGitHub,
}:

stdenv.mkDerivation (finalAttrs: {
  pname = "brook";
  version = "1.4.2";

  src = fetchFromGitHub {
    owner = "brook-project";
    repo = "brook";
    tag = "v${finalAttrs.version}";
    hash = "sha256-fuwq320yZXgenyr6crzpJzT9+Wk1ZhHN3RelQgCVSDY=";
  };

  meta = {
    description = "Small static site generator";
    homepage = "https://github.com/brook-project/brook";
    license = lib.licenses.mit;
    mainProgram = "brook";
  };
})
