{
  lib,
  stdenv,
  fetchFromGitHub,
}:

stdenv.mkDerivation (finalAttrs: {
  pname = "lantern";
  version = "1.4.2";

  src = fetchFromGitHub {
    owner = "lantern-tools";
    repo = "lantern";
    tag = "v${finalAttrs.version}";
    hash = "sha256-NUWNcnoT2Gj510/QR/tY2RtxnU3lNWPVLbAjnobhgZ0=";
  };

  meta = {
    description = "Terminal viewer for logs";
    homepage = "https://github.com/lantern-tools/lantern";
    license = lib.licenses.mit;
    mainProgram = "lantern";
  };
})
