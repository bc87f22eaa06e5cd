import { expect, test } from "vitest";
import { compareLink } from "../../src/report/compare-link.ts";

function link(before: string, after = before, revs: readonly [string, string] = ["v1", "v2"]) {
  const [from, to] = [before, after].map((url, index) => ({
    path: "p.nix",
    line: 1,
    version: null,
    urls: [url],
    rev: `refs/tags/${revs[index]}`,
    hash: null,
    resolved: true,
  }));
  return compareLink({ before: from ?? null, after: to ?? null });
}

test.each([
  ["https://github.com/acme/frob.git", "https://github.com/acme/frob/compare/v1...v2"],
  ["https://codeberg.org/acme/frob.git", "https://codeberg.org/acme/frob/compare/v1...v2"],
  ["https://gitlab.com/team/acme/frob.git", "https://gitlab.com/team/acme/frob/-/compare/v1...v2"],
  [
    "https://gitlab.com/api/v4/projects/acme%2Ffrob%2Ejs/repository/archive.tar.gz?sha=refs%2Ftags%2Fv1",
    "https://gitlab.com/acme/frob.js/-/compare/v1...v2",
  ],
  [
    "https://salsa.debian.org/api/v4/projects/team%2Facme%2Ffrob/repository/archive.tar.gz?sha=v1",
    "https://salsa.debian.org/team/acme/frob/-/compare/v1...v2",
  ],
])("%s", (url, expected) => {
  expect(link(url)).toBe(expected);
});

test.each([
  ["a host that nobody knows", "https://gitlab.evil.example/acme/frob.git"],
  ["a query", "https://gitlab.com/acme/frob.git?x=1"],
  [
    "a path that leads elsewhere",
    "https://gitlab.com/api/v4/projects/acme%2F..%2Ffrob/repository/archive.tar.gz",
  ],
  [
    "a name with a bracket",
    "https://gitlab.com/api/v4/projects/acme%2Ff](x)/repository/archive.tar.gz?sha=v1",
  ],
  [
    "GitLab's way elsewhere",
    "https://github.com/api/v4/projects/acme%2F%2F/repository/archive.tar.gz?sha=v1",
  ],
])("%s has no link", (_, url) => {
  expect(link(url)).toBeNull();
});

test("two repositories are not compared, nor a revision with itself or with dots", () => {
  expect(link("https://gitlab.com/a/frob.git", "https://gitlab.com/b/frob.git")).toBeNull();
  expect(link("https://gitlab.com/a/frob.git", undefined, ["v1", "v1"])).toBeNull();
  expect(link("https://gitlab.com/a/frob.git", undefined, ["v1", "v2...v3"])).toBeNull();
});
