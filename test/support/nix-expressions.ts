/** Random Nix expressions that have a value: each is built to a type, and names only what has one. */
import fc from "fast-check";

type Type = "string" | "number" | "bool" | "list" | "set";
/** What a name is bound to, and whether only a `with` gives it. */
type Names = ReadonlyMap<string, { readonly type: Type | "none"; readonly lexical: boolean }>;
/** The next choice: a number from 0 up to the one given. */
type Pick = (options: number) => number;

const NAMES = ["x", "y", "z", "version", "a"];
/** Each set has these attributes, all of them strings. */
const ATTRIBUTES = ["a", "b", "version"];
const TEXTS = [
  '"1.2"',
  '"v1"',
  '""',
  '"a-b"',
  "''\n  two\n    four''",
  '"\\n\\${x}"',
  '"pre"',
  "(https://example.org/x)",
];

/** An expression of any type, from a tape of choices. */
export const expressions: fc.Arbitrary<string> = fc
  .array(fc.nat(1_000), { minLength: 60, maxLength: 200 })
  .map((tape) => {
    let at = 0;
    const pick: Pick = (options) => (tape[at++ % tape.length] ?? 0) % options;
    return build(one(pick, ["string", "number", "bool", "list", "set"]), new Map(), 5, pick);
  });

function one<T>(pick: Pick, options: readonly T[]): T {
  return options[pick(options.length)] as T;
}

function build(type: Type, names: Names, depth: number, pick: Pick): string {
  const of = (wanted: Type, among: Names = names) => build(wanted, among, depth - 1, pick);
  const bound = [...names].filter(([, known]) => known.type === type).map(([name]) => name);
  if (bound.length > 0 && pick(3) === 0) return one(pick, bound);
  if (depth <= 0) return leaf(type, pick);
  return pick(2) === 0 ? around(type, names, pick, of) : own(type, pick, of);
}

function leaf(type: Type, pick: Pick): string {
  switch (type) {
    case "string":
      return one(pick, TEXTS);
    case "number":
      return String(pick(12));
    case "bool":
      return one(pick, ["true", "false"]);
    case "list":
      return one(pick, ["[ ]", '[ "a" ]', '[ "b" "a" ]']);
    case "set":
      return `{ ${ATTRIBUTES.map((name) => `${name} = ${one(pick, TEXTS)};`).join(" ")} }`;
  }
}

type Of = (type: Type, among?: Names) => string;

/** What can stand around an expression of any type. */
function around(type: Type, names: Names, pick: Pick, of: Of): string {
  const name = one(pick, NAMES);
  const given = one<Type>(pick, ["string", "number", "list", "set"]);
  const inner = bind(names, name, given);
  switch (pick(9)) {
    case 0:
      return `(if ${of("bool")} then ${of(type)} else ${of(type)})`;
    case 1:
      // A binding that named itself would have no value.
      return `(let ${name} = ${of(given, without(names, name))}; in ${of(type, inner)})`;
    case 2: {
      const other = one(
        pick,
        NAMES.filter((candidate) => candidate !== name),
      );
      const both = bind(inner, other, "string");
      const value = of("string", without(inner, other));
      return `(let ${other} = ${value}; ${name} = ${of(given, without(without(names, name), other))}; in ${of(type, both)})`;
    }
    case 3:
      return `(with ${of("set")}; ${of(type, withSet(names))})`;
    case 4:
      return `((${name}: ${of(type, inner)}) ${of(given)})`;
    case 5:
      return `(({ a, b ? ${of("string", without(without(without(names, "a"), "b"), "args"))}, ... }@args: ${of(type, bind(bind(bind(names, "a", "string"), "b", "string"), "args", "set"))}) ${of("set")})`;
    case 6:
      return `(let inherit (${of("set", without(names, "version"))}) version; in ${of(type, bind(names, "version", "string"))})`;
    case 7:
      return `(assert ${of("bool")} || true; ${of(type)})`;
    default:
      return `{ inner = ${of(type)}; }.${one(pick, ["inner", '"inner"', '${"inner"}'])}`;
  }
}

/** What is special to a type. */
function own(type: Type, pick: Pick, of: Of): string {
  const attribute = one(pick, ATTRIBUTES);
  switch (type) {
    case "string":
      return one(pick, [
        () => `"\${${of("string")}}-\${${of("string")}}"`,
        () => `(${of("string")} + ${of("string")})`,
        () => `${of("set")}.${attribute}`,
        () => `(${of("set")}.missing or ${of("string")})`,
        () => `(toString ${of(one(pick, ["number", "bool", "string"]))})`,
        () => `(builtins.concatStringsSep ${of("string")} ${of("list")})`,
        () => `(builtins.replaceStrings [ "." "a" ] [ "_" ${of("string")} ] ${of("string")})`,
        () => `(builtins.substring ${pick(3)} ${pick(4)} ${of("string")})`,
        () => `(builtins.head (${of("list")} ++ [ ${of("string")} ]))`,
        () => `(builtins.getAttr "${attribute}" ${of("set")})`,
        () => `(builtins.parseDrvName ${of("string")}).version`,
      ])();
    case "number":
      return one(pick, [
        () => `(${of("number")} + ${of("number")})`,
        () => `(${of("number")} - ${of("number")})`,
        () => `(builtins.length ${of("list")})`,
        () => `(builtins.stringLength ${of("string")})`,
        () => `(builtins.compareVersions ${of("string")} ${of("string")})`,
      ])();
    case "bool":
      return one(pick, [
        () => `(${of("string")} == ${of("string")})`,
        () => `(${of("number")} != ${of("number")})`,
        () => `(${of("set")} == ${of("set")})`,
        () => `(${of("bool")} ${one(pick, ["&&", "||", "->"])} ${of("bool")})`,
        () => `(!${of("bool")})`,
        () => `(${of("set")} ? ${one(pick, [...ATTRIBUTES, "missing"])})`,
        () => `(builtins.elem ${of("string")} ${of("list")})`,
      ])();
    case "list":
      return one(pick, [
        () => `[ ${of("string")} ${of("string")} ]`,
        () => `(${of("list")} ++ ${of("list")})`,
        () => `(map (item: item + ${of("string")}) ${of("list")})`,
        () => `(builtins.attrNames ${of("set")})`,
        () => `(builtins.splitVersion ${of("string")})`,
        () => `(builtins.concatLists [ ${of("list")} ${of("list")} ])`,
      ])();
    case "set":
      return one(pick, [
        () => `(${of("set")} // ${of("set")})`,
        () => `(${of("set")} // { ${attribute} = ${of("string")}; })`,
        () =>
          `(rec { a = ${JSON.stringify("r")}; b = a + "2"; version = "\${b}.\${a}"; } // { a = ${of("string")}; })`,
        () => `(builtins.mapAttrs (name: value: name + value) ${of("set")})`,
        () =>
          `(${of("set")} // builtins.listToAttrs [ { name = "${attribute}"; value = ${of("string")}; } ])`,
        () => `(removeAttrs ${of("set")} [ "${attribute}" ] // { ${attribute} = ${of("string")}; })`,
        () => `{ inherit (${of("set")}) a version; b = ${of("string")}; }`,
        () => `{ n.a.b = ${of("set")}; n.a.c = 1; }.n.a.b`,
      ])();
  }
}

function bind(names: Names, name: string, type: Type): Names {
  return new Map([...names, [name, { type, lexical: true }]]);
}

/** A name that is bound here and must not be used: its own value would need itself. */
function without(names: Names, name: string): Names {
  return new Map([...names, [name, { type: "none", lexical: true }]]);
}

function withSet(names: Names): Names {
  const given = ATTRIBUTES.filter((name) => !names.get(name)?.lexical);
  return new Map([
    ...names,
    ...given.map((name) => [name, { type: "string" as const, lexical: false }] as const),
  ]);
}
