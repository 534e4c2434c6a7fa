import { mapTuple } from "../util/elements.ts";

/** The oldest Node that runs scalora; also in package.json. */
export const minimumNode = "22.18";

/** Whether this process's Node is older. */
export function isNodeTooOld(): boolean {
  return compareVersions(process.versions.node, minimumNode) < 0;
}

/** Negative if `a` is older than `b`, positive if it is newer, 0 if they are equal. */
export function compareVersions(a: string, b: string): number {
  const [left, right] = mapTuple([a, b], (version) => version.split(".").map(Number));
  for (let i = 0; i < Math.max(left.length, right.length); i++) {
    const difference = (left[i] ?? 0) - (right[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
