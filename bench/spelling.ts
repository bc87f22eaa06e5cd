/** The many ways to write the same thing in Nix: what a rule finds in one spelling it must find in all. */

export function pick<T>(random: () => number, items: readonly T[]): T {
  const item = items[Math.floor(random() * items.length)];
  if (item === undefined) throw new Error("nothing to pick from");
  return item;
}

/** A way to write something, with a name for the table of misses. */
export interface Spelling {
  readonly name: string;
  readonly write: (text: string) => string;
}

/** A text (without quotes, backslashes or `${`) as an expression. */
export const VALUES: readonly Spelling[] = [
  { name: "plain", write: (text) => `"${text}"` },
  { name: "parentheses", write: (text) => `("${text}")` },
  { name: "indented string", write: (text) => `''${text}''` },
  { name: "concatenation", write: (text) => `("${text.slice(0, 9)}" + "${text.slice(9)}")` },
  { name: "let", write: (text) => `(let planted = "${text}"; in planted)` },
  { name: "with", write: (text) => `(with { planted = "${text}"; }; planted)` },
  { name: "rec", write: (text) => `(rec { first = "${text}"; second = first; }).second` },
  { name: "interpolation", write: (text) => `"\${"${text.slice(0, 5)}"}${text.slice(5)}"` },
  { name: "function", write: (text) => `((planted: planted) "${text}")` },
];

/** The name of an attribute. */
export const NAMES: readonly Spelling[] = [
  { name: "bare name", write: (name) => name },
  { name: "quoted name", write: (name) => `"${name}"` },
];

/** What stands between the parts of a binding. */
export const LAYOUTS: readonly Spelling[] = [
  { name: "as nixfmt", write: (binding) => binding },
  { name: "no spaces", write: (binding) => binding.replace(/ = /, "=") },
  { name: "many lines", write: (binding) => binding.replace(/ = /, "\n\t=\n\t\t") },
  { name: "comment inside", write: (binding) => binding.replace(/ = /, " /* as before */ = ") },
];

/** Lines of shell as the value of a phase. */
export const SCRIPTS: readonly Spelling[] = [
  { name: "indented string", write: (lines) => `''\n${indented(lines, "    ")}\n  ''` },
  { name: "string with escapes", write: (lines) => JSON.stringify(`${lines}\n`).replaceAll("${", "\\${") },
  {
    name: "concatenation",
    write: (lines) => `''\n    runHook preFrob\n  '' + ''\n${indented(lines, "    ")}\n  ''`,
  },
  { name: "let", write: (lines) => `let planted = ''\n${indented(lines, "      ")}\n    ''; in planted` },
  {
    name: "optionalString",
    write: (lines) => `lib.optionalString stdenv.hostPlatform.isLinux ''\n${indented(lines, "    ")}\n  ''`,
  },
];

/** In an indented string `${` begins an interpolation: https://nix.dev/manual/nix/2.28/language/string-literals */
function indented(lines: string, by: string): string {
  return lines
    .split("\n")
    .map((line) => by + line.replaceAll("''", "'''").replaceAll("${", "''${"))
    .join("\n");
}
