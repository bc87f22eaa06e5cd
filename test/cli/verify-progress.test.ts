import { expect, test } from "vitest";
import { createVerifyProgress, verdictTable } from "../../src/cli/verify-progress.ts";
import type { FodVerdict } from "../../src/verify/verdict.ts";

const verdict: FodVerdict = {
  name: "frob-2.tar.gz",
  drvPath: "/nix/store/x-frob.drv",
  attrs: ["frob.src"],
  declared: "sha256-BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBA=",
  got: null,
  outcome: "match",
  reason: "fetched again from example.org",
  introduced: true,
  urls: [{ url: "https://example.org/x", finalUrl: null, status: 200, bytes: 3_200_000 }],
  seconds: 1.2,
  change: "changed",
  neededBy: ["frob"],
  place: null,
  locations: [],
  before: null,
  authenticated: "yes",
  opaque: false,
  rev: null,
  flags: {},
  interrupted: false,
  forgedReports: 2,
  builder: null,
  command: "nix-prefetch-url --type sha256 https://example.org/x",
};

function recorded(isTTY: boolean) {
  const written: string[] = [];
  const write = (text: string) => written.push(text) > 0;
  const progress = createVerifyProgress({ isTTY, columns: 60, write: write as NodeJS.WriteStream["write"] });
  progress.update({ kind: "step", text: "evaluating" });
  progress.update({ kind: "waiting", id: "a", label: "frob.src \u001b[31mfrob-2" });
  progress.update({ kind: "waiting", id: "b", label: "other.src" });
  progress.update({ kind: "fetching", id: "a", bytes: 3_200_000 });
  progress.update({ kind: "verdict", id: "b", verdict: { ...verdict, outcome: "mismatch" } });
  progress.update({ kind: "verdict", id: "a", verdict });
  progress.end();
  return written.join("");
}

test("elsewhere than on a terminal: a plain line for each step and verdict", () => {
  expect(recorded(false)).toBe("evaluating\nmismatch    other.src\nmatch       frob.src \\e[31mfrob-2\n");
});

test("on a terminal: what is fetched right now, with its bytes, below what is done; nothing of it stays", () => {
  const text = recorded(true);
  expect(text).toContain("frob-2: fetching, 3.2 MB\n");
  expect(text).toContain("0 waiting\n");
  expect(text).not.toContain("\u001b[31m");
  expect(text.endsWith("\u001b[1A\u001b[J")).toBe(true);
});

test("the table has a line for each verdict, the commands, and what builders forged", () => {
  const verification = {
    verdicts: [verdict],
    unchecked: [],
    evaluated: [{ attr: "frob", system: null, base: null, head: "/nix/store/h.drv" }],
    nix: { version: "2.26.3", verifiesTls: true, sandbox: true },
  };
  const table = verdictTable(verification);
  expect(table).toMatch(/^Nix 2\.26\.3: 1 attribute evaluated, 1 changed source$/m);
  expect(table).toMatch(
    /^match {4}frob\.src {3}frob-2\.tar\.gz {2}changed {2}3\.2 MB {3}1\.2 s {2}authenticated$/m,
  );
  expect(table).toMatch(/^ {2}nix-prefetch-url /m);
  expect(table).toContain("its builder printed 2 reports");
  const elsewhere = { ...verdict, authenticated: null, builder: "ssh-ng://host" };
  expect(verdictTable({ ...verification, verdicts: [elsewhere] })).toMatch(
    / not seen {2}1\.2 s {2}unknown: by ssh-ng:\/\/host$/m,
  );
  expect(verdictTable({ ...verification, verdicts: [] })).toMatch(/0 changed sources\n\n$/);
});
