/**
 * The review as SARIF 2.1.0, as code scanning takes it.
 * https://docs.github.com/en/code-security/reference/code-scanning/sarif-files/sarif-support
 */
import type { Log, PhysicalLocation, ReportingDescriptor, Result } from "sarif";
import type { Rule } from "../rules/rule.ts";
import { helpAddress } from "./help.ts";
import type { Finding, Review, Severity } from "./review.ts";
import { visible, visibleJson, visibleLines } from "./visible.ts";

const SCHEMA_ADDRESS =
  "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";
/** GitHub takes no file with more, and shows the 5,000 most severe. */
const MOST_RESULTS = 25_000;

const LEVEL: Record<Severity, "error" | "warning" | "note"> = {
  block: "error",
  high: "error",
  medium: "warning",
  low: "note",
};
/** Above 9.0 GitHub says critical, above 7.0 high, above 4.0 medium. */
const SECURITY_SEVERITY: Record<Severity, string> = { block: "9.5", high: "8.0", medium: "5.5", low: "2.0" };

/** One run with a result for each finding, the rules that have one, and what was not checked as notifications. */
export function formatSarif(review: Review, rules: readonly Rule[]): string {
  const known = new Map(rules.map((rule) => [rule.id, rule]));
  const used = [...new Set(review.findings.map(({ rule }) => rule))].sort();
  const log: Log = {
    $schema: SCHEMA_ADDRESS,
    version: "2.1.0",
    runs: [
      {
        tool: {
          driver: {
            name: review.tool.name,
            semanticVersion: review.tool.version,
            informationUri: helpAddress(null),
            rules: used.map((id) => descriptor(id, known.get(id))),
          },
        },
        // Code scanning closes alerts that a run of the same category does not repeat.
        automationDetails: { id: "verifod/" },
        columnKind: "utf16CodeUnits",
        originalUriBaseIds: { SRCROOT: { description: { text: "The root of the repository" } } },
        versionControlProvenance: [],
        invocations: [
          {
            executionSuccessful: true,
            toolExecutionNotifications: review.unchecked.map(({ what, reason }) => ({
              level: "warning",
              message: { text: `Not checked: ${visible(what, 300)}: ${visible(reason, 500)}` },
            })),
          },
        ],
        results: review.findings.slice(0, MOST_RESULTS).map((finding) => result(finding, used)),
        properties: { base: review.base, head: review.head, complete: review.complete },
      },
    ],
  };
  return `${visibleJson(JSON.stringify(log, null, 2))}\n`;
}

function descriptor(id: string, rule: Rule | undefined): ReportingDescriptor {
  return {
    id,
    name: id,
    shortDescription: { text: rule?.description ?? id },
    helpUri: helpAddress(id),
    help: { text: `See ${helpAddress(id)}`, markdown: `[${id}](${helpAddress(id)})` },
    ...(rule && { defaultConfiguration: { level: LEVEL[rule.severity] } }),
    properties: {
      tags: ["security", "supply-chain"],
      ...(rule && { "security-severity": SECURITY_SEVERITY[rule.severity] }),
    },
  };
}

function location(path: string, region: PhysicalLocation["region"]): PhysicalLocation {
  return {
    artifactLocation: { uri: path.split("/").map(encodePart).join("/"), uriBaseId: "SRCROOT" },
    ...(region && { region }),
  };
}

/** A part of a path as a part of a URI; what is no Unicode (a lone surrogate) becomes U+FFFD. */
function encodePart(part: string): string {
  return encodeURIComponent(part.replace(/\p{Cs}/gu, "\u{fffd}"));
}

function result(finding: Finding, rules: readonly string[]): Result {
  const { startLine, endLine, startColumn, endColumn, side } = finding;
  const change = [finding.before, finding.after].map((side) =>
    side === null ? "(none)" : visible(side, 200),
  );
  const text = [
    visible(finding.title, 200),
    ...(finding.before === null && finding.after === null ? [] : [change.join(" → ")]),
    ...visibleLines(finding.message, 20),
  ].join("\n");
  // `[text](target)` is a link in a SARIF message.
  const message = { text: text.replace(/[[\]\\]/g, "\\$&") };
  return {
    ruleId: finding.rule,
    ruleIndex: rules.indexOf(finding.rule),
    level: LEVEL[finding.severity],
    message,
    locations: [
      {
        // Code scanning shows the head: a finding on the base stands on the file.
        physicalLocation: location(
          finding.path,
          side === "head" ? { startLine, endLine, startColumn, endColumn } : { startLine: 1 },
        ),
      },
    ],
    relatedLocations: finding.related.slice(0, 10).map(({ path, line, note }, id) => ({
      id,
      physicalLocation: location(path, { startLine: line }),
      message: { text: visible(note, 500) },
    })),
    partialFingerprints: { "verifod/v1": finding.fingerprint },
    properties: { severity: finding.severity, confidence: finding.confidence },
  };
}
