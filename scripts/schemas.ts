// Writes the published JSON Schemas from the definitions that validate: `npm run schemas`.
// A test holds what is written against what this would write.
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { configJsonSchema } from "../src/config-schema.ts";
import { reviewJsonSchema } from "../src/report/schema.ts";

const folder = fileURLToPath(new URL("../schema/", import.meta.url));

/** The text of each schema, by file name. */
export const SCHEMAS: Readonly<Record<string, () => object>> = {
  "verifod.schema.json": configJsonSchema,
  "verifod-review-v1.schema.json": reviewJsonSchema,
};

export function schemaText(schema: object): string {
  return `${JSON.stringify(schema, null, 2)}\n`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const [name, make] of Object.entries(SCHEMAS)) writeFileSync(`${folder}${name}`, schemaText(make()));
}
