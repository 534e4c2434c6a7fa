import { mapTuple } from "../util/elements.ts";

/** The oldest Node that runs scalora; package.json says so too. */
export const minimumNode = "22.18";

/** Whether the Node that runs this is older. */
export function isNodeTooOld(): boolean {
  return compareVersions(process.versions.node, minimumNode) < 0;
}

/** Less than, equal to or greater than zero, as `a` is older than `b`, the same, or newer. */
export function compareVersions(a: string, b: string): number {
  const [left, right] = mapTuple([a, b], (version) => version.split(".").map(Number));
  for (let i = 0; i < Math.max(left.length, right.length); i++) {
    const difference = (left[i] ?? 0) - (right[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
