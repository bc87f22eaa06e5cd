import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { download } from "../../src/asset/download.ts";
import { askRelease, RELEASE_DEFAULTS } from "../../src/asset/release.ts";
import { readTag, TAG_LIMITS, type TagLimits } from "../../src/asset/tag.ts";
import { type GitServer, startGitServer } from "../support/git-server.ts";
import { MADE, makeRelease, type TestRelease, WRITTEN } from "../support/releases.ts";

let release: TestRelease;
let server: GitServer;
let url: string;
const folder = mkdtempSync(join(tmpdir(), "verifod-fetch-"));
const content = Buffer.alloc(100_000, "x");

beforeAll(async () => {
  release = makeRelease();
  release.repository.commit({ later: "later\n" });
  const files = {
    "/asset.tar.gz": readFileSync(release.archive(MADE)),
    "/big": content,
    "/moved": { redirect: "/big" },
    "/loop": { redirect: "/loop" },
    "/inside": { redirect: "http://169.254.169.254/latest/meta-data/" },
    "/file": { redirect: "file:///etc/passwd" },
  };
  server = await startGitServer(dirname(release.repository.directory), files);
  url = `http://${server.host}/repository/.git`;
});
afterAll(async () => {
  await server.close();
  release.remove();
  rmSync(folder, { recursive: true, force: true });
});

describe("a tag of a repository elsewhere", () => {
  const read = (tag: string, limits: Partial<TagLimits> = {}, hosts = [server.host]) =>
    readTag(url, tag, { limits: { ...TAG_LIMITS, ...limits }, allowedHosts: hosts });

  test("is fetched alone, without other tags or history", async () => {
    const tag = await read("v1.0");
    expect(tag.commit).toBe(release.repository.git("rev-parse", "v1.0^{commit}"));
    expect([...tag.files.keys()].sort()).toEqual(Object.keys(WRITTEN).sort());
    expect(tag.files.get("README")?.bytes?.toString()).toBe("Frob.\n");
  });

  test("can be a commit by its full id", async () => {
    const head = release.repository.git("rev-parse", "HEAD");
    const tag = await read(head);
    expect(tag.commit).toBe(head);
    expect(tag.files.has("later")).toBe(true);
  });

  test("that there is not, or whose repository is too large, cannot be had", async () => {
    await expect(read("v2.0")).rejects.toMatchObject({
      fault: "outside",
      message: /couldn't find remote ref/,
    });
    await expect(read("v1.0", { fetched: 200 })).rejects.toMatchObject({ message: /more than 200 bytes/ });
    await expect(read("v1.0", { bytes: 50 })).rejects.toMatchObject({ message: /more than 50 bytes/ });
    await expect(read("v1.0", { files: 3 })).rejects.toMatchObject({ message: /more than 3 files/ });
    const { oddities } = await read("v1.0", { file: 20 });
    expect(oddities.map(({ what }) => what)).toContain("configure.ac");
  });

  test("is not fetched from this machine, nor by another protocol", async () => {
    await expect(read("v1.0", {}, [])).rejects.toMatchObject({ fault: "usage", message: /loopback/ });
    const others = [
      "file:///etc",
      "ssh://example.org/x",
      "ext::sh -c evil",
      "git://example.org/x",
      "git@example.org:x",
    ];
    for (const other of others) {
      const reading = readTag(other, "v1.0", { limits: TAG_LIMITS, allowedHosts: [] });
      await expect(reading, other).rejects.toMatchObject({ fault: "usage" });
    }
  });

  test("is not fetched in the clear from elsewhere", async () => {
    for (const allowedHosts of [[], ["example.org.example.net"]]) {
      const reading = readTag("http://example.org/x", "v1.0", { limits: TAG_LIMITS, allowedHosts });
      await expect(reading).rejects.toMatchObject({ fault: "usage", message: /use https/ });
    }
  });

  test("cannot lead to this machine by a redirect", async () => {
    const hops = createServer((_, response) => {
      response.writeHead(302, { location: "http://169.254.169.254/info/refs" }).end();
    });
    await new Promise<void>((ready) => hops.listen(0, "127.0.0.1", ready));
    const host = `127.0.0.1:${(hops.address() as AddressInfo).port}`;
    const reading = readTag(`http://${host}/x`, "v1.0", { limits: TAG_LIMITS, allowedHosts: [host] });
    await expect(reading).rejects.toMatchObject({ fault: "outside", message: /metadata address/ });
    hops.closeAllConnections();
    hops.close();
  });

  test("leaves nothing behind", async () => {
    const place = mkdtempSync(join(folder, "tmp-"));
    const before = process.env.TMPDIR;
    process.env.TMPDIR = place;
    try {
      await read("v1.0");
      await read("v2.0").catch(() => {});
    } finally {
      if (before === undefined) delete process.env.TMPDIR;
      else process.env.TMPDIR = before;
    }
    expect(readdirSync(place)).toEqual([]);
  });
});

describe("a download", () => {
  const get = (path: string, bytes = 1_000_000, seconds = 20) =>
    download(`http://${server.host}${path}`, join(folder, "file"), {
      allowedHosts: [server.host],
      bytes,
      seconds,
    });

  test("follows redirects, and says where it ended", async () => {
    expect(await get("/moved")).toBe(`http://${server.host}/big`);
    expect(readFileSync(join(folder, "file")).equals(content)).toBe(true);
  });

  test.each([
    ["/big", 99_999, /more than 99999 bytes/],
    ["/nothing", 1, /HTTP 404/],
    ["/loop", 1, /more than 20 redirects/],
    ["/inside", 1, /169\.254\.169\.254 is a link-local or metadata address/],
    ["/file", 1, /file URLs are not fetched/],
  ])("of %s fails", async (path, bytes, reason) => {
    await expect(get(path, bytes)).rejects.toThrow(reason);
  });

  test("ends in time when the server does not answer", async () => {
    const silent = createServer(() => {});
    await new Promise<void>((ready) => silent.listen(0, "127.0.0.1", ready));
    const host = `127.0.0.1:${(silent.address() as AddressInfo).port}`;
    const options = { allowedHosts: [host], bytes: 10, seconds: 0.2 };
    await expect(download(`http://${host}/`, join(folder, "file"), options)).rejects.toThrow(
      "more than 0.2 s",
    );
    silent.closeAllConnections();
    silent.close();
  });
});

test("a release and its repository, both elsewhere", async () => {
  const asked = { asset: `http://${server.host}/asset.tar.gz`, repository: url, tag: "v1.0" };
  const result = await askRelease(asked, { ...RELEASE_DEFAULTS, allowedHosts: [server.host] });
  expect(result).toMatchObject({ kind: "compared", comparison: { entries: [], unchecked: [] } });
  expect(server.requests).toContain("GET /asset.tar.gz");
});
