import { execFileSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { makeFolder, replaceFile } from "../src/replace-file.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "verifod-replace-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

test("a file keeps its mode, and nothing else is left", async () => {
  const file = join(folder, "own");
  writeFileSync(file, "a longer text\n");
  chmodSync(file, 0o600);
  await replaceFile(file, "new\n");
  expect(readFileSync(file, "utf8")).toBe("new\n");
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(readdirSync(folder)).toEqual(["own"]);
  rmSync(file);
});

test("a link stays one, and its target has the text", async () => {
  const [link, target] = [join(folder, "link"), join(folder, "target")];
  writeFileSync(target, "old\n");
  symlinkSync("target", link);
  await replaceFile(link, "new\n");
  expect(lstatSync(link).isSymbolicLink()).toBe(true);
  expect(readFileSync(target, "utf8")).toBe("new\n");
});

test("what is no file is written to, and stays what it is", async () => {
  const pipe = join(folder, "pipe");
  execFileSync("mkfifo", [pipe]);
  const [text] = await Promise.all([readFile(pipe, "utf8"), replaceFile(pipe, "new\n")]);
  expect(text).toBe("new\n");
  expect(lstatSync(pipe).isFIFO()).toBe(true);
});

test("what cannot be written stays as it was", async () => {
  await expect(replaceFile(folder, "new\n")).rejects.toThrow("EISDIR");
  await expect(replaceFile(join(folder, "none/report"), "new\n")).rejects.toThrow("ENOENT");
  expect(existsSync(join(folder, "none"))).toBe(false);
});

test("a folder is made with those above it, and one that cannot be made is told at once", {
  timeout: 5_000,
}, async () => {
  await makeFolder(join(folder, "a/b/c"));
  await makeFolder(join(folder, "a/b/c"));
  expect(statSync(join(folder, "a/b/c")).isDirectory()).toBe(true);
  // Of what is not there, /proc says so to whoever would make it.
  await expect(makeFolder("/proc/none/there")).rejects.toThrow("ENOENT");
});
