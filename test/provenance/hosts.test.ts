/** Hosts that are no forge and no registry: what they answer, and `verifod review --ask` of pins that come from them. */
import { Resolver } from "node:dns/promises";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, test } from "vitest";
import { createBudget } from "../../src/provenance/budget.ts";
import { openHosts } from "../../src/provenance/hosts.ts";
import { createMemory } from "../../src/provenance/memory.ts";
import type { Review } from "../../src/report/review.ts";
import { verifod } from "../support/cli.ts";
import { type NameSaid, type NameServer, startNameServer } from "../support/dns.ts";
import { sriOf } from "../support/registries.ts";
import { makeRepository, type TestRepository } from "../support/repository.ts";

let answer: (request: IncomingMessage, response: ServerResponse) => void;
const requests: string[] = [];
const server = createServer((request, response) => {
  requests.push(`${request.method} ${request.url}`);
  answer(request, response);
});
let base: string;

beforeEach(async () => {
  requests.length = 0;
  await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
});
afterEach(async () => {
  server.closeAllConnections();
  await new Promise((closed) => server.close(closed));
});

const url = "https://dl.frob.org/frob-1.0.tar.gz";
const says = (status: number, headers: Record<string, string> = {}) => {
  answer = (_, response) => response.writeHead(status, headers).end("<html>");
};
const openHere = (more: Partial<Parameters<typeof openHosts>[0]> = {}) =>
  openHosts({ budget: createBudget(9, 20), base, ...more });

describe("what a host answers", () => {
  it("is its status, where it sends to and what it serves, by one request", async () => {
    says(302, { location: "/elsewhere", "content-type": "text/html" });
    const hosts = openHere();
    expect(await hosts.ask(`${url}?a=1`)).toEqual({
      known: true,
      value: {
        kind: "answers",
        status: 302,
        location: "https://dl.frob.org/elsewhere",
        contentType: "text/html",
      },
    });
    expect(requests).toEqual(["GET /dl.frob.org/frob-1.0.tar.gz?a=1"]);
    expect(hosts.used()).toBe(1);
  });

  it("is not read beyond its headers, however much comes", async () => {
    let closed: Promise<void> | undefined;
    answer = (_, response) => {
      closed = new Promise((done) => response.on("close", done));
      response.writeHead(200, { "content-type": "application/gzip", "content-length": "1000000000000" });
      response.write("a");
    };
    // Longer than this test may take: it is not the time that ends the connection.
    const hosts = openHere({ budget: createBudget(9, 600), patience: 600_000 });
    expect(await hosts.ask(url)).toMatchObject({ value: { status: 200, contentType: "application/gzip" } });
    await closed;
  });

  it("is asked for once, though several pins have the address, and not again within minutes", async () => {
    says(200);
    const learnt = { memory: createMemory(), now: "2026-03-01T12:00:00Z" };
    const hosts = openHere({ learnt });
    const [one, two] = await Promise.all([hosts.ask(url), hosts.ask(url)]);
    expect(one).toEqual(two);
    expect(await openHere({ learnt: { ...learnt, now: "2026-03-01T12:09:00Z" } }).ask(url)).toEqual(one);
    expect(requests).toHaveLength(1);
    await openHere({ learnt: { ...learnt, now: "2026-03-01T12:11:00Z" } }).ask(url);
    expect(requests).toHaveLength(2);
  });
});

describe("a host with several files", () => {
  const files = ["1", "2", "3"].map((version) => `https://dl.frob.org/frob-${version}.tar.gz`);

  it("is asked for one after the other", async () => {
    let open = 0;
    let most = 0;
    answer = (_, response) => {
      most = Math.max(most, ++open);
      setTimeout(() => {
        open -= 1;
        response.end();
      }, 20);
    };
    const hosts = openHere();
    await Promise.all(files.map((file) => hosts.ask(file)));
    expect({ requests: requests.length, most }).toEqual({ requests: 3, most: 1 });
  });

  it("is not asked again once it did not answer; others are", async () => {
    answer = ({ url }, response) => (url?.startsWith("/dl.frob.org/") ? response.destroy() : response.end());
    const hosts = openHere();
    const [one, ...others] = await Promise.all(files.map((file) => hosts.ask(file)));
    expect(one).toMatchObject({ known: false });
    expect(others).toEqual([one, one]);
    expect(await hosts.ask("https://brook.org/brook.tar.gz")).toMatchObject({ known: true });
    expect(requests).toHaveLength(2);
  });
});

describe("there is no answer, and the reason is said", () => {
  it("when nothing comes", async () => {
    answer = () => {};
    expect(await openHere({ patience: 100 }).ask(url)).toEqual({
      known: false,
      reason: "dl.frob.org did not answer in time",
    });
  });

  it("when the connection ends, and it is not kept", async () => {
    answer = (_, response) => response.destroy();
    const learnt = { memory: createMemory(), now: "2026-03-01T12:00:00Z" };
    for (const count of [1, 2]) {
      expect(await openHere({ learnt }).ask(url)).toMatchObject({ known: false });
      expect(requests).toHaveLength(count);
    }
  });

  it("when the budget is used", async () => {
    says(200);
    const hosts = openHere({ budget: createBudget(1, 20) });
    await hosts.ask(url);
    expect(await hosts.ask("https://brook.org/brook.tar.gz")).toMatchObject({
      known: false,
      reason: expect.stringMatching(/^not asked: the 1 requests/),
    });
    expect(requests).toHaveLength(1);
  });

  it.each([
    ["http://127.0.0.1/frob.tar.gz", /loopback/],
    ["https://metadata.internal/frob.tar.gz", /not a public host name/],
    ["https://exa mple.org/frob.tar.gz", /none that can be asked/],
  ])("when it is a place that is never asked: %s", async (address, reason) => {
    const said = await openHere({ base: undefined }).ask(address);
    expect(said).toMatchObject({ known: false, reason: expect.stringMatching(reason) });
  });
});

describe("a name that does not resolve", () => {
  let dns: NameServer;
  beforeEach(async () => {
    dns = await startNameServer();
  });
  afterEach(() => dns.close());

  test.each<[NameSaid, NameSaid, object]>([
    ["none", "none", { known: true, value: { kind: "unresolvable", registered: false } }],
    ["empty", "none", { known: true, value: { kind: "unresolvable", registered: true } }],
    ["empty", "empty", { known: false }],
    ["failure", "none", { known: false }],
    ["none", "failure", { known: false }],
  ])("where DNS says of the domain: %s, and of the host: %s", async (domain, host, said) => {
    dns.names.set("frob.org", domain);
    dns.names.set("dl.frob.org", host);
    const resolver = new Resolver({ timeout: 2_000, tries: 1 });
    resolver.setServers([dns.address]);
    // No such name can be asked for: it does not resolve, with and without a network.
    expect(await openHere({ base: "http://no..name/", resolver }).ask(url)).toMatchObject(said);
  });
});

describe("verifod review --ask", () => {
  const path = "pkgs/by-name/fr/frob/package.nix";
  const recipe = (version: string, from = "https://dl.frob.org") => `{ stdenv, fetchurl }:
stdenv.mkDerivation {
  pname = "frob";
  version = "${version}";
  src = fetchurl {
    url = "${from}/frob-${version}.tar.gz";
    hash = "${sriOf(version)}";
  };
}
`;
  let packages: TestRepository;
  let cache: string;

  beforeEach(() => {
    packages = makeRepository({ [path]: recipe("1.0") });
    cache = mkdtempSync(join(tmpdir(), "verifod-cache-"));
  });
  afterEach(() => {
    packages.remove();
    rmSync(cache, { recursive: true });
  });

  const run = (...args: string[]) =>
    verifod(["review", ...args], {
      cwd: packages.directory,
      env: {
        GITHUB_TOKEN: "x",
        // Nothing in these changes is to be asked there.
        VERIFOD_GITHUB_API: "http://127.0.0.1:9",
        VERIFOD_HOSTS: base,
        XDG_CACHE_HOME: cache,
      },
    });
  async function reviewed() {
    const { stdout, stderr, status } = await run("--ask", "--format", "json");
    if (stdout === "") throw new Error(stderr);
    const review: Review = JSON.parse(stdout);
    return { review, status, found: review.findings.map(({ rule, severity }) => `${rule} ${severity}`) };
  }

  it("finds a page in place of the file, by one request of the head's address; a second look takes none", async () => {
    says(200, { "content-type": "text/html" });
    packages.commit({ [path]: recipe("2.0") });
    const first = await reviewed();
    expect(first).toMatchObject({
      found: ["hijackable-source-host low"],
      review: { provenance: { requests: 1, unanswered: [] } },
    });
    expect(requests).toEqual(["GET /dl.frob.org/frob-2.0.tar.gz"]);
    const second = await reviewed();
    expect(second).toMatchObject({ found: first.found, review: { provenance: { requests: 0 } } });
    expect(requests).toHaveLength(1);
  });

  it("says that nothing is there", async () => {
    says(404);
    packages.commit({ [path]: recipe("2.0") });
    const { found, review } = await reviewed();
    expect(found).toEqual(["hijackable-source-host low"]);
    expect(review.sources[0]?.upstream?.missing).toEqual(["the file at its address"]);
  });

  it("says nothing of a host that has the file, and asks none of forges, registries and mirrors", async () => {
    says(200, { "content-type": "application/gzip" });
    packages.commit({ [path]: recipe("2.0") });
    const { found, review } = await reviewed();
    expect({ found, upstream: review.sources[0]?.upstream ?? null }).toEqual({ found: [], upstream: null });
    expect(requests).toHaveLength(1);
    packages.commit({ [path]: recipe("3.0", "mirror://gnu/frob") });
    await reviewed();
    packages.commit({ [path]: recipe("4.0", "https://ftp.gnu.org/gnu/frob") });
    await reviewed();
    expect(requests).toHaveLength(1);
  });

  it("is no finding where the host does not answer, and says so", async () => {
    answer = (_, response) => response.destroy();
    packages.commit({ [path]: recipe("2.0") });
    const { found, review } = await reviewed();
    expect(found).toEqual([]);
    expect(review.provenance?.unanswered).toEqual([
      { what: path, reason: expect.stringMatching(/^the host: dl\.frob\.org could not be asked/) },
    ]);
  });

  it("asks nobody offline, or without --ask", async () => {
    packages.commit({ [path]: recipe("2.0") });
    expect((await run()).status).toBe(0);
    expect((await run("--offline")).status).toBe(0);
    expect(requests).toEqual([]);
  });
});
