import { test } from "vitest";
import { formatSri, toNix32 } from "../../src/nix/hash.ts";
import { A, type Expected, expectPins, github, hex, nix32, pkg } from "../support/recipes.ts";

test.each<[string, string, Expected]>([
  [
    "fetchFromGitHub with a tag",
    github(`tag = "v\${version}"; hash = "${A}";`),
    {
      urls: ["https://github.com/acme/frob/archive/refs/tags/v1.2.tar.gz"],
      rev: "refs/tags/v1.2",
      binding: "src",
    },
  ],
  [
    "fetchFromGitHub with submodules",
    github(`rev = version; hash = "${A}"; fetchSubmodules = true;`),
    { urls: ["https://github.com/acme/frob.git"], rev: "1.2" },
  ],
  [
    "fetchFromGitHub with submodules off",
    github(`rev = version; hash = "${A}"; fetchSubmodules = false;`),
    { urls: ["https://github.com/acme/frob/archive/1.2.tar.gz"], rev: "1.2" },
  ],
  [
    "fetchFromGitHub of another host",
    github(`rev = version; hash = "${A}"; githubBase = "git.example.org";`),
    { urls: ["https://git.example.org/acme/frob/archive/1.2.tar.gz"] },
  ],
  [
    "pkgs.fetchFromGitHub",
    `pkgs.${github(`rev = version; hash = "${A}";`)}`,
    { fetcher: "fetchFromGitHub", urls: ["https://github.com/acme/frob/archive/1.2.tar.gz"] },
  ],
  [
    "fetchFromGitLab",
    `fetchFromGitLab { domain = "gitlab.example.org"; owner = "acme"; repo = "frob"; rev = "v\${version}"; hash = "${A}"; }`,
    {
      urls: ["https://gitlab.example.org/api/v4/projects/acme%2Ffrob/repository/archive.tar.gz?sha=v1.2"],
      rev: "v1.2",
    },
  ],
  [
    "fetchurl",
    `fetchurl { url = "https://example.org/\${pname}-\${version}.tar.gz"; hash = "${A}"; }`,
    { fetcher: "fetchurl", urls: ["https://example.org/frob-1.2.tar.gz"], name: "frob-1.2.tar.gz" },
  ],
  [
    "fetchurl with several addresses",
    `fetchurl { urls = [ "https://a.example/frob-\${version}.tgz" "https://b.example/frob-\${version}.tgz" ]; hash = "${A}"; }`,
    { urls: ["https://a.example/frob-1.2.tgz", "https://b.example/frob-1.2.tgz"] },
  ],
  [
    "fetchurl of a mirror",
    `fetchurl { url = "mirror://gnu/\${pname}/\${pname}-\${version}.tar.xz"; hash = "${A}"; }`,
    { urls: ["mirror://gnu/frob/frob-1.2.tar.xz"] },
  ],
  [
    "fetchurl of an unquoted address",
    `fetchurl { url = https://example.org/frob-1.2.tgz; hash = "${A}"; }`,
    { urls: ["https://example.org/frob-1.2.tgz"] },
  ],
  [
    "fetchzip of a forge's archive",
    `fetchzip { url = "https://github.com/acme/frob/archive/v\${version}.tar.gz"; hash = "${A}"; }`,
    { fetcher: "fetchzip", rev: "v1.2" },
  ],
  [
    "builtins.fetchTarball",
    `builtins.fetchTarball { url = "https://example.org/f.tgz"; sha256 = "${A}"; }`,
    { fetcher: "fetchTarball", urls: ["https://example.org/f.tgz"] },
  ],
  [
    "fetchPypi",
    `fetchPypi { inherit pname version; hash = "${A}"; }`,
    { fetcher: "fetchPypi", urls: ["mirror://pypi/f/frob/frob-1.2.tar.gz"] },
  ],
  [
    "fetchPypi of a wheel",
    `fetchPypi { inherit pname version; format = "wheel"; python = "py3"; dist = "py3"; hash = "${A}"; }`,
    { urls: ["https://files.pythonhosted.org/packages/py3/f/frob/frob-1.2-py3-none-any.whl"] },
  ],
  [
    "fetchPypi of a wheel for one version, with no folder",
    `fetchPypi { inherit version; pname = "frob-lib"; format = "wheel"; python = "py3"; hash = "${A}"; }`,
    { urls: ["https://files.pythonhosted.org/packages/py2.py3/f/frob-lib/frob-lib-1.2-py3-none-any.whl"] },
  ],
  [
    "fetchCrate",
    `fetchCrate { inherit pname version; hash = "${A}"; }`,
    { urls: ["https://crates.io/api/v1/crates/frob/1.2/download"] },
  ],
  [
    "grafanaPlugin",
    `grafanaPlugin { inherit pname version; zipHash = "${A}"; }`,
    { version: "1.2", urls: ["https://grafana.com/api/plugins/frob/versions/1.2/download"] },
  ],
  [
    "grafanaPlugin with a prefix",
    `grafanaPlugin { inherit pname version; versionPrefix = "v"; zipHash = "${A}"; }`,
    { urls: ["https://grafana.com/api/plugins/frob/versions/v1.2/download"] },
  ],
  [
    "fetchgit",
    `fetchgit { url = "https://git.example.org/frob"; rev = "refs/tags/v\${version}"; hash = "${A}"; }`,
    { fetcher: "fetchgit", urls: ["https://git.example.org/frob"], rev: "refs/tags/v1.2" },
  ],
  [
    "fetchgit with a tag",
    `fetchgit { url = "https://git.example.org/frob"; tag = version; hash = "${A}"; }`,
    { rev: "refs/tags/1.2" },
  ],
  [
    "fetchFromSourcehut with a tag",
    `fetchFromSourcehut { owner = "~acme"; repo = "frob"; tag = version; hash = "${A}"; }`,
    { urls: ["https://git.sr.ht/~acme/frob/archive/1.2.tar.gz"], rev: "1.2" },
  ],
  [
    "fetchFromSourcehut",
    `fetchFromSourcehut { owner = "~acme"; repo = "frob"; rev = version; hash = "${A}"; }`,
    { urls: ["https://git.sr.ht/~acme/frob/archive/1.2.tar.gz"] },
  ],
  [
    "requireFile",
    `requireFile { name = "frob-\${version}.bin"; url = "https://example.org/shop"; hash = "${A}"; }`,
    { fetcher: "requireFile", urls: [], name: "frob-1.2.bin" },
  ],
  [
    "what is not known stays visible",
    `fetchurl { url = "https://example.org/\${flavour}/frob-\${version}.tgz"; hash = "${A}"; }`,
    { urls: [`https://example.org/\${flavour}/frob-1.2.tgz`] },
  ],
])("%s", async (_, src, expected) => {
  await expectPins(pkg(src), [
    { version: "1.2", binding: "src", hash: A, at: JSON.stringify(A), ...expected },
  ]);
});

test.each<[string, string, string]>([
  ["SRI in hash", `hash = "${A}";`, JSON.stringify(A)],
  ["SRI in sha256", `sha256 = "${A}";`, JSON.stringify(A)],
  ["hex", `sha256 = "${hex(A)}";`, JSON.stringify(hex(A))],
  ["nix32", `sha256 = "${nix32(A)}";`, JSON.stringify(nix32(A))],
  ["base64", `sha256 = "${A.slice(7)}";`, JSON.stringify(A.slice(7))],
  ["prefixed hex", `hash = "sha256:${hex(A)}";`, JSON.stringify(`sha256:${hex(A)}`)],
  ["prefixed nix32", `hash = "sha256:${nix32(A)}";`, JSON.stringify(`sha256:${nix32(A)}`)],
  ["an indented string", `hash = ''${A}'';`, `''${A}''`],
  ["outputHash and its algorithm", `outputHashAlgo = "sha256"; outputHash = "${nix32(A)}";`, `"${nix32(A)}"`],
])("a hash as %s is the same hash", async (_, spelling, at) => {
  await expectPins(pkg(`fetchurl { url = "https://example.org/f.tgz"; ${spelling} }`), [
    { hash: A, at, urls: ["https://example.org/f.tgz"], version: "1.2" },
  ]);
});

test.each([
  ["md5", 16],
  ["sha1", 20],
  ["sha256", 32],
  ["sha512", 64],
] as const)("a bare digest in %s has the algorithm of its name", async (algorithm, size) => {
  const bytes = Buffer.alloc(size, 7);
  const hash = formatSri({ algorithm, bytes });
  for (const digest of [bytes.toString("hex"), toNix32(bytes), bytes.toString("base64")]) {
    await expectPins(pkg(`fetchurl { url = "https://example.org/f.tgz"; ${algorithm} = "${digest}"; }`), [
      { hash, at: `"${digest}"` },
    ]);
  }
});

test.each<[string, string, Expected[]]>([
  ["empty", `hash = "";`, [{ hash: null, at: '""' }]],
  ["no hash", `hash = "todo";`, [{ hash: "todo", at: '"todo"' }]],
  // Nothing is written down that could be compared.
  ["a fake one", `hash = lib.fakeHash;`, []],
])("a hash that is %s", async (_, spelling, expected) => {
  const url = "https://example.org/f.tgz";
  await expectPins(
    pkg(`fetchurl { url = "${url}"; ${spelling} }`),
    expected.map((pin) => ({ urls: [url], ...pin })),
  );
});
