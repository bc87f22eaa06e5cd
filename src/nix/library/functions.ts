/** Functions about functions, packages and files: `lib.fix`, `callPackage`, `overrideAttrs`, `import`. */
import { apply, asSet, evaluateAt } from "../evaluate.ts";
import { fetcherNamed } from "../fetchers.ts";
import { jsonValue, parseJson } from "../json.ts";
import { type Session, spend } from "../session.ts";
import { update } from "../sets.ts";
import { tomlValue } from "../toml.ts";
import { knownText, lazy, set as setOf, type Thunk, textValue, unknown, type Value } from "../value.ts";
import { applyTwo, argument, type Builtin, itemsAt, type Library, valueAt } from "./support.ts";

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

/** A TOML text as a value; strings keep the place of the text. */
function parsedToml(session: Session, value: Value): Value | undefined {
  const text = knownText(value);
  if (text === null || value.kind !== "text" || !spend(session, text.length * 256)) return undefined;
  return tomlValue(value.origin, text);
}

const callPackage: Builtin = {
  arity: 2,
  run: (session, args, text) => {
    const callee = valueAt(args, 0);
    return apply(session, imported(session, callee) ?? callee, () => valueAt(args, 1), text);
  },
};

/** `old: { … }` and `finalAttrs: old: { … }`, given both; what is no function is as it stands. */
function changed(session: Session, change: Value, final: Thunk, old: Thunk, text: string): Value {
  if (change.kind !== "function") return change;
  const once = apply(session, change, old, text);
  if (once.kind !== "function") return once;
  return applyTwo(session, change, final, old, text);
}

/** `lib.extends`: what a fixed point is made of, with a change over it. */
const extended: Builtin = {
  arity: 3,
  run: (session, args, text) => {
    const final: Thunk = () => valueAt(args, 2);
    const below = valueAt(args, 1);
    const old =
      below.kind === "function" || below.kind === "builtin" ? apply(session, below, final, text) : below;
    const before = asSet(session, old);
    const own: Thunk = () => old;
    const after = asSet(session, changed(session, valueAt(args, 0), final, own, text));
    return before && after ? update(before, after) : undefined;
  },
};

const overrideAttrs: Builtin = {
  arity: 2,
  run: (session, args, text) => {
    const old = valueAt(args, 0);
    const change = valueAt(args, 1);
    if (old.kind === "call" && asSet(session, old)) {
      // The package sees itself as it is in the end: `finalAttrs.version` is the new one.
      const whole: Value = { kind: "builtin", name: "extends", arguments: [() => change, old.argument] };
      return { kind: "call", name: old.name, text: old.text, argument: () => whole };
    }
    const own: Thunk = () => old;
    const after = asSet(session, changed(session, change, own, own, text));
    if (!after) return undefined;
    const before = asSet(session, old);
    const whole = before ? update(before, after) : { ...after, open: true };
    return old.kind === "call"
      ? { kind: "call", name: old.name, text: old.text, argument: () => whole }
      : whole;
  },
};

/** What a package is called with is not what it hands to mkDerivation: it stays as it was. A fetcher hands on all of it. */
const override: Builtin = {
  arity: 2,
  run: (session, args, text) => {
    const old = valueAt(args, 0);
    if (old.kind !== "call" || !fetcherNamed(old.name)) {
      session.isOverridden = true;
      return old;
    }
    const before = asSet(session, old);
    const own: Thunk = () => old;
    const after = asSet(session, changed(session, valueAt(args, 1), own, own, text));
    if (!before || !after) return undefined;
    const whole = update(before, after);
    return { kind: "call", name: old.name, text: old.text, argument: () => whole };
  },
};

/** A scope with its own functions, as much of them as is needed to change it. */
function scopeOf(session: Session, make: Value, text: string): Value {
  const whole: Thunk = lazy(() => {
    const own = asSet(
      session,
      apply(session, make, () => whole(), text),
    );
    if (!own) return unknown(text);
    const functions: [string, Thunk][] = [
      ["callPackage", () => ({ kind: "builtin", name: "callPackageWith", arguments: [whole] })],
      ["overrideScope", () => ({ kind: "builtin", name: "overrideScope", arguments: [() => make] })],
      ["extend", () => ({ kind: "builtin", name: "overrideScope", arguments: [() => make] })],
    ];
    return update(setOf(functions), own);
  }, text);
  return whole();
}

export const FUNCTIONS: Library = {
  id: argument(1, 0),
  const: argument(2, 0),
  flip: {
    arity: 3,
    run: (session, args, text) => {
      const second: Thunk = () => valueAt(args, 1);
      return applyTwo(session, valueAt(args, 0), () => valueAt(args, 2), second, text);
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
  // `callPackage` of a scope: what the package does not take from its caller, it takes from there.
  callPackageWith: {
    arity: 3,
    run: (session, args, text) => {
      const callee = imported(session, valueAt(args, 1)) ?? valueAt(args, 1);
      const scope = asSet(session, valueAt(args, 0));
      const own = asSet(session, valueAt(args, 2));
      const given = scope && own ? update(scope, own) : valueAt(args, 2);
      return apply(session, callee, () => given, text);
    },
  },
  extends: extended,
  makeScope: { arity: 2, run: (session, args, text) => scopeOf(session, valueAt(args, 1), text) },
  makeExtensible: { arity: 1, run: (session, args, text) => scopeOf(session, valueAt(args, 0), text) },
  overrideScope: {
    arity: 2,
    run: (session, args, text) =>
      scopeOf(
        session,
        { kind: "builtin", name: "extends", arguments: [() => valueAt(args, 1), () => valueAt(args, 0)] },
        text,
      ),
  },
  override,
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
  pipe: {
    arity: 2,
    run: (session, args, text) =>
      itemsAt(args, 1)?.reduce(
        (value: Value, step) => apply(session, step(), () => value, text),
        valueAt(args, 0),
      ),
  },

  import: { arity: 1, run: (session, args) => imported(session, valueAt(args, 0)) },
  scopedImport: { arity: 2, run: (session, args) => imported(session, valueAt(args, 1)) },
  readFile: { arity: 1, run: (session, args) => fileText(session, valueAt(args, 0)) },
  fileContents: {
    arity: 1,
    run: (session, args) => {
      const text = fileText(session, valueAt(args, 0));
      const known = text && knownText(text);
      const origin = text?.kind === "text" ? text.origin : null;
      return typeof known === "string" ? textValue(known.replace(/\n$/, ""), origin) : undefined;
    },
  },
  fromJSON: { arity: 1, run: (session, args) => parsedJson(session, valueAt(args, 0)) },
  fromTOML: { arity: 1, run: (session, args) => parsedToml(session, valueAt(args, 0)) },
  importTOML: {
    arity: 1,
    run: (session, args) => {
      const text = fileText(session, valueAt(args, 0));
      return text && parsedToml(session, text);
    },
  },
  importJSON: {
    arity: 1,
    run: (session, args) => {
      const text = fileText(session, valueAt(args, 0));
      return text && parsedJson(session, text);
    },
  },
};
