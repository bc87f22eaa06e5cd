/** Counters for Prometheus. No label holds what a repository or a pull request is called. */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import type { Job, JobQueue } from "./jobs.ts";

export interface Metrics {
  readonly contentType: string;
  /** All metrics, in Prometheus' text format. */
  text(): Promise<string>;
  /** A delivery, by its event's name and how it was answered. */
  delivery(event: string, status: number): void;
  /** A job that ended. */
  job(kind: Job["kind"], result: string, seconds: number): void;
  /** A request to GitHub, by its route with placeholders. */
  request(route: string): void;
  /** A job that the queue had no room for, or a sweep that found a job. */
  dropped(): void;
  swept(): void;
  /** Jobs of other processes that ended before them. */
  freed(count: number): void;
}

export function createMetrics(counts: JobQueue["counts"]): Metrics {
  const register = new Registry();
  const registers = [register];
  collectDefaultMetrics({ register, prefix: "verifod_" });
  const deliveries = new Counter({
    name: "verifod_deliveries_total",
    help: "Deliveries of GitHub, by event and status of the answer",
    labelNames: ["event", "status"],
    registers,
  });
  const jobs = new Histogram({
    name: "verifod_job_seconds",
    help: "How long jobs took, by kind and result",
    labelNames: ["kind", "result"],
    buckets: [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1_800],
    registers,
  });
  const requests = new Counter({
    name: "verifod_github_requests_total",
    help: "Requests to GitHub, by route",
    labelNames: ["route"],
    registers,
  });
  const dropped = new Counter({
    name: "verifod_jobs_dropped_total",
    help: "Jobs for which the queue had no room",
    registers,
  });
  const swept = new Counter({
    name: "verifod_jobs_swept_total",
    help: "Jobs that no event told of, found by looking",
    registers,
  });
  const freed = new Counter({
    name: "verifod_jobs_freed_total",
    help: "Jobs that this process took from workers that were gone",
    registers,
  });
  new Gauge({
    name: "verifod_jobs",
    help: "Jobs that wait and that run, in all processes that share the queue",
    labelNames: ["state"],
    registers,
    async collect() {
      const { waiting, running } = await counts();
      this.set({ state: "waiting" }, waiting);
      this.set({ state: "running" }, running);
    },
  });
  return {
    contentType: register.contentType,
    text: () => register.metrics(),
    delivery: (event, status) => deliveries.inc({ event, status }),
    job: (kind, result, seconds) => jobs.observe({ kind, result }, seconds),
    request: (route) => requests.inc({ route }),
    dropped: () => dropped.inc(),
    swept: () => swept.inc(),
    freed: (count) => freed.inc(count),
  };
}
