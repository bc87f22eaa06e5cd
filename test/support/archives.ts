/** Archives for tests, written byte by byte: honest ones, and such as no honest program writes. */
import { execFileSync } from "node:child_process";
import { crc32, deflateRawSync, gzipSync } from "node:zlib";

export interface TarEntry {
  readonly path: string;
  readonly body?: string | Uint8Array;
  readonly mode?: number;
  /** The letter of the type; "0" a file, "1" a hard link, "2" a symbolic link, "5" a folder. */
  readonly type?: string;
  readonly link?: string;
  /** What the header says of the size, when that is a lie. */
  readonly size?: number;
}

/** A tar file with its end. */
export function tar(entries: readonly TarEntry[]): Buffer {
  return Buffer.concat([...entries.map(tarEntry), Buffer.alloc(1024)]);
}

/** https://pubs.opengroup.org/onlinepubs/9799919799/utilities/pax.html#tag_20_94_13_06 */
export function tarEntry({ path, body = "", mode = 0o644, type = "0", link = "", size }: TarEntry): Buffer {
  const content = Buffer.from(body);
  const header = Buffer.alloc(512);
  header.write(path, 0, 100);
  header.write(`${mode.toString(8).padStart(7, "0")}\0`, 100);
  header.write("0000000\0", 108);
  header.write("0000000\0", 116);
  header.write(`${(size ?? content.length).toString(8).padStart(11, "0")}\0`, 124);
  header.write("14000000000\0", 136);
  header.write("        ", 148);
  header.write(type, 156);
  header.write(link, 157, 100);
  header.write("ustar\x0000", 257, "latin1");
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  return Buffer.concat([header, content, Buffer.alloc((512 - (content.length % 512)) % 512)]);
}

/** An extended header for the entry that follows. */
export function paxHeader(records: Readonly<Record<string, string>>): TarEntry {
  const body = Object.entries(records).map(([key, value]) => {
    const rest = ` ${key}=${value}\n`;
    let length = rest.length + 1;
    while (`${length}${rest}`.length !== length) length = `${length}${rest}`.length;
    return `${length}${rest}`;
  });
  return { path: "PaxHeader", type: "x", body: body.join("") };
}

/** The same bytes, packed by the program that releases are packed with. */
export function packed(bytes: Buffer, by: "gzip" | "xz" | "bzip2" | "zstd"): Buffer {
  if (by === "gzip") return gzipSync(bytes);
  return execFileSync(by, ["-c", ...(by === "zstd" ? ["-q"] : [])], { input: bytes, maxBuffer: 1 << 28 });
}

export interface ZipEntry {
  readonly path: string;
  readonly body?: string | Uint8Array;
  /** The Unix mode with its kind, as 0o100644. */
  readonly mode?: number;
  /** What the directory says of the unpacked size, when that is a lie. */
  readonly size?: number;
  readonly encrypted?: boolean;
}

/** A zip file. https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT */
export function zip(entries: readonly ZipEntry[]): Buffer {
  const locals: Buffer[] = [];
  const central: Buffer[] = [];
  let offset = 0;
  for (const { path, body = "", mode = 0o100644, size, encrypted = false } of entries) {
    const content = Buffer.from(body);
    const data = deflateRawSync(content);
    const name = Buffer.from(path);
    const common = Buffer.alloc(26);
    common.writeUInt16LE(20, 0);
    common.writeUInt16LE(encrypted ? 1 : 0, 2);
    common.writeUInt16LE(8, 4);
    common.writeUInt32LE(crc32(content), 10);
    common.writeUInt32LE(data.length, 14);
    common.writeUInt32LE(size ?? content.length, 18);
    common.writeUInt16LE(name.length, 22);
    const local = Buffer.concat([Buffer.from("PK\x03\x04"), common, name, data]);
    const rest = Buffer.alloc(14);
    rest.writeUInt32LE(mode * 0x10000, 6);
    rest.writeUInt32LE(offset, 10);
    central.push(Buffer.concat([Buffer.from("PK\x01\x02\x14\x03", "latin1"), common, rest, name]));
    locals.push(local);
    offset += local.length;
  }
  const directory = Buffer.concat(central);
  const end = Buffer.alloc(22);
  end.write("PK\x05\x06", 0);
  end.writeUInt16LE(entries.length, 8);
  end.writeUInt16LE(entries.length, 10);
  end.writeUInt32LE(directory.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...locals, directory, end]);
}
