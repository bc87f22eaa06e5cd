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
/** What other tools call processors and kernels: lib/systems in nixpkgs. Where Nix's own name stands, nothing does here. */
const GO_CPUS: Readonly<Record<string, string>> = {
  x86_64: "amd64",
  i686: "386",
  aarch64: "arm64",
  armv6l: "arm",
  armv7l: "arm",
  powerpc64le: "ppc64le",
  loongarch64: "loong64",
};
const RUST_CPUS: Readonly<Record<string, string>> = { armv6l: "arm", armv7l: "armv7", riscv64: "riscv64gc" };

/** `x86_64-unknown-linux-gnu`, with the processor as the one who asks calls it. */
function triple(system: System, cpu: string): string {
  if (system.kernel === "darwin") return `${cpu}-apple-darwin`;
  // The last word of it tells how floating-point numbers are passed.
  return `${cpu}-unknown-linux-${system.cpu.startsWith("armv") ? "gnueabihf" : "gnu"}`;
}

/** `x86_64-linux` in two. */
interface System {
  readonly cpu: string;
  readonly kernel: string;
}

/** Names of a platform, by the attributes of `stdenv.hostPlatform` that lead to them. */
const NAMES: Readonly<Record<string, (system: System) => string>> = {
  config: (system) => triple(system, system.cpu),
  "parsed.cpu.name": ({ cpu }) => cpu,
  "parsed.kernel.name": ({ kernel }) => kernel,
  "go.GOOS": ({ kernel }) => kernel,
  "go.GOARCH": ({ cpu }) => GO_CPUS[cpu] ?? cpu,
  "rust.rustcTarget": (system) => triple(system, RUST_CPUS[system.cpu] ?? system.cpu),
};

const DECIDED = new Set([...Object.values(CPU_FACTS), ...Object.values(KERNEL_FACTS)].flat());

/** Whether a name is that of a platform, as Nix calls it. */
export function isSystem(name: string): boolean {
  const dash = name.lastIndexOf("-");
  return Object.hasOwn(CPU_FACTS, name.slice(0, dash)) && Object.hasOwn(KERNEL_FACTS, name.slice(dash + 1));
}

/** The value at a path such as `["stdenv", "hostPlatform", "isLinux"]`, if `system` decides it. */
export function platformFact(path: readonly string[], system: string | undefined): Value | null {
  const at = path.findLastIndex((name) => PLATFORMS.has(name));
  if (system === undefined || at < 0) return null;
  const name = path.slice(at + 1).join(".");
  if (name === "system") return textValue(system);
  const dash = system.lastIndexOf("-");
  const [cpu, kernel] = [system.slice(0, dash), system.slice(dash + 1)];
  const named = isSystem(system) && Object.hasOwn(NAMES, name) ? NAMES[name] : undefined;
  if (named) return textValue(named({ cpu, kernel }));
  if (!DECIDED.has(name)) return null;
  const facts = [...(CPU_FACTS[cpu] ?? []), ...(KERNEL_FACTS[kernel] ?? [])];
  return { kind: "bool", value: facts.includes(name) };
}
