/** The log: one JSON object a line, on stdout. It holds no secret, and nothing that people wrote. */
import { type DestinationStream, type Logger, pino } from "pino";
import { statusOf } from "../change/github-api.ts";
import { VerifodError } from "../errors.ts";
import { visible } from "../report/visible.ts";

/** A log that writes to `destination`; stdout by default. */
export function createLog(level: string, destination: DestinationStream = pino.destination(1)): Logger {
  const options = {
    level,
    base: { name: "verifod" },
    serializers: { err: errorFacts },
    // What Probot and its parts would log of a request or an event holds titles, comments and signatures.
    redact: { paths: ["event", "payload", "req", "res", "request", "response", "headers"], remove: true },
  };
  return pino(options, destination);
}

/**
 * What may be told of an error: a message only where it is our own, and only how it begins, since those of parsers and of
 * GitHub quote what they were given.
 */
function errorFacts(error: unknown): object {
  if (!(error instanceof Error)) return { type: typeof error };
  const status = statusOf(error);
  return {
    type: error.name,
    ...(error instanceof VerifodError && {
      fault: error.fault,
      message: visible(error.message.split(/[:(]/, 1)[0] ?? "", 300),
    }),
    ...(status !== null && { status }),
    frames: (error.stack ?? "").split("\n").filter((line) => /^\s+at /.test(line)),
    ...(error.cause instanceof Error && { cause: errorFacts(error.cause) }),
  };
}
