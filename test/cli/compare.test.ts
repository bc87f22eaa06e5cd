import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { verifod } from "../support/cli.ts";
import { MADE, makeRelease, PLANTED, type TestRelease } from "../support/releases.ts";

let release: TestRelease;
let repository: string;
beforeAll(() => {
  release = makeRelease();
  repository = release.repository.directory;
});
afterAll(() => release.remove());

test("an honest release ends with 0, and says what it was made of", async () => {
  const { status, stdout, stderr } = await verifod(["compare", release.archive(MADE), repository, "v1.0"]);
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  expect(stdout).toContain(
    "1 file as autoconf makes it from what the tag holds (recognised, not made again)",
  );
  expect(stdout).toMatch(/^nothing suspicious: /m);
});

test("the shape of xz 5.6.0 ends with 1, the macro first", async () => {
  const archive = release.archive({ ...MADE, ...PLANTED });
  const { status, stdout } = await verifod(["compare", archive, repository, "v1.0"]);
  expect(status).toBe(1);
  expect(stdout.indexOf("m4/build-to-host.m4")).toBeLessThan(stdout.indexOf("bad-3-corrupt_lzma2.xz"));
  expect(stdout).toContain("    | +  gl_am_configmake=`grep -aErls");
  const file = join(release.repository.folder(), "report.html");
  const html = await verifod(["compare", archive, repository, "v1.0", "--format", "html", "--output", file]);
  expect(html).toEqual({ status: 1, stdout: "", stderr: "" });
  expect(readFileSync(file, "utf8")).toMatch(/^<!doctype html>[\s\S]*build-to-host\.m4[\s\S]*<\/html>\n$/);
});

test("what cannot be compared ends with 3, wrong usage with 2", async () => {
  const nothing = await verifod(["compare", `${repository}/README`, repository, "v1.0"]);
  expect(nothing.status).toBe(3);
  expect(nothing.stdout).toContain("could not compare: it is neither a tar (packed or not) nor a zip file");
  const odd = release.archive(MADE, [{ path: "frob-1.0/x", type: "1", link: "README" }]);
  expect((await verifod(["compare", odd, repository, "v1.0"])).status).toBe(3);
  const asset = release.archive(MADE);
  const runs = [
    [asset, repository, "v9"],
    [asset, repository, "--", "-x"],
    [join(repository, "nothing.tar.gz"), repository, "v1.0"],
    ["http://127.0.0.1:1/a.tar.gz", repository, "v1.0"],
    [asset, "ssh://git@example.org/x", "v1.0"],
    [asset, "https://example.org/x", "v1.0", "--offline"],
  ];
  for (const args of runs) {
    const { status, stderr } = await verifod(["compare", ...args]);
    expect({ args, status, bug: stderr.includes("bug in verifod") }).toEqual({ args, status: 2, bug: false });
  }
});
