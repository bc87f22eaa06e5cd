{
  lib,
  stdenv,
  fetchFromGitHub,
}:

stdenv.mkDerivation (finalAttrs: {
  pname = "mosswall";
  version = "1.4.2";

  src = fetchFromGitHub {
    owner = "mosswall";
    repo = "mosswall";
    tag = "v${finalAttrs.version}";
    hash = "sha256-HXl7QR1wZYYUa1OvBQmWFuzHAWQ+uK0ouMf+nu3fFTQ=";
  };

  meta = {
    description = "Packet filter front end";
    homepage = "https://github.com/mosswall/mosswall";
    license = lib.licenses.mit;
    mainProgram = "mosswall";
  };
})
