/** What takes scripts in Nix files: functions and attributes, by name, with when these run. */
import type { ScriptContext, ScriptLanguage } from "./model.ts";

/** Functions whose string argument is a script, by name. */
export const WRITERS: Readonly<Record<string, { context: ScriptContext; language: ScriptLanguage | null }>> =
  {
    writeShellScript: { context: "run", language: "bash" },
    writeShellScriptBin: { context: "run", language: "bash" },
    writeScript: { context: "run", language: null },
    writeScriptBin: { context: "run", language: null },
    writeBash: { context: "run", language: "bash" },
    writeBashBin: { context: "run", language: "bash" },
    writeDash: { context: "run", language: "bash" },
    writeDashBin: { context: "run", language: "bash" },
    writePython2: { context: "run", language: "python" },
    writePython2Bin: { context: "run", language: "python" },
    writePython3: { context: "run", language: "python" },
    writePython3Bin: { context: "run", language: "python" },
    writePyPy3: { context: "run", language: "python" },
    writePyPy3Bin: { context: "run", language: "python" },
    writePerl: { context: "run", language: "other" },
    writePerlBin: { context: "run", language: "other" },
    writeJS: { context: "run", language: "other" },
    writeJSBin: { context: "run", language: "other" },
    runCommand: { context: "build", language: "bash" },
    runCommandLocal: { context: "build", language: "bash" },
    runCommandCC: { context: "build", language: "bash" },
    runCommandNoCC: { context: "build", language: "bash" },
    runTest: { context: "test", language: "python" },
  };

/** Functions that write a text to a file; what is done with it tells what it is. */
export const WRITES_FILE = new Set(["writeText", "toFile"]);
export const WRITES = new RegExp(`^(?:${[...Object.keys(WRITERS), ...WRITES_FILE].join("|")})$`);

/** Attributes whose string is a script, by their last name, the first match deciding. */
export const ATTRIBUTES: readonly (readonly [RegExp, ScriptContext])[] = [
  [/^(updateScript|update)$/, "update"],
  [
    /^(pre|post)(Fetch|Checkout)$|^(extraPostFetch|netrcPhase|fetchPhase|modPostBuild|modConfigurePhase)$/,
    "fetch",
  ],
  [/^(testScript|nodes)$/, "test"],
  [/^(shellHook|profileExtra)$/, "shell"],
  [
    /^(pre|post)(Start|Stop|Shutdown|Up|Down|Setup|StartCommands|Boot|Mount\w*|Device\w*|LVM\w*|Reload)$/,
    "run",
  ],
  [/^Exec\w*$|^(script|reload|preStop|runScript|extraInit|activationScript|text|command|onFailure)$/, "run"],
  [
    /^(login|interactive)?[sS]hell(Init|Aliases)$|^(loginShellInit|interactiveShellInit|promptInit|extraConfigEarly)$/,
    "run",
  ],
  [/^(makeWrapperArgs|qtWrapperArgs|gappsWrapperArgs|wrapperArgs|makeQtWrapperArgs|wrapArgs)$/, "run"],
  [
    /Phase$|^(pre|post)[A-Z]\w*$|^(buildCommand|buildScript|installScript|unpackCmd|setupHook|builder)$/,
    "build",
  ],
  [/^(extra)?\w*Commands$|^extraInstall$|^(install|build|check)Command$/, "build"],
];

/** When the script of an attribute runs, where that is one of `contexts`; null for other attributes. */
export function contextOfAttribute(name: string, contexts: readonly ScriptContext[]): ScriptContext | null {
  const context = ATTRIBUTES.find(([names]) => names.test(name))?.[1];
  return context !== undefined && contexts.includes(context) ? context : null;
}
