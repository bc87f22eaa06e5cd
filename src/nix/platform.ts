/** What follows from a platform such as `x86_64-linux`, for the attributes of `stdenv.hostPlatform` and its kin. */
import { textValue, type Value } from "./value.ts";

/** The platform whose values a pin has when nothing in the text ties it to another one. */
export const DEFAULT_SYSTEM = "x86_64-linux";

const PLATFORMS = new Set(["stdenv", "hostPlatform", "buildPlatform", "targetPlatform"]);

const CPU_FACTS: Readonly<Record<string, readonly string[]>> = {
  x86_64: ["isx86_64", "isx86", "is64bit", "isLittleEndian"],
  i686: ["isi686", "isx86_32", "isx86", "is32bit", "isLittleEndian"],
  aarch64: ["isAarch64", "isAarch", "isArm64", "is64bit", "isLittleEndian"],
  armv6l: ["isAarch32", "isAarch", "isArm", "is32bit", "isLittleEndian"],
  armv7l: ["isAarch32", "isAarch", "isArm", "is32bit", "isLittleEndian"],
  riscv64: ["isRiscV", "isRiscV64", "is64bit", "isLittleEndian"],
  powerpc64le: ["isPower", "isPower64", "is64bit", "isLittleEndian"],
  loongarch64: ["isLoongArch64", "is64bit", "isLittleEndian"],
};
const KERNEL_FACTS: Readonly<Record<string, readonly string[]>> = {
  linux: ["isLinux", "isGnu", "isUnix"],
  darwin: ["isDarwin", "isMacOS", "isUnix"],
};
const DECIDED = new Set([...Object.values(CPU_FACTS), ...Object.values(KERNEL_FACTS)].flat());

/** The value at a path such as `["stdenv", "hostPlatform", "isLinux"]`, if `system` decides it. */
export function platformFact(path: readonly string[], system: string | undefined): Value | null {
  const name = path.at(-1) ?? "";
  const of = path.at(-2) ?? "";
  if (system === undefined || !PLATFORMS.has(of)) return null;
  if (name === "system") return textValue(system);
  if (!DECIDED.has(name)) return null;
  const dash = system.lastIndexOf("-");
  const facts = [
    ...(CPU_FACTS[system.slice(0, dash)] ?? []),
    ...(KERNEL_FACTS[system.slice(dash + 1)] ?? []),
  ];
  return { kind: "bool", value: facts.includes(name) };
}
