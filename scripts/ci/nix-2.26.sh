#!/usr/bin/env bash
# Puts Nix 2.26 of Debian trixie into DIRECTORY (its commands in DIRECTORY/bin) without touching the system: own apt
# state, packages unpacked instead of installed, run through their own dynamic loader. Does nothing when it is there.
#
#   scripts/ci/nix-2.26.sh DIRECTORY
set -euo pipefail

directory=${1:?usage: nix-2.26.sh DIRECTORY}
if [ -x "$directory/bin/nix-store" ] && "$directory/bin/nix-store" --version >/dev/null 2>&1; then
  exit 0
fi
architecture=$(dpkg --print-architecture)
mkdir -p "$directory"/{bin,root,apt/lists/partial,apt/cache/archives/partial}
directory=$(cd "$directory" && pwd)

# The mirror that this machine already uses for its own Debian packages.
mirror=$(apt-get indextargets --format '$(SITE)' 'Created-By: Packages' | grep -m 1 -E '/debian/?$' || true)
if [ -z "$mirror" ]; then
  echo "nix-2.26.sh: apt-get here knows no mirror of Debian" >&2
  exit 1
fi
echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror trixie main" >"$directory/apt/sources.list"
: >"$directory/apt/status"
cat >"$directory/apt/apt.conf" <<EOF
Dir::State "$directory/apt";
Dir::State::status "$directory/apt/status";
Dir::Cache "$directory/apt/cache";
Dir::Etc::SourceList "$directory/apt/sources.list";
Dir::Etc::SourceParts "/dev/null";
APT::Install-Recommends "false";
EOF
export APT_CONFIG="$directory/apt/apt.conf"
apt-get update -qq
apt-get install -y -qq --download-only nix-bin
for package in "$directory"/apt/cache/archives/*.deb; do dpkg-deb -x "$package" "$directory/root"; done
rm -rf "$directory/apt"

libraries=$(find "$directory/root/usr/lib" -maxdepth 1 -type d -name '*-linux-gnu*' -print -quit)
case "$architecture" in
  amd64) loader=$directory/root/usr/lib64/ld-linux-x86-64.so.2 ;;
  arm64) loader=$directory/root/usr/lib/ld-linux-aarch64.so.1 ;;
  *) echo "nix-2.26.sh: no dynamic loader known for $architecture" >&2; exit 1 ;;
esac
# Nix re-executes /proc/self/exe as its build hook, which here is the loader: no hook. Debian's default sandbox-paths
# name files that only trixie has.
for command in nix nix-store nix-instantiate nix-hash nix-build; do
  cat >"$directory/bin/$command" <<EOF
#!/bin/sh
NIX_CONFIG="build-hook =
sandbox-paths =
\${NIX_CONFIG-}"
export NIX_CONFIG
exec "$loader" --argv0 $command --library-path "$libraries" "$directory/root/usr/bin/nix" "\$@"
EOF
  chmod +x "$directory/bin/$command"
done
"$directory/bin/nix-store" --version
