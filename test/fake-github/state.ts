/** What the fake GitHub holds: the repository of real commits, and what people and apps have put beside it. */
import type { TestRepository } from "../support/repository.ts";
import type { BlobReader } from "./blob-reader.ts";

/** Whose token it is, and what it may do. `login` of an app ends with `[bot]`. */
export interface Identity {
  readonly login: string;
  readonly id: number;
  /** null: a person. */
  readonly app: { readonly id: number; readonly slug: string } | null;
  readonly permissions: Readonly<Record<string, "read" | "write">>;
}

export interface Pull {
  readonly number: number;
  base: { ref: string; sha: string };
  head: { ref: string; sha: string; owner: string; repositoryId: number; repositoryExists: boolean };
  state: "open" | "closed";
}

export interface Annotation {
  readonly path: string;
  readonly start_line: number;
  readonly end_line: number;
  readonly start_column?: number;
  readonly end_column?: number;
  readonly annotation_level: "notice" | "warning" | "failure";
  readonly message: string;
  readonly title?: string;
}

export interface CheckRun {
  readonly id: number;
  readonly name: string;
  readonly head_sha: string;
  readonly by: Identity;
  external_id: string;
  status: string;
  conclusion: string | null;
  details_url: string | null;
  output: { title: string | null; summary: string | null; text: string | null };
  annotations: Annotation[];
}

export interface ReviewComment {
  readonly id: number;
  readonly nodeId: string;
  readonly pull: number;
  readonly review: number | null;
  readonly by: Identity;
  readonly path: string;
  readonly commit_id: string;
  readonly side: "LEFT" | "RIGHT";
  readonly line: number;
  readonly start_line: number | null;
  readonly inReplyTo: number | null;
  body: string;
  minimized: string | null;
  edits: number;
}

export interface Review {
  readonly id: number;
  readonly pull: number;
  readonly by: Identity;
  readonly event: string;
  readonly body: string;
}

export interface IssueComment {
  readonly id: number;
  readonly issue: number;
  readonly by: Identity;
  body: string;
  reactions: string[];
}

export interface World {
  readonly owner: string;
  readonly name: string;
  readonly repositoryId: number;
  readonly repository: TestRepository;
  readonly blobs: BlobReader;
  readonly pulls: Map<number, Pull>;
  readonly checkRuns: CheckRun[];
  readonly reviews: Review[];
  readonly reviewComments: ReviewComment[];
  readonly issueComments: IssueComment[];
  /** By login; those that are not here have `read`, as everyone on a public repository. */
  readonly permissions: Map<string, "admin" | "write" | "read" | "none">;
  readonly identities: Map<string, Identity>;
  /** A new id, never used before. */
  nextId(): number;
}

/** A refusal as GitHub words it. */
export class Refusal extends Error {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  constructor(status: number, message: string, headers: Readonly<Record<string, string>> = {}) {
    super(message);
    this.status = status;
    this.headers = headers;
  }
}

/** @throws Refusal as GitHub refuses tokens without a permission */
export function demand(identity: Identity, permission: string, level: "read" | "write"): void {
  const held = identity.permissions[permission];
  if (held === "write" || held === level) return;
  throw new Refusal(403, "Resource not accessible by integration", {
    "x-accepted-github-permissions": `${permission}=${level}`,
  });
}
