/** Which attribute paths a file defines, as far as its place in the tree says. */

/** https://github.com/NixOS/nixpkgs/blob/master/pkgs/by-name/README.md: the folder's name is the attribute's. */
const BY_NAME = /^pkgs\/by-name\/[^/]{2}\/([^/]+)\//;

export function attributesOf(path: string): readonly string[] {
  const match = BY_NAME.exec(path);
  return match?.[1] === undefined ? [] : [match[1]];
}
