/** Gathers the files of an archive as they come, within its limits. */
import { createHash } from "node:crypto";
import type { Unchecked } from "../change/change.ts";
import { type Archive, ArchiveFault, type ArchiveFile, type ReadOptions } from "./archive.ts";

export interface Collector {
  /** Counts an entry of any kind. */
  entry(): void;
  /** The plain path of an entry; null (and noted) for one that leads out of the archive or cannot be told. */
  path(raw: string): string | null;
  /** Begins a file: `write` its content, then `end` it. */
  file(path: string, about: Pick<ArchiveFile, "kind" | "executable">): Sink;
  odd(path: string, reason: string): void;
  done(): Archive;
}

export interface Sink {
  write(chunk: Buffer): void;
  end(): void;
}

export function collector({ limits, keep }: ReadOptions): Collector {
  const files = new Map<string, ArchiveFile>();
  const twice = new Set<string>();
  const oddities: Unchecked[] = [];
  let [entries, bytes, kept] = [0, 0, 0];
  const odd = (what: string, reason: string) => oddities.push({ what, reason });

  function put(path: string, file: ArchiveFile): void {
    if (files.has(path)) {
      twice.add(path);
      odd(path, "it stands in the archive more than once: programs differ in which one they take");
    }
    files.set(path, file);
  }

  return {
    odd,
    entry() {
      entries += 1;
      if (entries > limits.entries) throw new ArchiveFault(`it has more than ${limits.entries} entries`);
    },
    path(raw) {
      if (raw.length > limits.path) throw new ArchiveFault(`a path has more than ${limits.path} characters`);
      const parts = raw.split("/").filter((part) => part !== "" && part !== ".");
      if (raw.startsWith("/")) odd(raw, "an absolute path");
      else if (parts.includes("..")) odd(raw, "a path that leads out of the archive");
      else if (raw.includes("\ufffd") || raw.includes("\0")) odd(raw, "a name that is not UTF-8");
      else return parts.join("/");
      return null;
    },
    file(path, about) {
      const hash = createHash("sha256");
      const chunks: Buffer[] = [];
      let size = 0;
      return {
        write(chunk) {
          size += chunk.length;
          bytes += chunk.length;
          if (bytes > limits.bytes) throw new ArchiveFault(`it unpacks to more than ${limits.bytes} bytes`);
          hash.update(chunk);
          if (size <= limits.keptFile) chunks.push(chunk);
          else chunks.length = 0;
        },
        end() {
          const digest = hash.digest("hex");
          const wanted = size <= limits.keptFile && kept + size <= limits.kept && keep(digest);
          if (wanted) kept += size;
          put(path, { ...about, size, digest, bytes: wanted ? Buffer.concat(chunks, size) : null });
        },
      };
    },
    done() {
      for (const path of twice) files.delete(path);
      for (const path of [...files.keys()]) {
        const above = parents(path).find((parent) => files.has(parent));
        if (above === undefined) continue;
        odd(path, `it lies below ${above}, which is no folder`);
        files.delete(path);
      }
      return { files, oddities };
    },
  };
}

/** The folders that a path lies in: `a` and `a/b` for `a/b/c`. */
function parents(path: string): string[] {
  const parts = path.split("/");
  return parts.slice(1).map((_, index) => parts.slice(0, index + 1).join("/"));
}
