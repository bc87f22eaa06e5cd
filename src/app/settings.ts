/** The settings of the App: the environment variables of any Probot app. https://probot.github.io/docs/configuration/ */
import { existsSync } from "node:fs";
import { availableParallelism } from "node:os";
import { getPrivateKey } from "@probot/get-private-key";
import * as z from "zod";
import { messageOf, VerifodError } from "../errors.ts";
import { isServer } from "../ledger/database.ts";
import { type UpstreamPlaces, upstreamApi, upstreamPlaces } from "../provenance/open.ts";

/** What of the App a process does. */
export type Role = "all" | "receiver" | "worker";

export interface AppSettings {
  readonly role: Role;
  readonly appId: number;
  readonly privateKey: string;
  /** Null: that of a worker, which takes no deliveries. */
  readonly secret: string | null;
  /** The PostgreSQL that the processes of the App share; null: there is this one only. */
  readonly database: string | null;
  /** As `https://api.github.com`, or `https://HOST/api/v3` of an enterprise server. */
  readonly apiUrl: string;
  readonly host: string;
  readonly port: number;
  readonly webhookPath: string;
  readonly logLevel: "fatal" | "error" | "warn" | "info" | "debug" | "trace" | "silent";
  /** Reviews done at once, each on a thread of its own. */
  readonly threads: number;
  /** What stretches the pauses between requests; 1 outside of tests. */
  readonly pace: number;
  /** Whether upstream is asked about the sources of reviews, where the repository does not forbid it. */
  readonly asksUpstream: boolean;
  /** Where upstream answers, where that is elsewhere. */
  readonly upstreamPlaces: UpstreamPlaces;
  /** The directory of what is remembered of upstream; null: it lasts as long as the process. */
  readonly cache: string | null;
  /** Between two looks for what is unfinished. */
  readonly sweepMs: number;
}

/** Where deliveries come to, unless WEBHOOK_PATH says otherwise. */
export const WEBHOOK_PATH = "/api/github/webhooks";

/** Reads `.env` of the working directory into the environment: what stands there already stays. */
export function loadEnvironmentFile(): void {
  if (existsSync(".env")) process.loadEnvFile(".env");
}

const optional = <T extends z.ZodType>(type: T) => z.preprocess((value) => value || undefined, type);
const whole = (name: string, from: number, to: number) =>
  z.coerce
    .number({ error: `${name} is a number` })
    .int({ error: `${name} is a whole number` })
    .min(from, { error: `${name} is at least ${from}` })
    .max(to, { error: `${name} is at most ${to}` });

const environmentSchema = z.object({
  APP_ID: optional(whole("APP_ID", 1, Number.MAX_SAFE_INTEGER).optional()),
  WEBHOOK_SECRET: optional(z.string().optional()),
  GHE_HOST: optional(
    z
      .string()
      .regex(/^[\w.-]+(:\d+)?$/, { error: "GHE_HOST is a host name, as github.example.org" })
      .optional(),
  ),
  GHE_PROTOCOL: optional(
    z.enum(["https", "http"], { error: "GHE_PROTOCOL is https or http" }).default("https"),
  ),
  HOST: optional(z.string().default("localhost")),
  PORT: optional(whole("PORT", 1, 65_535).default(3_000)),
  WEBHOOK_PATH: optional(
    z.string().startsWith("/", { error: "WEBHOOK_PATH begins with /" }).default(WEBHOOK_PATH),
  ),
  LOG_LEVEL: optional(
    z
      .enum(["fatal", "error", "warn", "info", "debug", "trace", "silent"], {
        error: "LOG_LEVEL is one of fatal, error, warn, info, debug, trace, silent",
      })
      .default("info"),
  ),
  VERIFOD_THREADS: optional(
    whole("VERIFOD_THREADS", 1, 64).default(() => Math.min(4, Math.max(2, availableParallelism()))),
  ),
  VERIFOD_PACE: optional(z.coerce.number({ error: "VERIFOD_PACE is a number" }).min(0).max(10).default(1)),
  VERIFOD_DATABASE_URL: optional(
    z.string().refine(isServer, { error: "VERIFOD_DATABASE_URL begins with postgres://" }).optional(),
  ),
  VERIFOD_ASK: optional(z.enum(["auto", "never"], { error: "VERIFOD_ASK is auto or never" }).default("auto")),
  VERIFOD_CACHE: optional(
    z.string().startsWith("/", { error: "VERIFOD_CACHE is the path of a directory, from / on" }).optional(),
  ),
  VERIFOD_SWEEP_SECONDS: optional(whole("VERIFOD_SWEEP_SECONDS", 1, 86_400).default(900)),
});

/** @throws VerifodError (usage) that names the variable that is missing or wrong */
export function readSettings(environment: NodeJS.ProcessEnv, role: Role = "all"): AppSettings {
  const parsed = environmentSchema.safeParse(environment);
  if (!parsed.success) {
    throw new VerifodError("usage", parsed.error.issues.map(({ message }) => message).join("; "));
  }
  const { APP_ID, WEBHOOK_SECRET, GHE_HOST, GHE_PROTOCOL, ...rest } = parsed.data;
  const privateKey = readPrivateKey(environment);
  const needsSecret = role !== "worker";
  if (APP_ID === undefined || privateKey === null || (needsSecret && WEBHOOK_SECRET === undefined)) {
    const missing = [
      ...(APP_ID === undefined ? ["APP_ID"] : []),
      ...(privateKey === null ? ["PRIVATE_KEY or PRIVATE_KEY_PATH"] : []),
      // Probot would take a known one, and with it anybody's events.
      ...(needsSecret && WEBHOOK_SECRET === undefined ? ["WEBHOOK_SECRET"] : []),
    ];
    throw new VerifodError(
      "usage",
      `the App needs ${missing.join(", ")}: set what its settings page shows, or create an App with verifod serve --setup ADDRESS`,
    );
  }
  if (role !== "all" && rest.VERIFOD_DATABASE_URL === undefined) {
    throw new VerifodError(
      "usage",
      `a ${role} shares its jobs with other processes through PostgreSQL: set VERIFOD_DATABASE_URL`,
    );
  }
  const apiUrl = GHE_HOST === undefined ? "https://api.github.com" : `${GHE_PROTOCOL}://${GHE_HOST}/api/v3`;
  return {
    role,
    appId: APP_ID,
    privateKey,
    secret: WEBHOOK_SECRET ?? null,
    database: rest.VERIFOD_DATABASE_URL ?? null,
    apiUrl,
    host: rest.HOST,
    port: rest.PORT,
    webhookPath: rest.WEBHOOK_PATH,
    logLevel: rest.LOG_LEVEL,
    threads: rest.VERIFOD_THREADS,
    pace: rest.VERIFOD_PACE,
    asksUpstream: rest.VERIFOD_ASK === "auto" && apiUrl === upstreamApi(environment),
    upstreamPlaces: upstreamPlaces(environment),
    cache: rest.VERIFOD_CACHE ?? null,
    sweepMs: rest.VERIFOD_SWEEP_SECONDS * 1_000,
  };
}

function readPrivateKey(environment: NodeJS.ProcessEnv): string | null {
  try {
    return getPrivateKey({ env: environment });
  } catch (error) {
    throw new VerifodError("usage", `the private key cannot be read: ${messageOf(error)}`);
  }
}
