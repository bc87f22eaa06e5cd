/** All rules. Written by `npm run rules`: do not edit. */
// biome-ignore-all assist/source/organizeImports: in the order of the rules.
// biome-ignore-all format: one rule a line, so that two new rules rarely meet in one line.
import type { Rule } from "./rule.ts";

export const rules: readonly Rule[] = [
];
