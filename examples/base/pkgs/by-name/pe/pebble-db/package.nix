{
  lib,
  stdenv,
  fetchFromGitHub,
}:

stdenv.mkDerivation (finalAttrs: {
  pname = "pebble-db";
  version = "1.4.2";

  src = fetchFromGitHub {
    owner = "pebble-db";
    repo = "pebble-db";
    tag = "v${finalAttrs.version}";
    hash = "sha256-vTyV0z19454/sUR2TDcDSg9cs70/MGR3q+uMZZhpF7o=";
  };

  meta = {
    description = "Embedded key-value store";
    homepage = "https://github.com/pebble-db/pebble-db";
    license = lib.licenses.mit;
    mainProgram = "pebble-db";
  };
})
