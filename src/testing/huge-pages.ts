import { existsSync, readFileSync } from "node:fs";

/** Whether this system has transparent huge pages, given or not. */
export const hasHugePages = existsSync("/sys/kernel/mm/transparent_hugepage");

/** KiB of this process for which huge pages were asked. */
export function hugePageKiB(): number {
  const mappings = readFileSync("/proc/self/smaps", "utf8").split(/^VmFlags:/m);
  return mappings
    .slice(0, -1)
    .filter((_, i) => / hg\b/.test(mappings[i + 1]?.split("\n")[0] ?? ""))
    .reduce((total, mapping) => total + Number(/^Size: *(\d+) kB$/m.exec(mapping)?.[1]), 0);
}
