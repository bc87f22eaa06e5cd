import { expect, test } from "vitest";
import { logReader } from "../../src/verify/log.ts";

const DRV = "/nix/store/cmpq0wqgn97iw1rm8n0hf1l4aaarsnmk-a.txt.drv";
const FAKE = "sha256-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
const GOT = "sha256-WJG1tSLV3whtD/CxEPvZ0hu0/HFjrzTQgoai6Eb2vgM=";

function read(...lines: readonly (string | object)[]) {
  const reader = logReader(DRV, FAKE);
  for (const line of lines) reader.line(typeof line === "string" ? line : `@nix ${JSON.stringify(line)}`);
  return reader.result();
}

const bold = (text: string) => `\u001b[35;1m${text}\u001b[0m`;
// As Nix 2.8.0 and 2.26.3 wrote it.
const raw = (drv = DRV, specified = FAKE, got = GOT) =>
  `hash mismatch in fixed-output derivation '${bold(drv)}':\n  specified: ${bold(specified)}\n     got:    ${bold(got)}`;
const record = (raw_msg: string) => ({
  action: "msg",
  column: null,
  file: null,
  level: 0,
  line: null,
  msg: raw_msg,
  raw_msg,
});

test("believes Nix's own record about our derivation and our hash", () => {
  expect(read(record(raw()))).toMatchObject({ mismatch: { got: GOT }, forged: 0 });
});

test.each([
  ["another derivation", record(raw("/nix/store/cmpq0wqgn97iw1rm8n0hf1l4aaarsnmk-b.drv"))],
  ["another hash than ours", record(raw(DRV, GOT))],
  ["a failure that quotes a builder's words", record(`builder for '${DRV}' failed:\n> ${raw()}`)],
  ["words behind the report", record(`${raw()}\nand more`)],
  ["no hash", record(raw(DRV, FAKE, "nonsense"))],
])("does not believe a record with %s", (_, line) => {
  expect(read(line).mismatch).toBeNull();
});

test.each([
  ["a message without Nix's mark", { action: "msg", level: 0, msg: raw() }],
  ["a line of the build log", { action: "result", type: 101, id: 1, fields: [raw()] }],
  ["a plain line", raw().split("\n")[0] ?? ""],
])("counts %s as forged", (_, line) => {
  expect(read(line)).toMatchObject({ mismatch: null, forged: 1 });
});

test("a forged report does not hide the genuine one, before or behind it", () => {
  const forged = { action: "msg", level: 0, msg: raw(DRV, FAKE, FAKE) };
  expect(read(forged, record(raw()), forged)).toMatchObject({ mismatch: { got: GOT }, forged: 2 });
});

test.each([
  ["2.8", "unable to download 'http://h/x': HTTP error 404 ('Not Found')", { statuses: [404] }],
  ["2.26", "unable to download 'http://h/x': HTTP error 503", { statuses: [503] }],
  ["curl", "curl: (22) The requested URL returned error: 410", { statuses: [410], curlCodes: [22] }],
  ["2.8", "unable to download 'http://h/x': Timeout was reached (28)", { curlCodes: [28] }],
  [
    "2.8",
    "unable to download 'http://h/x': HTTP error 200 ('OK') (curl error: Transferred a partial file)",
    { curlCodes: [18] },
  ],
  [
    "2.8",
    "unable to download 'http://h/x': HTTP error 200 ('OK') (curl error: Timeout was reached)",
    { curlCodes: [28] },
  ],
  [
    "2.26",
    "unable to download 'https://h/x': Failure when receiving data from the peer (56) CONNECT tunnel failed",
    { curlCodes: [56] },
  ],
  ["curl", "curl: (6) Could not resolve host: h", { curlCodes: [6] }],
])("reads codes as %s prints them: %s", (_, msg, expected) => {
  expect(read({ action: "msg", level: 0, msg })).toMatchObject(expected);
});

test.each([
  ["1 dependencies of derivation '/nix/store/x.drv' failed to build", true, false],
  ["Cannot build '/nix/store/x.drv'.\nReason: 1 dependency failed.", true, false],
  ["building of '/nix/store/x.drv' timed out after 8 seconds", false, true],
  ["building of '/nix/store/x.drv' timed out after 2 seconds of silence", false, true],
])("tells what failed: %s", (text, dependencyFailed, timedOut) => {
  expect(read(record(text))).toMatchObject({ dependencyFailed, timedOut });
  expect(read({ action: "msg", level: 0, msg: text })).toMatchObject({
    dependencyFailed: false,
    timedOut: false,
  });
});

test("floods cost nothing", () => {
  const reader = logReader(DRV, FAKE);
  const started = performance.now();
  for (let n = 0; n < 20_000; n++) reader.line(`line ${n} HTTP error 404 ${"x".repeat(200)}`);
  for (const line of ["(".repeat(60_000), `@nix {${"[".repeat(60_000)}`, ": a (1".repeat(10_000)])
    reader.line(line);
  const { tail, statuses } = reader.result();
  expect(tail.length).toBeLessThanOrEqual(12);
  expect(statuses.length).toBeLessThanOrEqual(100);
  expect(performance.now() - started).toBeLessThan(10_000);
});
