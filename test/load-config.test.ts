import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Ajv } from "ajv";
import { afterEach, describe, expect, it } from "vitest";
import { parse as parseYaml } from "yaml";
import { SCHEMAS, schemaText } from "../scripts/schemas.ts";
import { openGitChange } from "../src/change/git.ts";
import { openRepository } from "../src/change/repository.ts";
import { CONFIG_PATH, configuredSeverity, DEFAULT_CONFIG } from "../src/config.ts";
import { configJsonSchema, parseConfig } from "../src/config-schema.ts";
import { VerifodError } from "../src/errors.ts";
import { loadConfig, readConfigFile } from "../src/load-config.ts";
import { rules } from "../src/rules/index.ts";
import { makeRepository, type TestFile } from "./support/repository.ts";

const rule = rules[0]?.id ?? "";

const FULL = `fail-on: medium
verify: never
rules:
  ${rule}:
    severity: low
    exclude: ["pkgs/test/**"]
trusted-hosts: [github.com]
subsystems:
  - name: boot chain
    paths: ["nixos/modules/system/boot/**"]
    alert: ["@NixOS/systemd"]
    from: medium
    acknowledgements: 2
owners: ci/OWNERS
mentions: 5
canaries: 20
gate:
  tolerate: [unsupported, no-hash]
  max-age: 90
  exclude: ["pkgs/test/**"]
`;

function mistakes(text: string): string[] {
  try {
    parseConfig(text, "c.yml");
  } catch (error) {
    if (!(error instanceof VerifodError)) throw error;
    expect(error.fault).toBe("configuration");
    return error.message.split("\n");
  }
  return [];
}

describe("parseConfig", () => {
  it("reads all that the contract names", () => {
    const config = parseConfig(FULL, "c.yml");
    expect(config).toMatchObject({
      failOn: "medium",
      verify: "never",
      trustedHosts: ["github.com"],
      canaries: 20,
      gate: { tolerate: ["unsupported", "no-hash"], maxAge: 90 },
      subsystems: [
        {
          name: "boot chain",
          paths: ["nixos/modules/system/boot/**"],
          alert: ["@NixOS/systemd"],
          from: "medium",
          acknowledgements: 2,
        },
      ],
      owners: "ci/OWNERS",
      mentions: 5,
    });
    expect(configuredSeverity(config, rule, "pkgs/a.nix")).toBe("low");
    expect(configuredSeverity(config, rule, "pkgs/test/a.nix")).toBe("off");
    expect(configuredSeverity(config, "another-rule", "pkgs/a.nix")).toBe(null);
  });

  it("takes a severity or off for a rule", () => {
    const config = parseConfig(`rules: { ${rule}: off }`, "c.yml");
    expect(configuredSeverity(config, rule, "a.nix")).toBe("off");
  });

  it.each(["", "# nothing\n", "{}"])("takes %j for the defaults", (text) => {
    expect(parseConfig(text, "c.yml")).toEqual(DEFAULT_CONFIG);
  });

  it.each([
    ["fail-on: high\nfailon: low\n", ["c.yml:2:1: unknown key failon"]],
    [
      "subsystems:\n  - name: a\n    paths: [x]\n    alerts: []\n",
      ["c.yml:4:5: unknown key alerts in subsystems.0"],
    ],
    [`rules:\n  ${rule}:\n    level: low\n`, [`c.yml:3:5: unknown key level in rules.${rule}`]],
    ["rules:\n  __proto__: off\n", ["c.yml:2:3: there is no rule __proto__: verifod rules lists them"]],
    ["rules:\n  no-such-rule: off\n", ["c.yml:2:3: there is no rule no-such-rule: verifod rules lists them"]],
    [`rules:\n  ${rule}: extreme\n`, [`c.yml:2:3: rules.${rule}: expected a severity, off, or options`]],
    [
      "subsystems:\n  - name: a\n    paths: [x]\n    acknowledgements: 0\n",
      [expect.stringMatching(/^c\.yml:4:5: subsystems\.0\.acknowledgements: /)],
    ],
    [
      'subsystems:\n  - name: a\n    paths: [x, "!y"]\n',
      ["c.yml:3:16: subsystems.0.paths.1: expected a pattern as in CODEOWNERS, without ! and [ ]"],
    ],
    ["fail-on: sometimes\n", [expect.stringMatching(/^c\.yml:1:1: fail-on: .*"never"/)]],
    ["a: 1\na: 2\n", [expect.stringMatching(/^c\.yml:2:1: .*unique/)]],
    ["fail-on: [\n", [expect.stringMatching(/^c\.yml:2:1: /)]],
    ["- a\n", [expect.stringMatching(/^c\.yml:1:1: the file: .*object/)]],
    ["a: 1\n---\nb: 2\n", [expect.stringMatching(/^c\.yml:\d+:\d+: .*multiple documents/)]],
    ["'\u001b[31m': 1\n", ["c.yml:1:1: unknown key \\e[31m"]],
  ])("says where %j is wrong", (text, expected) => {
    expect(mistakes(text)).toEqual(expected);
  });

  it("bounds what a bomb of aliases may cost", () => {
    const levels = Array.from({ length: 12 }, (_, index) => {
      const items = index === 0 ? '"x"' : `*a${index - 1}`;
      return `a${index}: &a${index} [${Array.from({ length: 10 }, () => items).join(", ")}]`;
    });
    const started = performance.now();
    expect(mistakes(levels.join("\n"))).toEqual([expect.stringContaining("alias")]);
    expect(mistakes("[".repeat(200_000))).not.toEqual([]);
    expect(performance.now() - started).toBeLessThan(20_000);
  });
});

describe("the JSON Schema", () => {
  it("is what `npm run schemas` writes", () => {
    for (const [name, make] of Object.entries(SCHEMAS)) {
      expect(readFileSync(new URL(`../schema/${name}`, import.meta.url), "utf8")).toBe(schemaText(make()));
    }
  });

  it("takes and refuses what the program does", () => {
    const validate = new Ajv({ strict: false }).compile(configJsonSchema());
    for (const text of [FULL, "{}", `rules: { ${rule}: off }`]) expect(validate(parseYaml(text))).toBe(true);
    for (const text of ["failon: low", "fail-on: x", `rules: { ${rule}: { level: low } }`]) {
      expect(validate(parseYaml(text))).toBe(false);
    }
  });
});

describe("loadConfig", () => {
  const cleanups: (() => void)[] = [];
  afterEach(() => {
    for (const cleanup of cleanups.splice(0)) cleanup();
  });

  async function baseOf(base: Record<string, TestFile>, head: Record<string, TestFile>) {
    const repository = makeRepository({ "a.nix": "1", ...base }, head);
    const opened = await openRepository(repository.directory);
    cleanups.push(() => {
      opened.close();
      repository.remove();
    });
    return (await openGitChange(opened)).base;
  }

  it("reads the base, and never what the change makes of it", async () => {
    const base = await baseOf({ [CONFIG_PATH]: "fail-on: low\n" }, { [CONFIG_PATH]: "fail-on: never\n" });
    expect((await loadConfig(base)).failOn).toBe("low");
    const none = await baseOf({}, { [CONFIG_PATH]: "fail-on: never\n" });
    expect(await loadConfig(none)).toBe(DEFAULT_CONFIG);
  });

  it.each([
    ["a symlink", { symlink: "/etc/passwd" }, "is a symlink: make it a file"],
    ["no text", "a\0b", "is not a text"],
    ["a huge file", "#".repeat(300_000), "is larger than 256 kB"],
    ["an unknown key", "x: 1", ".github/verifod.yml:1:1: unknown key x"],
  ] as const)("refuses %s", async (_, file, message) => {
    const base = await baseOf({ [CONFIG_PATH]: file }, { "a.nix": "2" });
    await expect(loadConfig(base)).rejects.toThrow(message);
  });

  it("reads the file that its user names", async () => {
    const folder = mkdtempSync(join(tmpdir(), "verifod-config-"));
    cleanups.push(() => rmSync(folder, { recursive: true }));
    writeFileSync(join(folder, "c.yml"), "fail-on: block\n");
    expect((await readConfigFile(join(folder, "c.yml"))).failOn).toBe("block");
    await expect(readConfigFile(join(folder, "none.yml"))).rejects.toThrow(
      /cannot read the configuration: ENOENT/,
    );
  });
});
