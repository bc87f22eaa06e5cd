/** Which repository a pin is asked about, and of which software. */
import { expect, test } from "vitest";
import { repositoryKey, subjectOf } from "../../src/provenance/questions.ts";
import { pinsOf } from "../support/pins.ts";
import { A, pkg } from "../support/recipes.ts";

const COMMIT = "a".repeat(40);

async function asked(src: string) {
  const files = { "p.nix": pkg(src) };
  const [source] = await pinsOf(files, "p.nix");
  const subject = source && subjectOf(source);
  if (subject?.kind !== "repository") return subject?.kind ?? null;
  const { software, url, ref, commit, asset } = subject;
  return [software, url, ref ?? commit, ...(asset === null ? [] : [asset])];
}

const rev = `rev = "${COMMIT}"; hash = "${A}";`;
const tag = `tag = "v1.0"; hash = "${A}";`;
const named = 'owner = "acme"; repo = "frob.js";';
const file = (url: string) => `fetchurl { url = "${url}"; hash = "${A}"; }`;

test.each<[string, unknown]>([
  [`fetchFromGitHub { ${named} ${tag} }`, ["github", "https://github.com/acme/frob.js.git", "v1.0"]],
  [`fetchFromGitLab { ${named} ${rev} }`, ["gitlab", "https://gitlab.com/acme/frob.js.git", COMMIT]],
  [
    `fetchFromGitLab { domain = "salsa.debian.org"; group = "team"; ${named} ${tag} }`,
    ["gitlab", "https://salsa.debian.org/team/acme/frob.js.git", "v1.0"],
  ],
  // The fetcher says what the name does not.
  [
    `fetchFromGitLab { domain = "git.example.org"; ${named} ${tag} }`,
    ["gitlab", "https://git.example.org/acme/frob.js.git", "v1.0"],
  ],
  [
    `fetchFromGitea { domain = "git.example.org"; ${named} ${tag} }`,
    ["forgejo", "https://git.example.org/acme/frob.js.git", "v1.0"],
  ],
  [
    `fetchFromForgejo { domain = "git.example.org"; ${named} ${rev} }`,
    ["forgejo", "https://git.example.org/acme/frob.js.git", COMMIT],
  ],
  [`fetchFromCodeberg { ${named} ${tag} }`, ["forgejo", "https://codeberg.org/acme/frob.js.git", "v1.0"]],
  [
    `fetchFromGitea { domain = "codeberg.org"; ${named} fetchSubmodules = true; ${tag} }`,
    ["forgejo", "https://codeberg.org/acme/frob.js.git", "v1.0"],
  ],
  [
    file("https://codeberg.org/acme/frob/releases/download/v1.0/frob.tar.xz"),
    ["forgejo", "https://codeberg.org/acme/frob.git", "v1.0", "frob.tar.xz"],
  ],
  [
    file("https://gitlab.gnome.org/a/b/frob/-/releases/v1.0/downloads/frob.tar.xz"),
    ["gitlab", "https://gitlab.gnome.org/a/b/frob.git", "v1.0", "frob.tar.xz"],
  ],
  [
    `fetchgit { url = "https://git.example.org/frob"; ${rev} }`,
    ["git", "https://git.example.org/frob", COMMIT],
  ],
  [
    `fetchFromSourcehut { owner = "~ada"; repo = "frob"; ${tag} }`,
    ["git", "https://git.sr.ht/~ada/frob", "v1.0"],
  ],
  [`fetchFromRepoOrCz { repo = "frob"; ${rev} }`, ["git", "https://repo.or.cz/frob.git", COMMIT]],
  [
    `fetchFromSavannah { repo = "frob"; ${rev} }`,
    ["git", "https://git.savannah.gnu.org/git/frob.git", COMMIT],
  ],
  [
    `fetchFromBitbucket { owner = "acme"; repo = "frob"; ${rev} }`,
    ["git", "https://bitbucket.org/acme/frob.git", COMMIT],
  ],
  [
    `fetchFromGitiles { url = "https://chromium.googlesource.com/a/frob"; ${rev} }`,
    ["git", "https://chromium.googlesource.com/a/frob", COMMIT],
  ],
  [
    `fetchgit { url = "https://gist.github.com/abc123.git"; ${rev} }`,
    ["git", "https://gist.github.com/abc123.git", COMMIT],
  ],
])("%s", async (src, expected) => {
  expect(await asked(src)).toEqual(expected);
});

test.each([
  ["a file", file("https://example.org/frob.tar.gz"), "file"],
  ["Mercurial", `fetchFromSourcehut { owner = "~ada"; repo = "frob"; vc = "hg"; ${rev} }`, "file"],
  ["Mercurial by URL", `fetchhg { url = "https://hg.example.org/frob"; ${rev} }`, "file"],
  ["another protocol", `fetchgit { url = "ssh://git@example.org/frob"; ${rev} }`, null],
  ["a user name", `fetchgit { url = "https://ada@example.org/frob.git"; ${rev} }`, null],
  ["a port", `fetchgit { url = "https://example.org:22/frob.git"; ${rev} }`, null],
  ["a name that leads elsewhere", `fetchFromCodeberg { owner = ".."; repo = "frob"; ${rev} }`, "file"],
  ["a part that is not known", `fetchgit { url = "https://\${x}.example.org/frob.git"; ${rev} }`, null],
])("%s is no repository to ask about", async (_, src, expected) => {
  expect(await asked(src)).toBe(expected);
});

test.each(["a/../../../b", "../x", ".x", "a b", "a..b", "x~1", "a".repeat(201)])(
  "%s is not asked for as a tag",
  async (name) => {
    const src = `fetchFromCodeberg { ${named} tag = "${name}"; hash = "${A}"; }`;
    expect(await asked(src)).toEqual(["forgejo", "https://codeberg.org/acme/frob.js.git", null]);
  },
);

test("a clone URL that the pin does not name is presumed", async () => {
  const presumed = async (src: string) => {
    const files = { "p.nix": pkg(src) };
    const [source] = await pinsOf(files, "p.nix");
    const subject = source && subjectOf(source);
    return subject?.kind === "repository" && (subject.isPresumed ?? false);
  };
  expect(await presumed(`fetchFromSavannah { repo = "frob"; ${rev} }`)).toBe(true);
  expect(await presumed(`fetchgit { url = "https://git.example.org/frob"; ${rev} }`)).toBe(false);
});

test("an archive of a host whose software nobody tells is a file", async () => {
  expect(await asked(file(`https://git.example.org/acme/frob/archive/${COMMIT}.tar.gz`))).toBe("file");
});

test("names on forges are the same in any case, folders on servers are not", () => {
  const key = (software: "gitlab" | "git", name: string) =>
    repositoryKey({ software, host: "h.example", owner: "", name, url: `https://h.example/${name}` });
  expect(key("gitlab", "Frob")).toBe(key("gitlab", "frob"));
  expect(key("git", "Frob")).not.toBe(key("git", "frob"));
});
