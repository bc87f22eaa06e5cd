import { describe, expect, it } from "vitest";
import { rules } from "../../src/rules/index.ts";
import { verifod } from "../support/cli.ts";

const rule = rules[0]?.id ?? "";

describe("verifod", () => {
  it.each([
    [["--version"], 0, /^\d+\.\d+\.\d+\n$/],
    [["--help"], 0, /review[\s\S]*backtest[\s\S]*explain[\s\S]*rules/],
    [["review", "--help"], 0, /--fail-on/],
    [["help", "review"], 0, /--fail-on/],
    [["rules"], 0, new RegExp(`^${rule} `, "m")],
    [["explain", rule], 0, new RegExp(`^# ${rule}\n`)],
  ])("%j ends with %i and prints on stdout alone", async (args, status, output) => {
    const run = await verifod(args);
    expect(run).toMatchObject({ status, stderr: "" });
    expect(run.stdout).toMatch(output);
  });

  it.each([
    [[], "Usage: verifod"],
    [["frobnicate"], "unknown command 'frobnicate'"],
    [["constructor"], "unknown command 'constructor'"],
    [["explain"], "missing required argument 'rule'"],
    [["explain", "../../README"], 'there is no rule "../../README"'],
    [["--nope"], "unknown option '--nope'"],
  ])("%j ends with 2 and says why on stderr alone", async (args, message) => {
    const run = await verifod(args);
    expect(run).toMatchObject({ status: 2, stdout: "" });
    expect(run.stderr).toContain(message);
  });

  it("lists all that is known of the rules as JSON", async () => {
    const { stdout } = await verifod(["rules", "--format", "json"]);
    expect(JSON.parse(stdout)).toEqual(
      rules.map(({ id, threat, severity, description }) => ({
        id,
        threat,
        severity,
        description,
        help: expect.stringMatching(new RegExp(`/docs/rules/${id}\\.md$`)),
      })),
    );
  });
});
