/** Reads zip: https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT */
import { openPromise } from "yauzl";
import { type Archive, ArchiveFault, type ReadOptions } from "./archive.ts";
import { collector } from "./collect.ts";

/** The kind of a Unix file in the upper half of the external attributes. */
const S_IFMT = 0o170000;
const S_IFLNK = 0o120000;
const S_IFREG = 0o100000;

/**
 * Reads a zip file, as its central directory tells it.
 * @throws ArchiveFault or an error of the library, whose message says what is wrong with the file.
 */
export async function readZip(file: string, packed: number, options: ReadOptions): Promise<Archive> {
  const zip = await openPromise(file, { autoClose: false, strictFileNames: true, validateEntrySizes: true });
  const found = collector(options);
  const { limits } = options;
  let unpacked = 0;
  try {
    for await (const entry of zip.eachEntry()) {
      options.signal?.throwIfAborted();
      found.entry();
      const path = found.path(entry.fileName);
      if (path === null || path === "" || entry.fileName.endsWith("/")) continue;
      const mode = entry.externalFileAttributes >>> 16;
      const format = mode & S_IFMT;
      if (format !== 0 && format !== S_IFREG && format !== S_IFLNK) {
        found.odd(path, "neither a file nor a symbolic link");
        continue;
      }
      if (!entry.canDecodeFileData()) {
        found.odd(path, entry.isEncrypted() ? "it is encrypted" : "it is packed in an unknown way");
        continue;
      }
      const sink = found.file(path, {
        kind: format === S_IFLNK ? "symlink" : "file",
        executable: format === S_IFREG && (mode & 0o111) !== 0,
      });
      for await (const chunk of await zip.openReadStreamPromise(entry)) {
        options.signal?.throwIfAborted();
        unpacked += chunk.length;
        if (unpacked > limits.ratioFrom && unpacked > packed * limits.ratio) {
          throw new ArchiveFault(`it unpacks to more than ${limits.ratio} times its size`);
        }
        sink.write(chunk);
      }
      sink.end();
    }
  } finally {
    zip.close();
  }
  return found.done();
}
