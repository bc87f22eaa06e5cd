{
  lib,
  stdenv,
  fetchFromGitHub,
}:

stdenv.mkDerivation (finalAttrs: {
  pname = "tidewatch";
  version = "0.9.0";

  src = fetchFromGitHub {
    owner = "tidewatch";
    repo = "tidewatch";
    tag = "v${finalAttrs.version}";
    hash = "sha256-Klq20wwTH+n8W8gRmjou3/1YdgLTWSdyNBu+BT5oESM=";
  };

  postInstall = ''
    install -Dm644 completions/_tidewatch $out/share/zsh/site-functions/_tidewatch
  '';

  meta = {
    description = "Watches files and runs commands";
    homepage = "https://github.com/tidewatch/tidewatch";
    license = lib.licenses.mit;
    mainProgram = "tidewatch";
  };
})
