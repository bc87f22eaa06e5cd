import { expect, test } from "vitest";
import { hasSameTranslations } from "../../src/asset/translations.ts";

const header = 'msgid ""\nmsgstr ""\n"Project-Id-Version: frob 1.0\\n"\n"Language: de\\n"\n\n';
const entry = '#: frob.c:1\nmsgid "open"\nmsgstr "öffnen"\n\n';
const plural = 'msgid "file"\nmsgid_plural "files"\nmsgstr[0] "Datei"\nmsgstr[1] "Dateien"\n';

test.each([
  [
    "places, dates and breaks",
    header + entry,
    `${header.replace("1.0", "1.1")}#: x.c:9\nmsgid ""\n"op"\n"en"\nmsgstr "öff"\n"nen"\n`,
  ],
  [
    "a text that is gone",
    header + entry + plural,
    `${header}${plural}\n#~ msgid "open"\n#~ msgstr "öffnen"\n`,
  ],
  ["a new text without translation", header, `${header}msgid "close"\nmsgstr ""\n`],
  ["a new text with a guess", header, `${header}#, fuzzy\nmsgid "close"\nmsgstr "öffnen"\n`],
])("%s are no difference", (_, before, after) => {
  expect(hasSameTranslations(before, after)).toBe(true);
});

test.each([
  ["another translation", entry.replace("öffnen", "löschen")],
  ["a translation of a new text", `${entry}msgid "close"\nmsgstr "schließen"\n`],
  ["another plural", plural.replace("Dateien", "%s%n")],
  ["another context", `msgctxt "menu"\n${entry}`],
  ["another language", header.replace("Language: de", "Language: fr")],
])("%s is a difference", (_, after) => {
  expect(hasSameTranslations(header + entry + plural, after)).toBe(false);
});
