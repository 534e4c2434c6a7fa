import { readFileSync } from "node:fs";
import { cpus } from "node:os";

/** The processor of this machine, as far as the system tells. */
export interface Processor {
  /** Its name and, on Linux, the numbers of its generation, which virtual machines hide in the name: "AMD EPYC (AuthenticAMD 25 17 1)". */
  readonly name: string;
  /** Whether it multiplies bfloat16 numbers itself; undefined where the system does not say. */
  readonly hasBfloat16: boolean | undefined;
}

/** Fields of /proc/cpuinfo that tell processors apart: of x86, then of Arm. */
const identity = [
  ...["vendor_id", "cpu family", "model", "stepping"],
  ...["CPU implementer", "CPU architecture", "CPU variant", "CPU part", "CPU revision"],
];
const bfloat16Flags: ReadonlySet<string> = new Set(["avx512_bf16", "amx_bf16", "bf16"]);

/**
 * The processor of this machine.
 * @param cpuinfo the system's list of its cores; another file for tests
 */
export function processor(cpuinfo = "/proc/cpuinfo"): Processor {
  const cores = readCores(cpuinfo);
  // Cores may be of several kinds.
  const kinds = [...new Set(cores.map((core) => identity.flatMap((name) => core.get(name) ?? []).join(" ")))];
  const name = cores[0]?.get("model name") ?? cpus()[0]?.model ?? "unknown";
  const numbers = kinds.filter((kind) => kind !== "").sort();
  const flags = cores.flatMap((core) => core.get("flags") ?? core.get("Features") ?? []);
  return {
    name: numbers.length === 0 ? name : `${name} (${numbers.join(", ")})`,
    hasBfloat16:
      flags.length === 0
        ? undefined
        : flags.every((list) => list.split(" ").some((flag) => bfloat16Flags.has(flag))),
  };
}

/** The fields of each core; none where there is no such file. */
function readCores(cpuinfo: string): Map<string, string>[] {
  let text: string;
  try {
    text = readFileSync(cpuinfo, "utf8");
  } catch {
    return [];
  }
  const blocks = text.split(/\n\s*\n/).map((block) => new Map(block.split("\n").flatMap(field)));
  return blocks.filter((core) => core.has("processor"));
}

function field(line: string): [string, string][] {
  const colon = line.indexOf(":");
  return colon < 0 ? [] : [[line.slice(0, colon).trim(), line.slice(colon + 1).trim()]];
}
