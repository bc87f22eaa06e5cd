{
  lib,
  stdenv,
  fetchFromGitHub,
}:

stdenv.mkDerivation (finalAttrs: {
  pname = "mosswall";
  version = "1.5.0";

  src = fetchFromGitHub {
    owner = "m0sswall";
    repo = "mosswall";
    tag = "v${finalAttrs.version}";
    hash = "sha256-tcH7Lvxta0Z0wv3MSM4BtDo7fAN2PAwzVd4Ame4PjHM=";
  };

  meta = {
    description = "Packet filter front end";
    homepage = "https://github.com/mosswall/mosswall";
    license = lib.licenses.mit;
    mainProgram = "mosswall";
  };
})
