import { expect, test } from "vitest";
import {
  listens,
  meeting,
  merged,
  type PullJob,
  placeOf,
  type Reason,
  subjectOf,
  UNKNOWN_HEAD,
} from "../../src/app/jobs.ts";

const a = "a".repeat(40);
const b = "b".repeat(40);
const job = (values: Partial<PullJob> = {}): PullJob => ({
  kind: "pull",
  installation: 1,
  owner: "NixOS",
  repo: "nixpkgs",
  number: 7,
  head: a,
  reason: "push",
  ...values,
});
const press = (login: string, head = a) => ({ by: { id: 1, login }, finding: "01234567", head });
const reasons: readonly Reason[] = ["sweep", "push", "edit", "comment", "recheck"];

test("a job looks for what people have asked when somebody asked, or when nobody told of anything", () => {
  expect(reasons.filter((reason) => listens(job({ reason })))).toEqual(["sweep", "comment", "recheck"]);
});

test("buttons that were pressed are kept in their order, whatever comes after them, and no more than twenty", () => {
  const first = job({ reason: "comment", presses: [press("ada")] });
  const second = merged(job({ reason: "comment", presses: [press("bob")] }), first);
  expect(second).toMatchObject({ presses: [press("ada"), press("bob")] });
  const pushed = merged(job({ head: b }), second);
  expect(pushed).toEqual(job({ head: b, reason: "comment", presses: [press("ada"), press("bob")] }));
  let many = job({ reason: "comment", presses: [press("0")] });
  for (let count = 1; count < 30; count += 1) {
    many = merged(job({ reason: "comment", presses: [press(String(count))] }), many) as PullJob;
  }
  expect(many.presses?.map(({ by }) => by.login)).toEqual(Array.from({ length: 20 }, (_, n) => String(n)));
  expect(merged(job(), job())).not.toHaveProperty("presses");
});

test("what presses a button meets what waits or runs for the same head, and is never dropped", () => {
  const pressed = job({ reason: "comment", presses: [press("ada")] });
  for (const reason of reasons) {
    const other = job({ reason });
    expect([meeting(pressed, other, false), meeting(pressed, other, true)]).toEqual(["replace", "replace"]);
  }
});

test("an event without a head stops nothing, and takes over the head that waits", () => {
  const asked = job({ head: UNKNOWN_HEAD, reason: "comment" });
  expect([meeting(asked, job(), true), meeting(job({ head: b }), asked, true)]).toEqual([
    "replace",
    "replace",
  ]);
  expect(merged(asked, job())).toEqual(job({ reason: "comment" }));
});

test("two of the same are known by the installation, the repository in any case, and the number", () => {
  expect(subjectOf(job({ owner: "nixos" }))).toBe(subjectOf(job()));
  const others = [job({ number: 8 }), job({ repo: "nix" }), job({ installation: 2 })].map(subjectOf);
  expect(new Set([subjectOf(job()), ...others]).size).toBe(4);
  expect(subjectOf(job()).startsWith(placeOf(job()))).toBe(true);
});
