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
    hash = "sha256-o+rV7trV34IxjFFoXbwcFHo20f+FhPyC3msI0L9jp5U=";
  };

  meta = {
    description = "Embedded key-value store";
    homepage = "https://github.com/pebble-db/pebble-db";
    license = lib.licenses.mit;
    mainProgram = "pebble-db";
  };
})
