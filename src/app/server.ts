/** The App, put together: events in, jobs through the queue, results on GitHub. */
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { Logger } from "pino";
import { createNodeMiddleware, Probot } from "probot";
import { statusOf } from "../change/github-api.ts";
import { VerifodError } from "../errors.ts";
import { createDocuments, type Documents } from "../nix/documents.ts";
import { handleEvents } from "./events.ts";
import { createHttpServer, type Middleware } from "./http.ts";
import { openInstallations } from "./installations.ts";
import { createMetrics } from "./metrics.ts";
import { createQueue } from "./queue.ts";
import { openReviewThreads } from "./review-threads.ts";
import type { AppSettings } from "./settings.ts";
import { createSweeper } from "./sweep.ts";
import { createWork } from "./work.ts";

export interface RunningApp {
  /** Where it listens, as `http://127.0.0.1:3000`. */
  readonly url: string;
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
const jobsPerThread = 3;

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
  const { appId, privateKey, secret, apiUrl, pace } = settings;
  const concurrency = settings.threads * jobsPerThread;
  const queue = createQueue({
    concurrency,
    perInstallation: Math.max(2, Math.ceil(concurrency / 2)),
    onFull: (job) => {
      metrics.dropped();
      log.error({ ...job }, "too many jobs wait: this one is left to the next look for what is unfinished");
    },
    onError: (error, job) => log.error({ ...job, err: error }, "a job failed: this is a bug in verifod"),
  });
  const metrics = createMetrics(() => queue.counts());
  const installations = openInstallations({
    appId,
    privateKey,
    apiUrl,
    pace,
    onWait: (message) => log.warn(message),
    onRequest: (route) => metrics.request(route),
  });
  const identity = await installations.identity().catch((error: unknown) => {
    throw refused(error);
  });
  const threads = openReviewThreads({ threads: settings.threads, ...(program && { program }) });
  let loaded: Promise<Documents> | undefined;
  const documents = () => {
    loaded ??= createDocuments();
    return loaded;
  };
  const services = {
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
  await queue.start(createWork(services));

  let stopping = false;
  const probot = new Probot({ appId, privateKey, secret, log });
  const middleware = (await createNodeMiddleware((app: Probot) => handleEvents(app, services), {
    probot,
    webhooksPath: settings.webhookPath,
  })) as Middleware;
  const server = createHttpServer({
    webhookPath: settings.webhookPath,
    middleware,
    metrics,
    health: () => ({ ok: !stopping, ...queue.counts() }),
    log,
  });
  const url = await listen(server, settings);
  log.info({ app: identity.slug, url }, "the App listens");

  const sweeping = new AbortController();
  const swept = createSweeper(services).run(settings.sweepMs, sweeping.signal);
  return {
    url,
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
