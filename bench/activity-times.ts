// Where the time of a command goes, by what it says that it is doing, by the clock and of CPU time:
//   npm run tool -- bench/activity-times.ts export runs/mine --as svd --rank 8 --out out/mine
import { performance } from "node:perf_hooks";
import { main } from "../src/cli/main.ts";
import { onActivity } from "../src/util/activity.ts";

interface Times {
  readonly clock: number;
  readonly cpu: number;
}

/** Seconds since this process began. */
function now(): Times {
  const { user, system } = process.cpuUsage();
  return { clock: performance.now() / 1e3, cpu: (user + system) / 1e6 };
}

const nothing: Times = { clock: 0, cpu: 0 };
/** Seconds by activity, in the order of their beginnings. */
const spent = new Map<string, Times>();
let current = { what: "starting Node, reading arguments", since: nothing };

/** Another activity begins. */
function begin(what: string): void {
  const [time, before] = [now(), spent.get(current.what) ?? nothing];
  const passed = (key: keyof Times) => before[key] + time[key] - current.since[key];
  spent.set(current.what, { clock: passed("clock"), cpu: passed("cpu") });
  current = { what, since: time };
}

const end = onActivity(({ what }) => begin(what));
process.exitCode = await main(process.argv.slice(2));
end();
begin("");
console.table(
  [...spent, ["together", now()] as const].map(([activity, { clock, cpu }]) => ({
    activity,
    clock: clock.toFixed(1),
    cpu: cpu.toFixed(1),
  })),
);
