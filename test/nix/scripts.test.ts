import { beforeAll, describe, expect, it } from "vitest";
import { createParser, type DocumentParser } from "../../src/nix/parser.ts";
import { scriptsOf } from "../../src/nix/scripts.ts";

let nix: DocumentParser;
let parsers: { bash: DocumentParser; python: DocumentParser };
beforeAll(async () => {
  nix = await createParser("nix");
  parsers = { bash: await createParser("bash"), python: await createParser("python") };
});

function scripts(text: string, path = "pkgs/frob/package.nix", region = { start: 0, end: text.length }) {
  const result = path.endsWith(".nix") ? nix.parse(text) : null;
  const document = result?.kind === "document" ? result.document : null;
  try {
    const file = document
      ? ({ kind: "nix", path, text, document } as const)
      : ({ kind: "text", path, text } as const);
    return scriptsOf(file, [region], parsers);
  } finally {
    document?.dispose();
  }
}

const nixScript = (text: string) => scripts(text)[0];

describe("where a script stands says when it runs", () => {
  it.each([
    ["{ postInstall = ''a''; }", "postInstall", "build"],
    ['{ "buildPhase" = "a"; }', "buildPhase", "build"],
    ["{ src = f { postFetch = ''a''; }; }", "src.postFetch", "fetch"],
    ["{ passthru.updateScript = writeShellScript \"u\" ''a''; }", "passthru.updateScript", "update"],
    ["{ x = writeShellScriptBin \"u\" ''a''; }", "x", "run"],
    ["{ x = runCommand \"u\" { } ''a''; }", "x", "build"],
    [
      '{ systemd.services.x.serviceConfig.ExecStart = "a b"; }',
      "systemd.services.x.serviceConfig.ExecStart",
      "run",
    ],
    ["{ system.activationScripts.x = { text = ''a''; }; }", "system.activationScripts.x.text", "run"],
    ["{ x = writeShellApplication { name = \"a\"; text = ''b''; }; }", "x.text", "run"],
    ["{ postInstall = lib.optionalString c ''a'' + ''b''; }", "postInstall", "build"],
    ["{ shellHook = ''a''; }", "shellHook", "shell"],
    ["let x = ''a | sh''; in x", "x", "unknown"],
    ['{ buildPhase = let x = "a"; in x; }', "buildPhase", "build"],
    ["let x = ''a''; in { buildPhase = ''${x}''; }", "x", "build"],
    ["let x = ''a''; in { buildPhase = f x + ''b''; }", "x", "build"],
    ["{ ${\"pre\" + \"Build\"} = ''a''; }", "preBuild", "build"],
    ["{ preBuild = wrap ''a''; }", "preBuild", "build"],
  ])("%s", (text, binding, context) => {
    expect(nixScript(text)).toMatchObject({ binding, context });
  });

  it.each(["{ description = ''a | b''; }", '{ version = "1.0"; }', '{ x = throw "a;b"; }'])(
    "not in %s",
    (text) => {
      expect(scripts(text)).toEqual([]);
    },
  );

  it("a fixed-output derivation fetches", () => {
    expect(nixScript("{ buildCommand = ''curl x''; outputHash = \"sha256-x\"; }")?.context).toBe("fetch");
    expect(nixScript("runCommand \"x\" { outputHash = \"y\"; } ''curl x''")?.context).toBe("fetch");
  });
});

describe("the text of a script", () => {
  it.each([
    ["{ buildPhase = ''${lib.getExe curl} x''; }", ["curl x"]],
    ["{ buildPhase = ''${pkgs.curl}/bin/curl x''; }", ["curl x"]],
    ['{ buildPhase = "cu" + "rl x"; }', ["curl x"]],
    ["let c = \"curl\"; in { buildPhase = ''${c} x''; }", ["curl x"]],
    ['{ buildPhase = concatStrings [ "cu" "rl x" ]; }', ["curl x"]],
    ['{ buildPhase = lib.concatStringsSep " " [ "curl" "x" ]; }', ["curl x"]],
    ["{ buildPhase = ''a ${x} \"${y}\"''; }", ["a ${x} ${y}"]],
    ["{ buildPhase = ''\n  a\n  ${lib.optionalString c ''\n    b\n  ''}\n''; }", ["a", "b"]],
  ])("%s", (text, lines) => {
    expect(nixScript(text)?.commands.map(({ name, words }) => [name, ...words].join(" "))).toEqual(lines);
  });

  it("has positions in the file, whatever was taken away", () => {
    const text = "{\n  postInstall = ''\n    foo ''${x} a\n      bar b\n    baz ${y} \"c\"\n  '';\n}\n";
    const commands = nixScript(text)?.commands ?? [];
    expect(commands.map(({ span }) => text.slice(span.start, span.end))).toEqual([
      "foo ''${x} a",
      "bar b",
      'baz ${y} "c"',
    ]);
  });

  it("has lines of code without comments and indentation", () => {
    expect(nixScript("{ buildPhase = ''\n  # why\n  a # b\n\n    c\n''; }")?.code).toEqual(["a", "c"]);
  });

  it("is read from the first of many summands to the last", () => {
    const pieces = Array.from({ length: 60 }, (_, n) => `lib.optionalString c${n} ''run-${n}\n''`);
    const script = nixScript(`{ preFixup = ${pieces.join(" + ")}; }`);
    expect(script?.commands.map(({ name }) => name)).toEqual(pieces.map((_, n) => `run-${n}`));
  });

  it("ends when names are bound in circles, and when they double", () => {
    expect(scripts("let a = b + b; b = a + a; in { buildPhase = ''${a}''; }")).toHaveLength(1);
    const names = Array.from({ length: 40 }, (_, n) => `a${n} = a${n + 1} + a${n + 1};`).join("");
    const found = scripts(`let ${names} a40 = "x"; in { buildPhase = "\${a0}"; }`);
    expect(found.filter(({ binding }) => binding === "buildPhase")).toHaveLength(1);
  });
});

it("looks only at what the region touches", () => {
  const text = "{ preBuild = ''a''; postBuild = ''b''; }";
  const at = text.indexOf("b''");
  expect(scripts(text, "x.nix", { start: at, end: at }).map(({ binding }) => binding)).toEqual(["postBuild"]);
});

describe("files", () => {
  it.each([
    ["update.sh", "curl a", "update", "bash"],
    ["setup-hook.sh", "a", "build", "bash"],
    ["frob.py", "print(1)", "run", "python"],
    ["frob", "#!/usr/bin/env bash\na", "run", "bash"],
    ["shell", "#!/usr/bin/env nix-shell\n#! nix-shell -p curl\na", "run", "bash"],
    ["py", `#!/usr/bin/env nix-shell\n#! nix-shell ${"-p curl ".repeat(80)}-i python3\na`, "run", "python"],
    ["two", "#!/usr/bin/env nix-shell\n#! nix-shell -i bash\n#! nix-shell -i python3\na", "run", "python"],
    ["nixos/tests/frob.py", "print(1)", "test", "python"],
    ["fix.patch", "+++ b/x.c\n+a", "patch", "other"],
  ])("%s", (path, text, context, language) => {
    expect(scripts(text, path)).toMatchObject([{ binding: "", context, language }]);
  });

  it("other files are no scripts", () => {
    expect(scripts("a", "README.md")).toEqual([]);
  });

  it("of a patch only what it adds is code", () => {
    const text = "--- a/build.sh\n+++ b/build.sh\n@@ -1,2 +1,2 @@\n-rm old\n+rm new\n rm same\n";
    const [script] = scripts(text, "fix.patch");
    expect(script?.commands.map(({ words }) => words)).toEqual([["new"]]);
    expect(script?.code).toEqual(["rm new"]);
  });
});
