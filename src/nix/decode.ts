/** Texts hidden by an encoding: base64 and hex that decode to something that people could read. */

/** Shorter ones are words, names and versions. */
const LEAST_CHARACTERS = 24;
const BASE64 =
  /(?<![\w+/=-])(?:[A-Za-z0-9+/]{4}){5,}(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=|[A-Za-z0-9+/]{4})(?![\w+/=])/g;
const HEX = /(?<![\w])(?:[0-9a-fA-F]{2}){12,}(?![\w])/g;
const ESCAPED = /(?:\\x[0-9a-fA-F]{2}){6,}/g;

export interface Decoded {
  readonly text: string;
  readonly how: "base64" | "hex";
}

/** Readable texts that stand encoded in `texts`; a hash or key decodes to no readable text. */
export function decodedTexts(texts: readonly string[]): readonly Decoded[] {
  const found: Decoded[] = [];
  const add = (bytes: Buffer, how: Decoded["how"]) => {
    const text = bytes.toString("utf8");
    if (isReadable(text)) found.push({ text, how });
  };
  for (const text of texts) {
    if (text.length < LEAST_CHARACTERS) continue;
    for (const [match] of text.matchAll(BASE64)) add(Buffer.from(match, "base64"), "base64");
    for (const [match] of text.matchAll(HEX)) add(Buffer.from(match, "hex"), "hex");
    for (const [match] of text.matchAll(ESCAPED)) add(Buffer.from(match.replaceAll("\\x", ""), "hex"), "hex");
  }
  return found;
}

function isReadable(text: string): boolean {
  return /^[\t\n\r\x20-\x7e]{6,}$/.test(text) && /[a-z]{2}/i.test(text) && /[\s/|;$.]/.test(text);
}
