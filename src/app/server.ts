/** The App, put together: events in, jobs through the queue, results on GitHub. */
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { Logger } from "pino";
import { createNodeMiddleware, Probot } from "probot";
import { statusOf } from "../change/github-api.ts";
import { VerifodError } from "../errors.ts";
import { createDocuments, type Documents } from "../nix/documents.ts";
import { createMemory, openUpstreamMemory, upstreamFile } from "../provenance/memory.ts";
import { openUpstream } from "../provenance/open.ts";
import { openReviewThreads } from "../threads/review-threads.ts";
import { handleEvents } from "./events.ts";
import { createHttpServer, type Middleware, type ServerParts } from "./http.ts";
import { openInstallations } from "./installations.ts";
import type { JobQueue, QueueOptions } from "./jobs.ts";
import { createMetrics, type Metrics } from "./metrics.ts";
import { createQueue } from "./queue.ts";
import type { Services } from "./services.ts";
import type { AppSettings } from "./settings.ts";
import { createSweeper } from "./sweep.ts";
import { createWork } from "./work.ts";

export interface RunningApp {
  /** Where it listens, as `http://127.0.0.1:3000`. */
  readonly url: string;
  /** Resolves when it cannot go on, with why: it has to be started again. */
  readonly failed: Promise<Error>;
  /** Takes no more deliveries, lets what runs end for a while, stops the rest, and ends. */
  stop(): Promise<void>;
}

export interface StartOptions {
  /** How long what runs may go on once the App is stopped. */
  readonly graceMs?: number;
  /** The program of a review's thread. */
  readonly threadProgram?: URL;
}

/** Service managers kill after 30 s or 90 s. */
const GRACE_MS = 20_000;
/** Jobs that wait for GitHub while others are reviewed. */
const JOBS_PER_THREAD = 3;

/**
 * Starts the App: it listens, and looks for what is unfinished.
 * @throws VerifodError (configuration) for credentials that GitHub does not take; (outside) when it does not answer
 */
export async function startApp(
  settings: AppSettings,
  log: Logger,
  options: StartOptions = {},
): Promise<RunningApp> {
  const { graceMs = GRACE_MS, threadProgram: program } = options;
  const { appId, privateKey, apiUrl, pace } = settings;
  const queue = await openQueue(settings, log, () => metrics);
  const metrics = createMetrics(() => queue.counts());
  const installations = openInstallations({
    appId,
    privateKey,
    apiUrl,
    pace,
    onWait: (message) => log.warn(message),
    onRequest: (route) => metrics.request(route),
  });
  const identity = await installations.identity().catch(async (error: unknown) => {
    await queue.stop(0);
    throw refused(error);
  });
  const threads = openReviewThreads({ threads: settings.threads, ...(program && { program }) });
  let loaded: Promise<Documents> | undefined;
  const documents = () => {
    loaded ??= createDocuments();
    return loaded;
  };
  const memory =
    settings.cache === null ? createMemory() : await openUpstreamMemory(upstreamFile(settings.cache), true);
  const services = {
    upstream: (installation: number) =>
      settings.asksUpstream
        ? openUpstream({
            api: installations.impatient(installation),
            places: settings.upstreamPlaces,
            memory,
          })
        : null,
    identity,
    api: installations.api,
    queue,
    log,
    metrics,
    installations,
    threads,
    documents,
    pace,
  };
  let stopping = false;
  const server = createHttpServer({
    deliveries: await receiveDeliveries(settings, log, services),
    metrics,
    health: async () => ({ ok: !stopping, ...(await queue.counts()) }),
    log,
  });
  if (settings.role !== "receiver") await queue.start(createWork(services));
  const url = await listen(server, settings);
  log.info({ app: identity.slug, url, role: settings.role }, "the App listens");

  const sweeping = new AbortController();
  const sweeps = settings.role !== "worker";
  const swept = sweeps ? createSweeper(services).run(settings.sweepMs, sweeping.signal) : null;
  return {
    url,
    failed: queue.failed,
    async stop() {
      stopping = true;
      sweeping.abort();
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeIdleConnections();
      await queue.stop(graceMs);
      server.closeAllConnections();
      await Promise.all([closed, threads.close(), swept]);
      log.info("the App has stopped");
    },
  };
}

/** The queue of this process, or that of all, and what is told of it. */
async function openQueue(
  { threads, database }: AppSettings,
  log: Logger,
  metrics: () => Metrics,
): Promise<JobQueue> {
  const concurrency = threads * JOBS_PER_THREAD;
  const options: QueueOptions = {
    concurrency,
    perInstallation: Math.max(2, Math.ceil(concurrency / 2)),
    onFull: (job) => {
      metrics().dropped();
      log.error({ ...job }, "too many jobs wait: this one is left to the next look for what is unfinished");
    },
    onError: (error, job) => log.error({ ...job, err: error }, "a job failed: this is a bug in verifod"),
  };
  if (database === null) return createQueue(options);
  // Its library is large: only for who asks for it.
  const { openSharedQueue } = await import("./shared-queue.ts");
  return openSharedQueue({
    ...options,
    url: database,
    onFreed: (count) => {
      metrics().freed(count);
      log.warn({ count }, "a worker is gone: what it had not finished waits again");
    },
    onGivenUp: (job) =>
      log.error(
        { job },
        "a job was begun often and never ended: it is left to the next look for what is unfinished",
      ),
    onTrouble: (error) => log.warn({ err: error }, "PostgreSQL did not answer: it is asked again"),
  });
}

/** What takes GitHub's deliveries; null for a worker. */
async function receiveDeliveries(
  { appId, privateKey, secret, webhookPath, role }: AppSettings,
  log: Logger,
  services: Services,
): Promise<ServerParts["deliveries"]> {
  if (role === "worker" || secret === null) return null;
  const probot = new Probot({ appId, privateKey, secret, log });
  const handle = (app: Probot) => handleEvents(app, services);
  const middleware = (await createNodeMiddleware(handle, {
    probot,
    webhooksPath: webhookPath,
  })) as Middleware;
  return { path: webhookPath, middleware };
}

function refused(error: unknown): Error {
  const status = statusOf(error);
  if (status === 401 || status === 404) {
    return new VerifodError("configuration", "GitHub knows no App with this APP_ID and PRIVATE_KEY");
  }
  if (status === null) {
    return new VerifodError("configuration", "PRIVATE_KEY is no private key of a GitHub App", {
      cause: error,
    });
  }
  return new VerifodError("outside", `GitHub does not answer (${status}): start the App again`, {
    cause: error,
  });
}

function listen(server: Server, { host, port }: AppSettings): Promise<string> {
  return new Promise((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => {
      const message = error.code === "EADDRINUSE" ? `port ${port} is in use: set PORT` : error.message;
      reject(new VerifodError("usage", `cannot listen: ${message}`));
    });
    server.listen(port, host, () => {
      const { address, family, port: actual } = server.address() as AddressInfo;
      resolve(`http://${family === "IPv6" ? `[${address}]` : address}:${actual}`);
    });
  });
}
