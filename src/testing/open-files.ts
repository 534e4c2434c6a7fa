import { readdirSync, readlinkSync } from "node:fs";

/**
 * The files and folders that this process has open, from /proc. Pipes and the like are not counted: a thread that was ended gives
 * its own back a moment later. Nor is Node's program, which a thread that starts opens for a moment.
 */
export function openFiles(): string[] {
  return readdirSync("/proc/self/fd")
    .map(targetOf)
    .filter((target) => target.startsWith("/") && target !== process.execPath);
}

function targetOf(descriptor: string): string {
  try {
    return readlinkSync(`/proc/self/fd/${descriptor}`);
  } catch {
    // That of the listing itself.
    return "";
  }
}
