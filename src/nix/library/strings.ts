/** Strings: `lib.strings` and the string functions of `builtins`. */
import { apply, coerced } from "../evaluate.ts";
import { decide, type Session, spend } from "../session.ts";
import { concatenate, knownText, list, type Thunk, TOO_LONG, textValue, type Value } from "../value.ts";
import {
  applyTwo,
  type Builtin,
  itemsAt,
  type Library,
  numberAt,
  ofStrings,
  predicate,
  stringAt,
  stringsAt,
  valueAt,
} from "./support.ts";

const WORK_LIMIT = 1_000_000;

/** Left to right, at each place the first of `from` that fits, as builtins.replaceStrings. */
function replaced(
  session: Session,
  from: readonly string[],
  to: readonly string[],
  text: string,
): string | null | undefined {
  // Each place is compared with each pattern, to its end at worst.
  const size = from.reduce((sum, each) => sum + each.length, 0);
  if (!spend(session, size * text.length)) return undefined;
  let result = "";
  for (let index = 0; index < text.length; ) {
    const match = from.findIndex((candidate) => text.startsWith(candidate, index));
    if (match < 0) result += text[index++];
    else {
      result += to[match] ?? "";
      index += from[match]?.length ?? 1;
      if (result.length > WORK_LIMIT) return null;
    }
  }
  return result;
}

const replaceStrings: Builtin = {
  arity: 3,
  run: (session, args) => {
    const from = stringsAt(args, 0);
    const to = stringsAt(args, 1);
    const text = stringAt(args, 2);
    // An empty pattern fits between all characters; nobody means that.
    if (from?.includes("")) return undefined;
    const result = from && to && text !== null ? replaced(session, from, to, text) : undefined;
    if (result === null) return TOO_LONG;
    return result === undefined ? undefined : textValue(result);
  },
};

function joined(values: readonly Value[], separator: Value): Value {
  return concatenate(values.flatMap((value, index) => (index === 0 ? [value] : [separator, value])));
}

const values = (thunks: readonly Thunk[] | null) => thunks?.map((thunk) => thunk());

function asString(value: Value): Value | undefined {
  switch (value.kind) {
    case "text":
      return value;
    case "number":
      return textValue(String(value.value));
    case "bool":
      return textValue(value.value ? "1" : "");
    case "null":
      return textValue("");
    case "list": {
      const items = value.open ? [undefined] : value.items.map((item) => asString(item()));
      return items.every((item) => item !== undefined) ? joined(items, textValue(" ")) : undefined;
    }
    default:
      return undefined;
  }
}

const percent = (character: string) =>
  `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`;

/** Without the white space around it, which is ASCII's to `lib.trim`. */
function trimmed(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && " \t\r\n".includes(text[start] as string)) start++;
  while (start < end && " \t\r\n".includes(text[end - 1] as string)) end--;
  return text.slice(start, end);
}

/** As one word of a shell's: `lib.escapeShellArg` leaves what needs no quotes as it is. */
function shellArgument(text: string): string {
  return /^[\w,.+:@%/-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

export const STRINGS: Library = {
  // Typed by hand: an object literal's `toString` takes its type from Object.
  toString: {
    arity: 1,
    run: (session: Session, args: readonly Thunk[]) => asString(coerced(session, valueAt(args, 0))),
  },
  // ASCII alone has two cases here.
  toLower: ofStrings(1, (text) => text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase())),
  toUpper: ofStrings(1, (text) => text.replace(/[a-z]+/g, (letters) => letters.toUpperCase())),
  toSentenceCase: ofStrings(1, (text) =>
    /^[\0-\x7f]*$/.test(text) ? `${text.slice(0, 1).toUpperCase()}${text.slice(1).toLowerCase()}` : null,
  ),
  removePrefix: ofStrings(2, (prefix, text) => (text.startsWith(prefix) ? text.slice(prefix.length) : text)),
  removeSuffix: ofStrings(2, (suffix, text) =>
    suffix !== "" && text.endsWith(suffix) ? text.slice(0, -suffix.length) : text,
  ),
  hasPrefix: predicate(2, (prefix, text) => text.startsWith(prefix)),
  hasSuffix: predicate(2, (suffix, text) => text.endsWith(suffix)),
  hasInfix: {
    arity: 2,
    run: (session, args) => {
      const infix = stringAt(args, 0);
      const text = stringAt(args, 1);
      if (infix === null || text === null || !spend(session, infix.length * text.length)) return undefined;
      return { kind: "bool", value: text.includes(infix) };
    },
  },
  trim: ofStrings(1, trimmed),
  escapeURL: ofStrings(1, (text) => text.replace(/[^\w.~\x80-\uffff-]/g, percent)),
  escapeShellArg: ofStrings(1, shellArgument),
  escapeShellArgs: {
    arity: 1,
    run: (session, args) => {
      const texts = stringsAt(args, 0);
      const size = texts?.reduce((sum, text) => sum + text.length, 0) ?? 0;
      return texts && spend(session, size) ? textValue(texts.map(shellArgument).join(" ")) : undefined;
    },
  },
  boolToString: {
    arity: 1,
    run: (_, args) => {
      const value = valueAt(args, 0);
      return value.kind === "bool" ? textValue(String(value.value)) : undefined;
    },
  },
  dirOf: ofStrings(1, (text) => (text.includes("/") ? text.slice(0, text.lastIndexOf("/")) || "/" : ".")),
  baseNameOf: {
    arity: 1,
    run: (_, args) => {
      const value = valueAt(args, 0);
      const text = value.kind === "path" ? value.path : knownText(value);
      return text === null ? undefined : textValue(text.replace(/\/$/, "").replace(/^.*\//, ""));
    },
  },
  replaceStrings,
  replaceChars: replaceStrings,
  concatStrings: {
    arity: 1,
    run: (_, args) => {
      const texts = values(itemsAt(args, 0));
      return texts && concatenate(texts);
    },
  },
  concatStringsSep: {
    arity: 2,
    run: (_, args) => {
      const texts = values(itemsAt(args, 1));
      return texts && joined(texts, valueAt(args, 0));
    },
  },
  concatMapStrings: {
    arity: 2,
    run: (session, args, text) => {
      const texts = itemsAt(args, 1)?.map((item) => apply(session, valueAt(args, 0), item, text));
      return texts && concatenate(texts);
    },
  },
  concatMapStringsSep: {
    arity: 3,
    run: (session, args, text) => {
      const texts = itemsAt(args, 2)?.map((item) => apply(session, valueAt(args, 1), item, text));
      return texts && joined(texts, valueAt(args, 0));
    },
  },
  concatLines: {
    arity: 1,
    run: (_, args) => {
      const texts = values(itemsAt(args, 0));
      return texts && concatenate(texts.flatMap((text) => [text, textValue("\n")]));
    },
  },
  concatImapStringsSep: {
    arity: 3,
    run: (session, args, text) => {
      const texts = itemsAt(args, 2)?.map((item, index) =>
        applyTwo(session, valueAt(args, 1), () => ({ kind: "number", value: index + 1 }), item, text),
      );
      return texts && joined(texts, valueAt(args, 0));
    },
  },
  splitString: {
    arity: 2,
    run: (session, args) => {
      const separator = stringAt(args, 0);
      const text = stringAt(args, 1);
      return separator && text !== null && spend(session, separator.length * text.length)
        ? list(text.split(separator).map((part) => textValue(part)))
        : undefined;
    },
  },
  stringToCharacters: {
    arity: 1,
    run: (_, args) => {
      const text = stringAt(args, 0);
      // Nix's characters are bytes.
      if (text === null || /[^\0-\x7f]/.test(text)) return undefined;
      return list([...text].map((character) => textValue(character)));
    },
  },
  substring: {
    arity: 3,
    run: (session, args) => {
      const start = numberAt(args, 0);
      const count = numberAt(args, 1);
      const text = stringAt(args, 2);
      if (start === null || count === null || text === null || start < 0) return undefined;
      if (!spend(session, text.length)) return undefined;
      // Nix counts bytes.
      if (/[^\0-\x7f]/.test(text)) return undefined;
      return textValue(text.slice(start, count < 0 ? undefined : start + count));
    },
  },
  stringLength: {
    arity: 1,
    run: (session, args) => {
      const text = stringAt(args, 0);
      if (text === null || !spend(session, text.length)) return undefined;
      return { kind: "number", value: Buffer.byteLength(text) };
    },
  },
  fixedWidthString: {
    arity: 3,
    run: (_, args) => {
      const width = numberAt(args, 0);
      const filler = stringAt(args, 1);
      const text = stringAt(args, 2);
      return width !== null && width < 1000 && filler && text !== null && text.length <= width
        ? textValue(text.padStart(width, filler))
        : undefined;
    },
  },
  fixedWidthNumber: {
    arity: 2,
    run: (_, args) => {
      const width = numberAt(args, 0);
      const text = asString(valueAt(args, 1));
      const known = text && knownText(text);
      return width !== null && width < 1000 && typeof known === "string"
        ? textValue(known.padStart(width, "0"))
        : undefined;
    },
  },
  optionalString: {
    arity: 2,
    run: (session, args, text) => {
      const taken = decide(session, valueAt(args, 0), text);
      return taken === undefined ? undefined : taken ? valueAt(args, 1) : textValue("");
    },
  },
};
