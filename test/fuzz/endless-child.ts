/**
 * An input that is never done with, for the test of the watchdog.
 *
 *     endless-child.ts time|memory
 */
import { Watchdog } from "./watchdog.ts";

const [, , what] = process.argv;
const taken: Uint8Array[] = [];
const watchdog = new Watchdog(
  what === "time" ? { seconds: 0.3, bytes: 2 ** 40 } : { seconds: 60, bytes: 200 * 2 ** 20 },
);
watchdog.next();
for (;;) if (what === "memory" && taken.length < 100) taken.push(new Uint8Array(2 ** 22).fill(1));
