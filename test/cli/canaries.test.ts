// Needs: nix
import { expect, it } from "vitest";
import type { Review } from "../../src/report/review.ts";
import { verifod } from "../support/cli.ts";
import { makeRepository } from "../support/repository.ts";
import { contentOf, sri, startOrigin } from "../verify/support/origin.ts";
import { packageNix, packagePath, SET_FILES } from "../verify/support/packages.ts";

const fetchers = "pkgs/build-support/fetchers.nix";

it("tries a changed fetcher on a sample, and says by which seed it was chosen", async () => {
  const origin = await startOrigin();
  const packages = ["aa", "bb", "cc"].map((name) => {
    const pin = { url: `${origin.url}/ok/${name}`, hash: sri(contentOf(name)) };
    return [packagePath(name), packageNix(name, "1", "builtin", pin)];
  });
  const text = String(SET_FILES[fetchers]);
  const repository = makeRepository(
    { ...SET_FILES, ...Object.fromEntries(packages) },
    { [fetchers]: text.replace("inherit name url;", 'inherit name; url = url + "-other";') },
  );
  try {
    const env = { TMPDIR: repository.folder(), XDG_CACHE_HOME: repository.folder() };
    const verify = (...more: string[]) => {
      const args = ["--repo", repository.directory, "--allow-host", origin.host, "--no-record"];
      return verifod(["verify", ...args, "--format", "json", ...more], { env });
    };
    const { stdout, stderr, status } = await verify("--canaries", "2");
    const { verdicts, findings }: Review = JSON.parse(stdout);
    const [, seed = ""] =
      /^2 canaries for pkgs\/build-support\/fetchers\.nix: --seed (\w+)$/m.exec(stderr) ?? [];
    expect(verdicts).toMatchObject([
      { outcome: "mismatch", introduced: true, reason: expect.stringContaining(`seed ${seed})`) },
      { outcome: "mismatch", introduced: true },
    ]);
    expect(findings).toMatchObject([
      { rule: "fod-refetch-mismatch", severity: "block", path: fetchers },
      { rule: "fod-refetch-mismatch", severity: "block", path: fetchers },
    ]);
    expect(status).toBe(1);
    const again: Review = JSON.parse((await verify("--canaries", "2", "--seed", seed)).stdout);
    expect(again.verdicts.map(({ name }) => name)).toEqual(verdicts.map(({ name }) => name));
    const none = await verify("--canaries", "0");
    expect((JSON.parse(none.stdout) as Review).verdicts).toEqual([]);
    expect(none.stderr).not.toContain("canaries");
  } finally {
    repository.remove();
    await origin.close();
  }
});
