/** What the fake GitHub holds: the repository of real commits, and what people and apps have put beside it. */
import type { KnownRepository } from "../support/repository.ts";
import type { RegisteredApp } from "./apps.ts";
import type { BlobReader } from "./blob-reader.ts";
import type { Account, UpstreamRepository } from "./upstreams.ts";

/** Whose token it is, and what it may do. `login` of an app ends with `[bot]`. */
export interface Identity {
  readonly login: string;
  readonly id: number;
  /** null: a person. */
  readonly app: { readonly id: number; readonly slug: string } | null;
  readonly permissions: Readonly<Record<string, "read" | "write">>;
}

/** What somebody may do in the repository; a role of an organisation's own has a permission that it builds on. */
export type Role =
  | "admin"
  | "maintain"
  | "write"
  | "triage"
  | "read"
  | "none"
  | { readonly name: string; readonly permission: "admin" | "write" | "read" };

/** What people write in, and react to. */
export interface Said {
  readonly id: number;
  readonly nodeId: string;
  /** The number of the pull request. */
  readonly pull: number;
  readonly by: Identity;
  readonly createdAt: string;
  editedAt: string | null;
  body: string;
  readonly reactions: { readonly content: string; readonly by: Identity }[];
}

export interface Pull {
  readonly number: number;
  readonly author: Identity;
  draft: boolean;
  base: { ref: string; sha: string };
  head: { ref: string; sha: string; owner: string; repositoryId: number; repositoryExists: boolean };
  state: "open" | "closed";
  title: string;
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
  started_at: string;
  external_id: string;
  status: string;
  conclusion: string | null;
  details_url: string | null;
  output: { title: string | null; summary: string | null; text: string | null };
  annotations: Annotation[];
  actions: readonly { readonly label: string; readonly description: string; readonly identifier: string }[];
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

export interface Review extends Said {
  readonly event: string;
  /** The head that it was given for. */
  readonly commit: string;
}

export type IssueComment = Said;

export interface World {
  /** The points for GraphQL that are left for this hour. */
  remaining: number;
  readonly owner: string;
  readonly name: string;
  readonly repositoryId: number;
  readonly repository: KnownRepository;
  readonly blobs: BlobReader;
  readonly pulls: Map<number, Pull>;
  readonly checkRuns: CheckRun[];
  readonly reviews: Review[];
  readonly reviewComments: ReviewComment[];
  readonly issueComments: IssueComment[];
  /** By login; those that are not here have `read`, as everyone on a public repository. */
  readonly permissions: Map<string, Role>;
  /** By `organisation/team`, then by login. */
  readonly teams: Map<string, Map<string, "active" | "pending">>;
  readonly identities: Map<string, Identity>;
  /** The repositories that pins name, beside the one that is reviewed. */
  readonly upstreams: UpstreamRepository[];
  /** Who owns them, by login in lower case. */
  readonly accounts: Map<string, Account>;
  /** A new id, never used before. */
  nextId(): number;
  readonly apps: RegisteredApp[];
  /** A token of `identity`. */
  tokenFor(identity: Identity): string;
  /** The time as GitHub writes it, in whole seconds. */
  now(): string;
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
