// @ts-check
// Which Node this package needs, in JavaScript that older ones read too.
import { readFileSync } from "node:fs";

const { engines } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));

/** The oldest Node that will do, such as "22.18". @type {string} */
export const minimumNode = engines.node.replace(">=", "");

/** Whether the Node that runs this is older. */
export function isTooOld() {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  const [leastMajor = 0, leastMinor = 0] = minimumNode.split(".").map(Number);
  return major < leastMajor || (major === leastMajor && minor < leastMinor);
}
