// The thread of `watchdog.ts`: looks every fifth of a second whether the process is still at the same input.
import { writeSync } from "node:fs";
import { workerData } from "node:worker_threads";
import type { WatchdogData } from "./watchdog.ts";

const { counter, limits }: WatchdogData = workerData;

function end(reason: string) {
  writeSync(2, `${reason}\n`);
  process.kill(process.pid, "SIGKILL");
}

const processorSeconds = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
};

let last = -1;
let started = 0;
setInterval(() => {
  const now = Atomics.load(counter, 0);
  if (now !== last) {
    last = now;
    started = processorSeconds();
  }
  if (processorSeconds() - started > limits.seconds)
    end(`too slow: more than ${limits.seconds} s of processor time for one input`);
  const resident = process.memoryUsage.rss();
  if (resident > limits.bytes) end(`too much memory: ${Math.round(resident / 2 ** 20)} MiB`);
}, 200);
