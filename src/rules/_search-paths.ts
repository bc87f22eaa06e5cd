/** Variables by which programs find code: if one leads to where others can put files, their code runs. */
import type { Command, Script, Setting } from "../nix/model.ts";
import type { Severity } from "../report/review.ts";
import { isRunLater, type Sighting } from "./_scripts.ts";
import { lastName, stringsOf } from "./_settings.ts";

/** Variables whose files are loaded into every program that sees them. */
const LOADS =
  /^(?:LD_PRELOAD|LD_AUDIT|DYLD_INSERT_LIBRARIES|NODE_OPTIONS|PYTHONSTARTUP|PERL5OPT|RUBYOPT|JAVA_TOOL_OPTIONS|BASH_ENV)$/;
/** Variables that list folders to search. */
const SEARCHES =
  /^(?:PATH|LD_LIBRARY_PATH|DYLD_LIBRARY_PATH|PYTHONPATH|PERL5LIB|RUBYLIB|NODE_PATH|CLASSPATH|LUA_C?PATH|GCONV_PATH|GIO_EXTRA_MODULES|GTK_PATH|QT_PLUGIN_PATH|GIT_EXEC_PATH)$/;

/** Folders in which everybody may write: https://refspecs.linuxfoundation.org/FHS_3.0 */
const EVERYBODYS = /^(?:(?:\/private)?\/tmp|\/var\/tmp|\/dev\/shm)(?:\/|$)/;
/** The folder in which a program is started, or its folder for temporary files. */
const HERE = /^(?:\$\{?PWD\b\}?|\$\{?TMPDIR\b[^/]*|\$\(pwd\)|`pwd`|\.\.?)(?:\/|$)/;
/** What a fetcher gives: a source, not a package. */
const FETCHED = /^\$\{?src\b|^\$\{[\s(]*(?:(?:pkgs|builtins)\.)?fetch\w+/;

export interface OthersCode {
  readonly key: string;
  readonly severity: Severity;
  readonly variable: string;
  readonly place: string;
  readonly why: string;
}

/** Why a variable's value lets others run code; null: it does not. */
function othersCode(variable: string, value: string): OthersCode | null {
  const loads = LOADS.test(variable);
  if (!loads && !SEARCHES.test(variable)) return null;
  const given = OPTIONS.test(variable)
    ? [...value.matchAll(NAMES_CODE)].map(([, code = ""]) => code).join(":")
    : value;
  for (const place of placesOf(given)) {
    const of = (severity: Severity, why: string): OthersCode => ({
      key: `${variable} ${place}`,
      severity,
      variable,
      place,
      why,
    });
    if (EVERYBODYS.test(place)) return of("high", "everybody on the machine can put files there");
    if (HERE.test(place)) return of("medium", "it is whatever lies in a folder that is another each time");
    if (loads && FETCHED.test(place))
      return of("medium", "it is a file that is fetched, and runs in every program that sees the variable");
  }
  return null;
}

/** Variables that hold options, and the options in them that name code. */
const OPTIONS = /^(?:NODE_OPTIONS|JAVA_TOOL_OPTIONS|PERL5OPT|RUBYOPT)$/;
const NAMES_CODE =
  /(?:^|[\s"'])(?:--(?:require|import|(?:experimental-)?loader)[=\s]|-(?:javaagent|agentpath):|-r\s?|-I\s?)(\S+)/g;

/** The paths of a value: `a:b`, `--require a`, `-javaagent:a`. An interpolation is one piece. */
function placesOf(value: string): readonly string[] {
  const pieces: string[] = [];
  let piece = "";
  let depth = 0;
  for (const character of value) {
    if (character === "{") depth++;
    if (character === "}") depth--;
    if (depth <= 0 && /[:;=\s"',]/.test(character)) {
      pieces.push(piece);
      piece = "";
    } else piece += character;
  }
  return [...pieces, piece].filter((each) => each !== "");
}

const SETS = /^--set(?:-default)?$/;
const ADDS = /^--(?:prefix|suffix)$/;

/** What the arguments of a wrapper set: `--set NAME value`, `--prefix NAME : value`. */
function setByWrapper(words: readonly string[]): readonly (readonly [string, string])[] {
  return words.flatMap((word, index) => {
    const [name = "", second = "", third = ""] = words.slice(index + 1, index + 4);
    if (SETS.test(word)) return [[name, second] as const];
    return ADDS.test(word) ? [[name, third] as const] : [];
  });
}

export interface SeenOthersCode extends OthersCode, Sighting {
  readonly command: Command;
}

/** Where a script makes programs run code of others: by a wrapper that it makes, or when it runs itself. */
export function othersCodeIn(script: Script): readonly SeenOthersCode[] {
  if (["test", "patch", "ci", "update", "shell"].includes(script.context)) return [];
  return script.commands.flatMap((command): readonly SeenOthersCode[] => {
    const wrapper = setByWrapper(command.words);
    const isLater = script.context === "run" || isRunLater(command);
    const own = isLater ? command.assignments.map(({ name, value }) => [name, value] as const) : [];
    return [...wrapper, ...own].flatMap((pair, index) => {
      const found = othersCode(...pair);
      // A script that runs knows its own folder: only what everybody can write to counts.
      if (!found || (index >= wrapper.length && found.severity !== "high")) return [];
      return [{ ...found, command, span: command.span }];
    });
  });
}

const ENVIRONMENTS =
  /(?:^|\.)(?:environment\.(?:variables|sessionVariables|profileRelativeSessionVariables)|home\.sessionVariables|systemd\.globalEnvironment|services\.[^.]+\.environment)\.([A-Z_]\w*)$/;

/** Where a setting does so: a variable of a system's or service's environment, or the arguments of a wrapper. */
export function othersCodeOf(setting: Setting): OthersCode | null {
  const values = stringsOf(setting);
  const variable = ENVIRONMENTS.exec(setting.attributes.join("."))?.[1];
  const pairs: (readonly [string, string])[] = [];
  if (variable !== undefined) for (const value of values) pairs.push([variable, value]);
  const name = lastName(setting);
  if (name === "Environment" && setting.attributes.includes("serviceConfig"))
    for (const value of values)
      for (const [, each = "", given = ""] of value.matchAll(/(?:^|[\s"'])([A-Z_]\w{0,60})=([^\s"']*)/g))
        pairs.push([each, given]);
  if (/[wW]rapperArgs$/.test(name))
    pairs.push(...setByWrapper(values.flatMap((value) => value.split(/[\s"']+/))));
  for (const [each, value] of pairs) {
    const found = othersCode(each, value);
    if (found) return found;
  }
  return null;
}
