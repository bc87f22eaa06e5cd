import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Source } from "../../src/nix/model.ts";
import { type AssembleOptions, assemble as assembleAt, type Raised } from "../../src/report/assemble.ts";
import { createPositions } from "../../src/report/positions.ts";
import { publishPins } from "../../src/report/publish-pins.ts";
import type { Severity } from "../../src/report/review.ts";
import type { FileFacts, RuleFinding } from "../../src/rules/rule.ts";

const PATH = "pkgs/frob.nix";

function file(base: string | null, head: string | null, path = PATH): FileFacts {
  const entry = (text: string | null) => (text === null ? null : { path, kind: "file" as const, oid: text });
  const [before, after] = [entry(base), entry(head)];
  const change: FileFacts["change"] | null =
    before && after
      ? { status: "modified", base: before, head: after }
      : after
        ? { status: "added", base: null, head: after }
        : before && { status: "removed", base: before, head: null };
  if (change === null) throw new Error("a change has a side");
  return {
    change,
    base,
    head,
    changed: [],
    parseErrors: [],
    baseParseErrors: [],
    target: { base: null, head: null },
    binary: { base: null, head: null },
  };
}

function raise(text: string, what: string, values: Partial<RuleFinding> = {}, path = PATH): Raised {
  const start = text.indexOf(what);
  if (start === -1) throw new Error(`no ${what}`);
  return {
    rule: "hash-changed-alone",
    finding: {
      severity: "high",
      confidence: "high",
      title: "The hash changed alone",
      message: "Why?",
      at: { side: "head", span: { path, start, end: start + what.length } },
      before: "A",
      after: "B",
      evidence: ["static"],
      related: [],
      identity: ["frob", "A", "B"],
      ...values,
    },
  };
}

function assemble(raised: readonly Raised[], files: readonly FileFacts[], options: AssembleOptions) {
  return assembleAt(raised, files, createPositions(files), options);
}

const options = { severityOf: () => null, attrsOf: () => ["frob"] };

describe("assemble", () => {
  const text = '{\n  pname = "frob";\n  hash = "B";\n}\n';

  it("gives lines and columns from 1, the end after the last character", () => {
    const { findings } = assemble([raise(text, '"B"')], [file(text, text)], options);
    expect(findings).toEqual([
      expect.objectContaining({
        rule: "hash-changed-alone",
        path: PATH,
        startLine: 3,
        startColumn: 10,
        endLine: 3,
        endColumn: 13,
        attrs: ["frob"],
        help: expect.stringMatching(/\/docs\/rules\/hash-changed-alone\.md$/),
        fingerprint: expect.stringMatching(/^[0-9a-f]{64}$/),
      }),
    ]);
  });

  it("ends a stretch of whole lines on its last line", () => {
    const [found] = assemble([raise(text, '  pname = "frob";\n')], [file(text, text)], options).findings;
    expect(found).toMatchObject({ startLine: 2, startColumn: 1, endLine: 2, endColumn: 18 });
  });

  it("places what has no text on the first line", () => {
    const [found] = assemble([raise(text, "hash")], [file(null, "", "other.nix")], options).findings;
    expect(found).toMatchObject({ startLine: 1, startColumn: 1, endLine: 1, endColumn: 1 });
  });

  it("cuts values of megabytes", () => {
    const huge = "x".repeat(5_000_000);
    const raised = [raise(text, "hash", { title: huge, message: huge, before: huge, after: "" })];
    const { findings } = assemble(raised, [file(text, text)], options);
    expect(JSON.stringify(findings).length).toBeLessThan(50_000);
    expect(findings[0]?.after).toBe("");
  });

  it("keeps a fingerprint when code moves or is reformatted", () => {
    fc.assert(
      fc.property(fc.stringMatching(/^( *\n){0,5}$/), fc.nat(8), (above, indent) => {
        const moved = above + text.replaceAll("\n", `\n${" ".repeat(indent)}`);
        const [before, after] = [text, moved].map((each) =>
          assemble([raise(each, '"B"')], [file(each, each)], options).findings.map(
            ({ fingerprint }) => fingerprint,
          ),
        );
        expect(after).toEqual(before);
      }),
    );
  });

  it("tells apart two findings that are the same but for their place", () => {
    const twice = '{ a = "B"; }\n{ b = "B"; }\n';
    const [first, second] = ["a", "b"].map((what) => raise(twice, what));
    if (!first || !second) throw new Error("two");
    const fingerprints = (raised: Raised[]) =>
      assemble(raised, [file(twice, twice)], options).findings.map(({ fingerprint }) => fingerprint);
    expect(new Set(fingerprints([first, second])).size).toBe(2);
    expect(fingerprints([second, first])).toEqual(fingerprints([first, second]));
  });

  it("has one order, whatever order the rules had", () => {
    const raised = [
      raise(text, '"B"'),
      raise(text, "pname", { identity: ["x"] }),
      raise(text, "}", { title: "b" }),
    ];
    const ordered = assemble(raised, [file(text, text)], options).findings;
    expect(ordered.map(({ startLine }) => startLine)).toEqual([2, 3, 4]);
    expect(assemble(raised.toReversed(), [file(text, text)], options).findings).toEqual(ordered);
  });

  it.each([
    ["off", []],
    ["low", ["low"]],
    [null, ["high"]],
  ] as const)("with the configured severity %s", (severity: Severity | "off" | null, expected) => {
    const { findings } = assemble([raise(text, "hash")], [file(text, text)], {
      ...options,
      severityOf: () => severity,
    });
    expect(findings.map((each) => each.severity)).toEqual(expected);
  });
});

describe("publishPins", () => {
  const sri = (value: string) => `sha256-${value.repeat(43)}=`;

  it.each([
    ["where a pin stands and what it names on each side", sri, [sri("A"), sri("E")]],
    ["a hash of the wrong length as it is", (value: string) => `sha256-${value}`, ["sha256-A", "sha256-E"]],
    ["no hash where a text is none", (value: string) => `sha256-$${value}`, [null, null]],
    ["no hash where a text is none of the kind that its attribute says", () => "0".repeat(40), [null, null]],
  ])("says %s", (_, hash, [before, after]) => {
    const [base, head] = ["{\n  src = A;\n}\n", "{\n\n  src = E;\n}\n"];
    const source = (text: string, value: string): Source => {
      const span = { path: PATH, start: text.indexOf(value), end: text.indexOf(value) + 1 };
      return {
        path: PATH,
        binding: "src",
        fetcher: "fetchurl",
        role: "source",
        version: "1",
        versionSpan: null,
        pname: "frob",
        name: null,
        urls: [{ value: `https://example.org/\${${value}}`, resolved: false }],
        rev: null,
        hash: hash(value),
        hashAttribute: "hash",
        hashSpan: span,
        span,
        urlSpan: null,
        shape: [],
        recipe: [],
        packageSpan: null,
      };
    };
    const change = { change: "changed", before: source(base, "A"), after: source(head, "E") } as const;
    const side = { path: PATH, version: "1", rev: null, resolved: false };
    expect(publishPins([change], createPositions([file(base, head)]), () => ["frob"])).toEqual([
      {
        path: PATH,
        binding: "src",
        fetcher: "fetchurl",
        attrs: ["frob"],
        change: "changed",
        before: { ...side, line: 2, urls: ["https://example.org/${A}"], hash: before },
        after: { ...side, line: 3, urls: ["https://example.org/${E}"], hash: after },
      },
    ]);
  });
});

describe("suppressions", () => {
  const IGNORE = "# verifod: ignore[hash-changed-alone] upstream re-tagged";
  const pin = (hash: string, comment = "") => `{\n  url = "u";\n  hash = "${hash}";${comment}\n}\n`;
  const outcome = (base: string | null, head: string, what = '"B"') => {
    const { findings, suppressed, addedSuppressions } = assemble(
      [raise(head, what)],
      [file(base, head)],
      options,
    );
    return { found: findings.length, suppressed: suppressed.length, added: addedSuppressions.length };
  };
  const obeyed = { found: 0, suppressed: 1, added: 0 };
  const reported = { found: 1, suppressed: 0, added: 1 };

  it("count on the finding's line when they stand in the base", () => {
    expect(outcome(pin("A", ` ${IGNORE}`), pin("B", ` ${IGNORE}`))).toEqual(obeyed);
  });

  it("count on the line above, wherever the code moved in its file", () => {
    const above = (hash: string) => pin(hash).replace("  hash", `  ${IGNORE}\n  hash`);
    expect(outcome(above("A"), above("B"))).toEqual(obeyed);
    expect(outcome(above("A"), `# new\n\n${above("B")}`)).toEqual(obeyed);
  });

  it("are listed with their reason", () => {
    const head = pin("B", ` ${IGNORE}`);
    const { suppressed } = assemble([raise(head, '"B"')], [file(pin("A", ` ${IGNORE}`), head)], options);
    expect(suppressed).toEqual([
      expect.objectContaining({
        rule: "hash-changed-alone",
        path: PATH,
        line: 3,
        reason: "upstream re-tagged",
      }),
    ]);
  });

  it("count for several rules in one comment", () => {
    const both = " # verifod: ignore[tests-disabled, hash-changed-alone] reason";
    expect(outcome(pin("A", both), pin("B", both))).toEqual(obeyed);
  });

  it.each([
    ["that the change adds", pin("A"), pin("B", ` ${IGNORE}`)],
    ["in a new file", null, pin("B", ` ${IGNORE}`)],
    ["whose rules the change widens", pin("A", " # verifod: ignore[x] r"), pin("B", ` ${IGNORE}`)],
    ["that the change moves from another line", `${pin("A")}${IGNORE}\n`, pin("B", ` ${IGNORE}`)],
    [
      "copied from another pin",
      `${pin("Z", ` ${IGNORE}`)}${pin("A")}`,
      `${pin("Z", ` ${IGNORE}`)}${pin("B", ` ${IGNORE}`)}`,
    ],
  ])("%s are reported, not obeyed", (_, base, head) => {
    expect(outcome(base, head)).toEqual(reported);
  });

  it("do not cover code that the change slips under them", () => {
    const base = `{\n  ${IGNORE}\n  hash = "A";\n}\n`;
    const head = `{\n  ${IGNORE}\n  evil = "B";\n  hash = "A";\n}\n`;
    expect(outcome(base, head)).toEqual({ found: 1, suppressed: 0, added: 0 });
  });

  it("do not cover other rules or other lines", () => {
    const other = " # verifod: ignore[tests-disabled] reason";
    expect(outcome(pin("A", other), pin("B", other))).toMatchObject({ found: 1, suppressed: 0 });
    const far = `${IGNORE}\n\n${pin("A")}`;
    expect(outcome(far, far.replace('"A"', '"B"'))).toMatchObject({ found: 1, suppressed: 0 });
  });
});
