{
  lib,
  stdenv,
  fetchurl,
}:

stdenv.mkDerivation rec {
  pname = "quillpen";
  version = "3.0";

  src = fetchurl {
    url = "https://quillpen.fast-mirror.test/releases/quillpen-${version}.tar.gz";
    hash = "sha256-25Hxw1VAT6AsxrBaMltx4LBgiysV+neOJW/qrOrUhHI=";
  };

  meta = {
    description = "Markdown editor for the terminal";
    homepage = "https://quillpen.example.org";
    license = lib.licenses.gpl3Plus;
  };
}
