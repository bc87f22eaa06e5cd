/** Functions about functions, packages and files: `lib.fix`, `callPackage`, `overrideAttrs`, `import`. */
import { apply, asSet, evaluateAt } from "../evaluate.ts";
import { jsonValue, parseJson } from "../json.ts";
import { type Session, spend } from "../session.ts";
import { update } from "../sets.ts";
import { knownText, lazy, type Thunk, textValue, type Value } from "../value.ts";
import { argument, type Builtin, type Library, numberAt, valueAt } from "./support.ts";

/** The value of a Nix file; a directory stands for its `default.nix`. */
function imported(session: Session, value: Value): Value | undefined {
  if (value.kind !== "path") return undefined;
  const file = value.path.endsWith(".nix")
    ? session.files.get(value.path)
    : session.files.get(value.path === "" ? "default.nix" : `${value.path}/default.nix`);
  return file?.kind === "nix" ? evaluateAt(session, file, file.document.root) : undefined;
}

function fileText(session: Session, value: Value): Value | undefined {
  const file = value.kind === "path" ? session.files.get(value.path) : null;
  return file ? textValue(file.text, { file, start: 0, end: file.text.length }) : undefined;
}

/** A JSON text as a value; strings keep their place in the file when it is a whole file. */
function parsedJson(session: Session, value: Value): Value | undefined {
  const text = knownText(value);
  if (text === null) return undefined;
  const origin = value.kind === "text" ? value.origin : null;
  if (origin?.file.kind === "json" && origin.end === origin.file.text.length) {
    return jsonValue(origin.file, origin.file.root);
  }
  // Each character takes as long as hundreds of a comparison.
  return spend(session, text.length * 256) ? jsonValue(null, parseJson(text)) : undefined;
}

const callPackage: Builtin = {
  arity: 2,
  run: (session, args, text) => {
    const callee = valueAt(args, 0);
    return apply(session, imported(session, callee) ?? callee, () => valueAt(args, 1), text);
  },
};

const overrideAttrs: Builtin = {
  arity: 2,
  run: (session, args, text) => {
    const old = valueAt(args, 0);
    let change = valueAt(args, 1);
    // `old: { … }` or `finalAttrs: old: { … }`; both see the package.
    for (let count = 0; count < 2 && change.kind === "function"; count++) {
      change = apply(session, change, () => old, text);
    }
    const after = asSet(session, change);
    if (!after) return undefined;
    const before = asSet(session, old);
    const whole = before ? update(before, after) : { ...after, open: true };
    return old.kind === "call"
      ? { kind: "call", name: old.name, text: old.text, argument: () => whole }
      : whole;
  },
};

export const FUNCTIONS: Library = {
  id: argument(1, 0),
  const: argument(2, 0),
  flip: {
    arity: 3,
    run: (session, args, text) => {
      const half = apply(session, valueAt(args, 0), () => valueAt(args, 2), text);
      return apply(session, half, () => valueAt(args, 1), text);
    },
  },
  fix: {
    arity: 1,
    run: (session, args, text) => {
      const whole: Thunk = lazy(() => apply(session, valueAt(args, 0), () => whole(), text), text);
      return whole();
    },
  },
  makeOverridable: {
    arity: 2,
    run: (session, args, text) => apply(session, valueAt(args, 0), () => valueAt(args, 1), text),
  },
  callPackage,
  callPackages: callPackage,
  // What a package is called with is not what it hands to mkDerivation: the package stays as it was.
  override: argument(2, 0),
  overrideAttrs,
  overrideDerivation: overrideAttrs,
  recurseIntoAttrs: argument(1, 0),
  dontRecurseIntoAttrs: argument(1, 0),
  lowPrio: argument(1, 0),
  hiPrio: argument(1, 0),
  lowPrioSet: argument(1, 0),
  warn: argument(2, 1),
  warnIf: argument(3, 2),
  throwIf: argument(3, 2),
  throwIfNot: argument(3, 2),
  trace: argument(2, 1),
  traceVal: argument(1, 0),
  seq: argument(2, 1),
  deepSeq: argument(2, 1),
  assertMsg: argument(2, 0),
  mod: {
    arity: 2,
    run: (_, args) => {
      const [a, b] = [numberAt(args, 0), numberAt(args, 1)];
      return a === null || b === null || b === 0 ? undefined : { kind: "number", value: a % b };
    },
  },

  import: { arity: 1, run: (session, args) => imported(session, valueAt(args, 0)) },
  scopedImport: { arity: 2, run: (session, args) => imported(session, valueAt(args, 1)) },
  readFile: { arity: 1, run: (session, args) => fileText(session, valueAt(args, 0)) },
  fileContents: {
    arity: 1,
    run: (session, args) => {
      const text = fileText(session, valueAt(args, 0));
      const known = text && knownText(text);
      return typeof known === "string" ? textValue(known.replace(/\n$/, "")) : undefined;
    },
  },
  fromJSON: { arity: 1, run: (session, args) => parsedJson(session, valueAt(args, 0)) },
  importJSON: {
    arity: 1,
    run: (session, args) => {
      const text = fileText(session, valueAt(args, 0));
      return text && parsedJson(session, text);
    },
  },
};
