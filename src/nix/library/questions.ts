/** Questions about values: what kind they are of, whether a set has an attribute, whether items are as they should be. */
import { apply } from "../evaluate.ts";
import { textValue, type Value } from "../value.ts";
import { type Builtin, itemsAt, type Library, stringAt, stringsAt, valueAt } from "./support.ts";

/** Nix's name for the kind of a value; null: not known. What is called is not known before it is built. */
function typeOf(value: Value): string | null {
  switch (value.kind) {
    case "text":
      return "string";
    case "number":
      return Number.isSafeInteger(value.value) ? "int" : null;
    case "function":
    case "builtin":
      return "lambda";
    case "null":
    case "list":
    case "path":
    case "bool":
    case "set":
      return value.kind;
    default:
      return null;
  }
}

const isOfType = (type: string): Builtin => ({
  arity: 1,
  run: (_, args) => {
    const own = typeOf(valueAt(args, 0));
    return own === null ? undefined : { kind: "bool", value: own === type };
  },
});

/** Whether all items answer `expected`, or with `some` one of them: not known where what decides is not. */
const asked = (some: boolean): Builtin => ({
  arity: 2,
  run: (session, args, text) => {
    const items = itemsAt(args, 1);
    if (!items) return undefined;
    for (const item of items) {
      const answer = apply(session, valueAt(args, 0), item, text);
      if (answer.kind !== "bool") return undefined;
      if (answer.value === some) return answer;
    }
    return { kind: "bool", value: !some };
  },
});

export const QUESTIONS: Library = {
  typeOf: {
    arity: 1,
    run: (_, args) => {
      const type = typeOf(valueAt(args, 0));
      return type === null ? undefined : textValue(type);
    },
  },
  isString: isOfType("string"),
  isInt: isOfType("int"),
  isBool: isOfType("bool"),
  isList: isOfType("list"),
  isAttrs: isOfType("set"),
  isFunction: isOfType("lambda"),
  isPath: isOfType("path"),
  isNull: isOfType("null"),
  any: asked(true),
  all: asked(false),
  hasAttr: {
    arity: 2,
    run: (_, args) => {
      const name = stringAt(args, 0);
      return name === null ? undefined : hasPath(valueAt(args, 1), [name]);
    },
  },
  hasAttrByPath: {
    arity: 2,
    run: (_, args) => {
      const names = stringsAt(args, 0);
      return names ? hasPath(valueAt(args, 1), names) : undefined;
    },
  },
};

/** Whether names lead to an attribute, one within the other. What a call gives has more than what it was given. */
function hasPath(from: Value, names: readonly string[]): Value | undefined {
  let value = from;
  for (const name of names) {
    if (value.kind !== "set") return undefined;
    const entry = value.entries.get(name);
    if (!entry) return value.open ? undefined : { kind: "bool", value: false };
    value = entry();
  }
  return { kind: "bool", value: true };
}
