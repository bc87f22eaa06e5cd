/** From a delivery to the finished check run, for pull requests of one file: `npm run bench` runs it. */
import { type FakeGitHub, startFakeGitHub } from "../test/fake-github/server.ts";
import { deliver, idle, pullEvent, registerApp, spawnApp, until } from "../test/support/app.ts";
import { makeRepository } from "../test/support/repository.ts";

const pulls = 60;
const path = "pkgs/by-name/fr/frob/package.nix";
const nix = (version: string) =>
  `{ fetchurl, stdenv }:\nstdenv.mkDerivation rec {\n  pname = "frob";\n  version = "${version}";\n  src = fetchurl {\n    url = "https://example.org/frob-\${version}.tar.gz";\n    hash = "sha256-${Buffer.from(version.padEnd(32)).toString("base64")}";\n  };\n}\n`;

const made = makeRepository({ [path]: nix("1.0") });
made.git("checkout", "--quiet", "--detach");
const fake: FakeGitHub = await startFakeGitHub({ repository: made });
registerApp(fake);
const app = await spawnApp(fake, { VERIFOD_THREADS: "2" });
try {
  await until(() => fake.requests.some(({ path: at }) => at.startsWith("/installation/repositories")));
  await idle(app);
  const heads = Array.from({ length: pulls }, (_, index) => {
    made.git("checkout", "--quiet", "--detach", "main");
    return made.commit({ [path]: nix(`1.${index + 1}`) }, "frob");
  });
  const times: number[] = [];
  for (const [index, head] of heads.entries()) {
    const pull = fake.openPull({ head, branch: `b${index}` });
    const started = performance.now();
    await deliver(app.url, pullEvent(fake, pull, "opened"));
    await until(() =>
      fake.checkRuns.some(({ head_sha, status }) => head_sha === head && status === "completed"),
    );
    times.push(performance.now() - started);
  }
  const [first = 0] = times;
  const sorted = times.slice(1).sort((a, b) => a - b);
  const at = (part: number) => Math.round(sorted[Math.floor(sorted.length * part)] ?? 0);
  const requests = fake.requests.filter(
    ({ path: to }) => !to.includes("/app") && !to.includes("/installation"),
  );
  const metrics = await (await fetch(`${app.url}/metrics`)).text();
  const [, memory = "0"] = /^verifod_process_resident_memory_bytes (\d+)$/m.exec(metrics) ?? [];
  console.table([
    {
      what: "webhook to finished check, one file",
      "first ms": Math.round(first),
      "p50 ms": at(0.5),
      "p95 ms": at(0.95),
      "requests each": ((requests.length - 1) / pulls).toFixed(1),
      "resident MB": Math.round(Number(memory) / 1e6),
    },
  ]);
} finally {
  app.child.kill("SIGTERM");
  await app.ended;
  await fake.close();
  made.remove();
}
