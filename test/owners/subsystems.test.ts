import { expect, test } from "vitest";
import type { Subsystem } from "../../src/config.ts";
import { parseOwners } from "../../src/owners/codeowners.ts";
import { acknowledgementsFor, concernsOf, subsystemsOf, teamsFor } from "../../src/owners/subsystems.ts";
import { SEVERITIES } from "../../src/report/review.ts";
import { finding } from "../support/reviews.ts";

const subsystem = (values: Partial<Subsystem>): Subsystem => ({
  name: "boot",
  paths: ["nixos/modules/system/boot/**"],
  alert: [],
  from: "high",
  acknowledgements: 1,
  ...values,
});
const boot = subsystem({ alert: ["@NixOS/boot", "@ada"], from: "medium", acknowledgements: 2 });
const all = subsystem({
  name: "modules",
  paths: ["/nixos/"],
  alert: ["@NixOS/modules"],
  acknowledgements: 3,
});
const owned = subsystem({ name: "owned", paths: ["pkgs/**"], from: "low" });
const find = subsystemsOf({ subsystems: [boot, all, owned] });
const inBoot = finding({ path: "nixos/modules/system/boot/stage-1.nix" });

test("a path is in each subsystem whose patterns match it", () => {
  expect(find(inBoot.path).map(({ name }) => name)).toEqual(["boot", "modules"]);
  expect(find("lib/a.nix")).toEqual([]);
  expect(find("x/nixos/a.nix")).toEqual([]);
});

test("the most acknowledgements that a subsystem asks for are needed, and one elsewhere", () => {
  expect(acknowledgementsFor(find, inBoot)).toBe(3);
  expect(acknowledgementsFor(find, finding({ path: "lib/a.nix" }))).toBe(1);
});

test("teams may acknowledge, people who are named alone may not", () => {
  expect(teamsFor(find, inBoot)).toEqual(["@NixOS/boot", "@NixOS/modules"]);
  expect(teamsFor(find, finding({ path: "pkgs/a.nix" }))).toEqual([]);
});

test("each subsystem hears from the severity on that it chose", () => {
  const heard = SEVERITIES.map((severity) =>
    concernsOf([{ ...inBoot, severity }], find, null).map(({ whom }) => whom),
  );
  expect(heard).toEqual([
    ["@NixOS/boot", "@ada", "@NixOS/modules"],
    ["@NixOS/boot", "@ada", "@NixOS/modules"],
    ["@NixOS/boot", "@ada"],
    [],
  ]);
});

test("a subsystem that names nobody has the owners told; nobody hears of what is in none", () => {
  const owners = parseOwners("CODEOWNERS", "* @NixOS/all\n/pkgs/a @NixOS/a\n/pkgs/a/free\n");
  const whom = (path: string) =>
    concernsOf([finding({ path })], find, owners).map((each) => [each.subsystem, each.whom]);
  expect(whom("pkgs/a/x.nix")).toEqual([["owned", "@NixOS/a"]]);
  expect(whom("pkgs/a/free/x.nix")).toEqual([]);
  expect(whom("pkgs/b.nix")).toEqual([["owned", "@NixOS/all"]]);
  expect(whom("lib/a.nix")).toEqual([]);
  expect(concernsOf([finding({ path: "pkgs/b.nix" })], find, null)).toEqual([]);
});
