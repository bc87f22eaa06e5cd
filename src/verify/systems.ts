/** Systems as Nix names them: that of this machine, and others that texts are about. */
import { isUnrelated } from "./attributes.ts";
import { type ChangedTexts, hashesBefore, newLiterals } from "./literals.ts";

const SYSTEM = /\b(?:x86_64|aarch64|i686|armv7l|armv6l|riscv64|powerpc64le)-(?:linux|darwin)\b/g;

/** The system of this machine as Nix names it. */
export function currentSystem(): string {
  const cpu: Readonly<Record<string, string>> = {
    x64: "x86_64",
    arm64: "aarch64",
    ia32: "i686",
    arm: "armv7l",
  };
  return `${cpu[process.arch] ?? process.arch}-${process.platform}`;
}

/** The systems, other than this one, that a text names. */
export function otherSystems(text: string): readonly string[] {
  const systems = new Set([...text.matchAll(SYSTEM)].map(([system]) => system));
  systems.delete(currentSystem());
  return [...systems].sort();
}

/** The systems, other than this one, that lines of a change name. */
export function systemsIn(texts: ChangedTexts): readonly string[] {
  const systems = new Set<string>();
  const before = new Set([...texts.base.values()].flatMap((text) => text.split("\n")));
  const hashes = hashesBefore(texts);
  for (const [path, text] of texts.head) {
    if (!path.endsWith(".nix") || isUnrelated(path)) continue;
    const pins = newLiterals(text, hashes).length > 0;
    for (const line of text.split("\n")) {
      if (before.has(line)) continue;
      for (const [system] of line.matchAll(SYSTEM)) systems.add(system);
      // Without a new hash such lines are about building, and all systems fetch the same.
      if (pins && /\bisDarwin\b|\bdarwin\b/.test(line)) systems.add("aarch64-darwin").add("x86_64-darwin");
      if (pins && /\bisAarch64\b/.test(line)) systems.add("aarch64-linux");
    }
  }
  systems.delete(currentSystem());
  return [...systems].sort();
}
