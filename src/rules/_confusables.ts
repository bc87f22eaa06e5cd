/** Letters that look like ASCII ones, after Unicode's list of confusables (https://www.unicode.org/reports/tr39/). */

/** ASCII letter → the letters of other scripts that are drawn the same or nearly so. */
const LOOKALIKES: Readonly<Record<string, string>> = {
  a: "\u0430\u03b1\u0251",
  b: "\u044c\u13cf",
  c: "\u0441\u03f2\u1d04\u13df",
  d: "\u0501\u13e7",
  e: "\u0435\u212e\u04bd",
  f: "\u03dd\u017f",
  g: "\u0261\u018d\u0581",
  h: "\u04bb\u0570",
  i: "\u0456\u03b9\u0131\u04cf",
  j: "\u0458\u03f3",
  k: "\u03ba\u043a",
  l: "\u04c0\u05d5\u0627",
  n: "\u0578\u057c",
  o: "\u043e\u03bf\u0585\u05e1\u0966\u0ed0",
  p: "\u0440\u03c1\u2374",
  q: "\u051b\u0566",
  r: "\u0433\u1d26",
  s: "\u0455\u01bd",
  u: "\u03c5\u057d\u028b",
  v: "\u03bd\u0475\u05d8",
  w: "\u051d\u0461\u03c9",
  x: "\u0445\u03c7",
  y: "\u0443\u03b3\u04af",
  z: "\u1d22",
  A: "\u0410\u0391\u13aa",
  B: "\u0412\u0392\u13f4",
  C: "\u0421\u03f9\u13df",
  D: "\u13a0",
  E: "\u0415\u0395\u13ac",
  F: "\u03dc",
  G: "\u050c\u13c0",
  H: "\u041d\u0397\u13bb",
  I: "\u0406\u0399\u04c0",
  J: "\u0408\u13ab",
  K: "\u041a\u039a\u13e6",
  L: "\u13de",
  M: "\u041c\u039c\u13b7",
  N: "\u039d",
  O: "\u041e\u039f\u0555",
  P: "\u0420\u03a1\u13e2",
  R: "\u13a1",
  S: "\u0405\u054f\u13da",
  T: "\u0422\u03a4\u13a2",
  U: "\u054d",
  V: "\u0474\u13d9",
  W: "\u051c\u13b3",
  X: "\u0425\u03a7",
  Y: "\u04ae\u03a5",
  Z: "\u0396\u13c3",
};

const TO_ASCII = new Map(
  Object.entries(LOOKALIKES).flatMap(([ascii, others]) =>
    [...others].map((other) => [other, ascii] as const),
  ),
);

/** Full-width and mathematical letters and digits, which are only other shapes of the ASCII ones. */
const STYLED = /[\uff10-\uff19\uff21-\uff3a\uff41-\uff5a\u{1d400}-\u{1d7ff}]/u;

/** The ASCII letter that a character looks like; null for ASCII itself and for letters that look like none. */
export function asciiLookalike(character: string): string | null {
  const plain = TO_ASCII.get(character);
  if (plain !== undefined) return plain;
  if (!STYLED.test(character)) return null;
  const composed = character.normalize("NFKC");
  return /^[A-Za-z0-9]$/.test(composed) ? composed : null;
}

/** A text with every look-alike replaced by what it looks like. */
export function skeleton(text: string): string {
  let result = "";
  for (const character of text) result += asciiLookalike(character) ?? character;
  return result;
}
