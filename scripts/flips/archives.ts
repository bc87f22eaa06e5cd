/** The guards around what is unpacked to be compared. */
import { type Guard, guards } from "./guard.ts";

export const ARCHIVES: readonly Guard[] = [
  ...guards("src/archive/read.ts", "test/archive/read.test.ts", [
    [
      "an archive is read within its time",
      "AbortSignal.timeout(options.limits.seconds * 1000)",
      "AbortSignal.timeout(1e8)",
    ],
  ]),
  ...guards("src/archive/collect.ts", "test/archive/read.test.ts", [
    [
      "a file below a link is no file",
      "if (above === undefined) continue;",
      "if (above === undefined || above) continue;",
    ],
    ["a large file is not kept", "const wanted = size <= limits.keptFile && ", "const wanted = "],
    ["files that are kept have a limit together", "kept + size <= limits.kept && ", ""],
    [
      "a name that is not UTF-8 is no file",
      'else if (raw.includes("\\ufffd") || raw.includes("\\0")) odd',
      'else if (raw === "never") odd',
    ],
  ]),
  ...guards("src/archive/tar.ts", "test/archive/read.test.ts", [
    ["a sparse file is not read", 'if (text.includes("GNU.sparse.")) fail', 'if (text === "never") fail'],
    ["a header has a limit", "maxMetaEntrySize: LARGEST_HEADER,", "maxMetaEntrySize: 1e9,"],
    [
      "a hard link is no file",
      'case "Link":\n        found.odd(path, `a hard link to ${entry.linkpath}`);\n        break;',
      'case "Link":\n        break;',
    ],
  ]),
  ...guards("src/archive/zip.ts", "test/archive/read.test.ts", [
    [
      "a device is no file",
      "if (format !== 0 && format !== S_IFREG && format !== S_IFLNK) {",
      "if (format < 0) {",
    ],
    ["an encrypted file is not read", "if (!entry.canDecodeFileData()) {", "if (entry === null) {"],
  ]),
];
