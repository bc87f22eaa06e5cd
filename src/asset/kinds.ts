/** What a file is to those who build from it, by its name and its first bytes. */
import { isUtf8 } from "node:buffer";
import type { ArchiveFile } from "../archive/archive.ts";

export type FileKind =
  /** Read or run by a build. */
  | "build"
  /** Compiled or interpreted. */
  | "source"
  /** No text. */
  | "binary"
  /** Documentation, translations, data. */
  | "other";

const BUILD_NAMES =
  /^(?:configure(?:\..*)?|config\.(?:guess|sub|rpath|h\.in)|(?:gnu)?makefile(?:\..*)?|cmakelists\.txt|meson(?:_options\.txt|\.build|\.options)|autogen.*|bootstrap.*|build|build\.(?:rs|zig|xml|bazel)|cargo\.(?:toml|lock)|package(?:-lock)?\.json|setup\.(?:py|cfg)|pyproject\.toml|rakefile|gemfile|sconstruct|sconscript|wscript|gnumakefile|kbuild|kconfig|ltmain\.sh|install-sh|missing|depcomp|compile|mkinstalldirs|test-driver|ylwrap|mdate-sh|py-compile|ar-lib|justfile|dune(?:-project)?|binding\.gyp)$/i;
const BUILD_ENDINGS =
  /\.(?:m4|ac|am|mk|mak|make|cmake|sh|bash|bat|cmd|ps1|gyp|gypi|bzl|gradle|sin|awk|sed|pl|pm|tcl|nix|spec|rc|pc\.in|csproj|fsproj|targets|props)$/i;
const SOURCE_ENDINGS =
  /\.(?:c|h|cc|cpp|cxx|c\+\+|hh|hpp|hxx|ipp|inl|inc|m|mm|s|asm|sx|y|yy|l|ll|def|map|ld|lds|gperf|rl|re|rs|go|zig|d|pas|f|f90|for|js|mjs|cjs|ts|tsx|jsx|wasm|java|kt|scala|groovy|cs|fs|vb|py|pyx|pxd|rb|php|lua|el|scm|lisp|clj|hs|ml|mli|erl|ex|exs|swift|vala|vapi|proto|thrift|idl|td|cu|cl|glsl|sql|jl|r|nim|cr|dart|coffee)(?:\.in)?$/i;
const INTERPRETED = /^#!/;

/** The text of a file, bytes that are not UTF-8 read as Latin-1; null when it is no text or was not kept. */
export function textOf({ bytes }: ArchiveFile): string | null {
  if (bytes === null || isBinary(bytes)) return null;
  return isUtf8(bytes) ? bytes.toString("utf8") : bytes.toString("latin1");
}

/** Of a text's bytes, one in so many at most is a control character: scripts hold some literally. */
const RARE_CONTROLS = 100;

/** Binary is what has NUL bytes, or more control characters than lines, tabs, pages and escapes account for. */
function isBinary(bytes: Buffer): boolean {
  let controls = 0;
  for (const byte of bytes) {
    if (byte === 0) return true;
    if (byte < 0x20 && !(byte >= 0x08 && byte <= 0x0d) && byte !== 0x1a && byte !== 0x1b) controls += 1;
  }
  return controls > 0 && (!isUtf8(bytes) || controls * RARE_CONTROLS > bytes.length);
}

/** What a file is. One whose content was not kept is what its name says, and at least as bad as a binary. */
export function kindOf(path: string, file: ArchiveFile): FileKind {
  const name = path.slice(path.lastIndexOf("/") + 1);
  // A link leads a build to another file than its name says.
  if (file.kind === "symlink") return "build";
  if (BUILD_NAMES.test(name) || BUILD_ENDINGS.test(name)) return "build";
  const text = textOf(file);
  if (text === null) return "binary";
  if (INTERPRETED.test(text) || file.executable) return "build";
  return SOURCE_ENDINGS.test(name) ? "source" : "other";
}
