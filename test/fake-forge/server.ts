/** What the fake GitLab and the fake Forgejo share: repositories with real git behind, a server, requests and faults. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tryGit } from "../fake-github/git-data.ts";
import type { TestRepository } from "../support/repository.ts";

export interface HostedRelease {
  readonly tag: string;
  readonly published: string;
  readonly author: string;
  readonly assets?: readonly { readonly name: string; readonly created: string }[];
}

/**
 * A repository on a forge that keeps forks apart: it serves the commits that were pushed to it or that a merge request
 * brought, and no fork's.
 */
export interface HostedRepository {
  readonly id: number;
  owner: string;
  name: string;
  /** Its former names, as `acme/frob`: they lead here. */
  readonly formerly: string[];
  readonly repository: TestRepository;
  created: string;
  ownerCreated: string;
  archived: boolean;
  stars: number;
  /** As `acme/frob`. */
  parent: string | null;
  homepage: string;
  description: string;
  readonly releases: HostedRelease[];
  readonly pulls: { readonly number: number; readonly state: string; readonly commits: readonly string[] }[];
}

export interface Reply {
  readonly status: number;
  readonly data: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

export const ok = (data: unknown, headers: Readonly<Record<string, string>> = {}): Reply => ({
  status: 200,
  data,
  headers,
});
export const notFound: Reply = { status: 404, data: { message: "404 Not Found" } };

export interface FakeForge {
  /** As `127.0.0.1:1234`. */
  readonly host: string;
  readonly repositories: HostedRepository[];
  /** Paths with their query, in order. */
  readonly requests: string[];
  /** Decides which requests fail, by number and path; none by default. A status 0 drops the connection. */
  failWhen: (index: number, path: string) => Omit<Reply, "data"> | null;
  add(
    repository: TestRepository,
    about: Pick<HostedRepository, "owner" | "name"> & Partial<HostedRepository>,
  ): HostedRepository;
  close(): Promise<void>;
}

/** Starts a forge whose routes are `answer`'s; what it does not serve is a 404. */
export async function startForge(answer: (forge: FakeForge, url: URL) => Reply | null): Promise<FakeForge> {
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? "/", `http://${forge.host}`);
    // Below its name, as a server for several of them has it.
    url.pathname = url.pathname.replace(/^\/(gitlab\.com|codeberg\.org)(?=\/)/, "");
    const path = url.pathname + url.search;
    forge.requests.push(path);
    const fault = forge.failWhen(forge.requests.length, path);
    if (fault?.status === 0) {
      request.socket.destroy();
      return;
    }
    const reply: Reply = fault ? { data: { message: "fault" }, ...fault } : (answer(forge, url) ?? notFound);
    response
      .writeHead(reply.status, { "content-type": "application/json", ...reply.headers })
      .end(JSON.stringify(reply.data));
  });
  await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
  const forge: FakeForge = {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    repositories: [],
    requests: [],
    failWhen: () => null,
    add(repository, about) {
      const hosted: HostedRepository = {
        id: 100 + forge.repositories.length,
        formerly: [],
        repository,
        created: "2014-01-01T00:00:00.000Z",
        ownerCreated: "2012-05-01T00:00:00.000Z",
        archived: false,
        stars: 10,
        parent: null,
        homepage: "",
        description: "",
        releases: [],
        pulls: [],
        ...about,
      };
      forge.repositories.push(hosted);
      return hosted;
    },
    close: () =>
      new Promise((closed) => {
        server.close(() => closed());
        server.closeAllConnections();
      }),
  };
  return forge;
}

/** The repository of a name, or of a former one: `moved`. */
export function find(
  forge: FakeForge,
  fullName: string,
): { readonly hosted: HostedRepository; readonly moved: boolean } | null {
  const wanted = fullName.toLowerCase();
  const called = forge.repositories.find(({ owner, name }) => `${owner}/${name}`.toLowerCase() === wanted);
  if (called) return { hosted: called, moved: false };
  const hosted = forge.repositories.find(({ formerly }) =>
    formerly.some((old) => old.toLowerCase() === wanted),
  );
  return hosted ? { hosted, moved: true } : null;
}

/** The output of git without the last line break; null when git fails. */
export function git(repository: TestRepository, ...args: string[]): string | null {
  return (
    tryGit(repository, ...args)
      ?.toString()
      .trimEnd() ?? null
  );
}

/** A tag: its object (the commit itself, of a lightweight one), its commit, and when it was made. */
export function tagOf(repository: TestRepository, name: string) {
  const format = "%(objectname)%00%(*objectname)%00%(taggerdate:iso-strict)";
  const line = git(repository, "for-each-ref", `--format=${format}`, `refs/tags/${name}`);
  const [object = "", peeled = "", made = ""] = line?.split("\0") ?? [];
  return object === "" ? null : { object, commit: peeled || object, made: made || null };
}

export function branchOf(repository: TestRepository, name: string): string | null {
  return git(repository, "rev-parse", "--verify", "--quiet", "--end-of-options", `refs/heads/${name}`);
}

/** When a commit was made; null: the repository has no such commit. */
export function committed(repository: TestRepository, id: string): string | null {
  return git(repository, "cat-file", "-t", id) === "commit"
    ? git(repository, "log", "-1", "--format=%cI", id)
    : null;
}

/** Names of the branches or tags that lead to a commit. */
export function containing(repository: TestRepository, kind: "heads" | "tags", id: string): string[] {
  const names = git(repository, "for-each-ref", "--format=%(refname)", "--contains", id, `refs/${kind}`);
  return (names ?? "")
    .split("\n")
    .filter(Boolean)
    .map((ref) => ref.slice(`refs/${kind}/`.length));
}
