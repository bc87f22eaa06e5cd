/** A real git server for HTTP, on the loopback interface: git's own program behind Node's server. */
import { spawn } from "node:child_process";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";

export interface GitServer {
  /** As `127.0.0.1:4242`. */
  readonly host: string;
  /** The requests so far, as `GET /path`. */
  readonly requests: readonly string[];
  close(): Promise<void>;
}

/** Serves the repositories below `root` (https://git-scm.com/docs/git-http-backend); other paths by `files`: a text, a redirect or a status. */
export async function startGitServer(
  root: string,
  files: Readonly<Record<string, Buffer | { readonly redirect: string } | number>> = {},
): Promise<GitServer> {
  const requests: string[] = [];
  const server: Server = createServer((request, response) => {
    const url = new URL(request.url ?? "/", "http://localhost");
    requests.push(`${request.method} ${url.pathname}`);
    const file = files[url.pathname];
    if (file !== undefined) {
      if (Buffer.isBuffer(file)) response.writeHead(200).end(file);
      else if (typeof file === "number") response.writeHead(file, { "www-authenticate": "Basic" }).end();
      else response.writeHead(302, { location: file.redirect }).end();
      return;
    }
    const child = spawn("git", ["http-backend"], {
      env: {
        PATH: process.env.PATH,
        GIT_CONFIG_NOSYSTEM: "1",
        GIT_CONFIG_COUNT: "2",
        GIT_CONFIG_KEY_0: "safe.directory",
        GIT_CONFIG_VALUE_0: "*",
        GIT_CONFIG_KEY_1: "uploadpack.allowAnySHA1InWant",
        GIT_CONFIG_VALUE_1: "true",
        GIT_PROJECT_ROOT: root,
        GIT_HTTP_EXPORT_ALL: "1",
        PATH_INFO: url.pathname,
        QUERY_STRING: url.search.slice(1),
        REQUEST_METHOD: request.method,
        CONTENT_TYPE: request.headers["content-type"] ?? "",
        HTTP_CONTENT_ENCODING: request.headers["content-encoding"] ?? "",
        GIT_PROTOCOL: String(request.headers["git-protocol"] ?? ""),
      },
      stdio: ["pipe", "pipe", "ignore"],
    });
    child.stdin.on("error", () => {});
    request.pipe(child.stdin);
    const chunks: Buffer[] = [];
    child.stdout.on("data", (chunk: Buffer) => chunks.push(chunk));
    child.on("close", () => {
      const output = Buffer.concat(chunks);
      const end = output.indexOf("\r\n\r\n");
      const headers = output.toString("latin1", 0, end).split("\r\n");
      const fields = Object.fromEntries(headers.map((line) => line.split(": ", 2)));
      const { Status: status = "200", ...rest } = fields;
      response.writeHead(Number.parseInt(status, 10), rest).end(output.subarray(end + 4));
    });
  });
  await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    close: () =>
      new Promise((closed) => {
        server.close(() => closed());
        server.closeAllConnections();
      }),
  };
}
