import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";
import { leftOut } from "./test/support/programs.ts";

/**
 * Tests that call functions and do nothing to their process: they share one, and what it has loaded. Those that start many
 * programs do not: each start costs more the more a process holds.
 */
const PLAIN = [
  "archive/**/*",
  "asset/**/*",
  "github/**/*",
  "nix/**/*",
  "owners/**/*",
  "pair/**/*",
  "provenance/**/*",
  "report/**/*",
  "rules/**/*",
  "config",
  "facts",
  "read-file",
].map((name) => `test/${name}.test.ts`);

export default defineConfig({
  test: {
    globalSetup: ["test/support/build.ts"],
    setupFiles: ["test/support/setup.ts"],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    pool: "forks",
    // Most tests wait for programs that they start: the one process that a machine of two processors gets would wait as well.
    maxWorkers: Math.max(2, availableParallelism()),
    projects: [
      { extends: true, test: { name: "plain", include: PLAIN, exclude: [...leftOut()], isolate: false } },
      {
        extends: true,
        test: { name: "programs", include: ["test/**/*.test.ts"], exclude: [...PLAIN, ...leftOut()] },
      },
    ],
  },
});
