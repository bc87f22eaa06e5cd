/** What the code of a changed file holds: pins, scripts, settings, and what makes evaluation impure. */
import { type FileChange, pathOf, type Side } from "../change/change.ts";
import { append } from "../lists.ts";
import { impuritiesOf, isBuild } from "../nix/impurities.ts";
import { jsonScripts } from "../nix/json-scripts.ts";
import type { Impurity, Script, Setting } from "../nix/model.ts";
import { MOST_ERRORS, parseErrors } from "../nix/parse-errors.ts";
import { type CodeFile, saysScript, scriptsOf } from "../nix/scripts.ts";
import { settingsOf } from "../nix/settings.ts";
import type { NixSide } from "../nix/side.ts";
import type { FileFacts } from "../rules/rule.ts";
import type { Tools } from "../tools.ts";
import { stepScripts } from "../workflow/step-scripts.ts";
import { isWorkflow } from "../workflow/workflow.ts";
import { NO_PINS, type PinSides } from "./change-pins.ts";
import { HUGE_CHARACTERS, LARGEST_TREES_CHARACTERS, type ReadFile } from "./read-file.ts";

/** What is in one side of a file, or of all files. */
interface SideFound {
  readonly scripts: Script[];
  readonly settings: Setting[];
  readonly impurities: Impurity[];
}
export type Found = Readonly<Record<Side, SideFound>>;

/** Nothing, on both sides: to add to. */
export function nothingFound(): Found {
  const nothing = () => ({ scripts: [], settings: [], impurities: [] });
  return { base: nothing(), head: nothing() };
}

type Errors = Pick<FileFacts, "parseErrors" | "baseParseErrors">;
export const NO_ERRORS: Errors = { parseErrors: [], baseParseErrors: [] };

/** What is in one file. */
export interface FoundInFile extends Found {
  readonly pins: PinSides;
  readonly errors: Errors;
  /** What limits left out. */
  readonly cut: readonly string[];
}

/** For a file that was only formatted: where it does not parse. */
export async function readErrors({ code: { base, head } }: ReadFile): Promise<FoundInFile> {
  const parseErrors = errorsOf(head);
  const baseParseErrors = parseErrors.length > 0 ? errorsOf(base) : [];
  const cut = parseErrors.length >= MOST_ERRORS ? [TOO_MANY_ERRORS] : [];
  return { ...nothingFound(), pins: NO_PINS, errors: { parseErrors, baseParseErrors }, cut };
}

const TOO_MANY_ERRORS = "the parser gave up in more places than are looked at";

/** What the code of a changed file holds; without its pins unless `withPins`. @throws TooMuch */
export async function readCode(
  file: FileChange,
  { code: both, regions }: ReadFile,
  sides: Record<Side, NixSide>,
  tools: Tools,
  withPins: boolean,
): Promise<FoundInFile> {
  const found = nothingFound();
  const pins = { ...NO_PINS };
  const cut = new Set<string>();
  const onCut = (what: string) => void cut.add(what);
  const isUnnamed = [both.base, both.head].some((code) => code?.kind === "text" && !saysScript(code));
  const isTaken = isUnnamed && (await sides[file.head ? "head" : "base"].takesAsScript(pathOf(file)));
  let parseErrors: FileFacts["parseErrors"] = [];
  for (const side of ["base", "head"] as const) {
    const entry = file[side];
    const code = both[side];
    if (!entry || !code) continue;
    // It does not parse, which is said already. With the other side alone, all of its pins would seem to be new or gone.
    if (code.kind === "nix" && code.text !== "" && code.document === tools.documents.empty)
      return { ...nothingFound(), pins: NO_PINS, errors: NO_ERRORS, cut: [] };
    const changed = regions[side];
    const { scripts, settings, impurities } = found[side];
    const isHuge = code.text.length > HUGE_CHARACTERS;
    if (withPins) pins[side] = await sides[side].sources(entry.path, changed);
    // What comes next goes through the file piece by piece.
    if (isHuge && code.kind === "nix") code.document.forgetNodes();
    if (code.kind === "nix" || isTaken || saysScript(code)) {
      append(scripts, scriptsOf(code, changed, await tools.scripts(), onCut, isTaken));
    }
    if (entry.path.endsWith(".json"))
      append(scripts, jsonScripts(code, changed, await tools.scripts(), onCut));
    if (code.kind === "text" && isWorkflow(entry.path))
      append(scripts, stepScripts(entry.path, code.text, await tools.scripts(), onCut));
    append(settings, settingsOf(code, changed, onCut));
    append(impurities, impuritiesOf(code, changed, onCut));
    if (side === "head") parseErrors = errorsOf(code);
    if (parseErrors.length >= MOST_ERRORS) onCut(TOO_MANY_ERRORS);
    if (code.kind !== "nix") continue;
    if (code.document.text.length > LARGEST_TREES_CHARACTERS) tools.documents.release(entry.oid);
    // The nodes of this side go before the other side is read.
    else if (isHuge) code.document.forgetNodes();
  }
  const baseParseErrors = parseErrors.length > 0 ? errorsOf(both.base) : [];
  append(found.base.impurities, knownBuilds(both.base, found.head.impurities));
  return { ...found, pins, errors: { parseErrors, baseParseErrors }, cut: [...cut] };
}

/** Where the base already waits for builds, unchanged parts included; looked for only when changed parts of the head do. */
function knownBuilds(base: CodeFile | null, head: readonly Impurity[]): readonly Impurity[] {
  if (base?.kind !== "nix" || base.text.length > HUGE_CHARACTERS || !head.some(isBuild)) return [];
  return impuritiesOf(base, [{ start: 0, end: base.text.length }]).filter(isBuild);
}

function errorsOf(code: CodeFile | null): FileFacts["parseErrors"] {
  return code?.kind === "nix" ? parseErrors(code.document.root) : [];
}
