// Where the time of a command goes, by what it says that it is doing:
//   npm run tool -- bench/activity-times.ts export runs/mine --as svd --rank 8 --out out/mine
import { performance } from "node:perf_hooks";
import { main } from "../src/cli/main.ts";
import { onActivity } from "../src/util/activity.ts";

/** Seconds by activity, in the order of their beginnings. */
const seconds = new Map<string, number>();
let current = { what: "starting Node, reading the recipe", since: 0 };

/** Another activity begins. */
function begin(what: string): void {
  const now = performance.now() / 1e3;
  seconds.set(current.what, (seconds.get(current.what) ?? 0) + now - current.since);
  current = { what, since: now };
}

const end = onActivity(({ what }) => begin(what));
process.exitCode = await main(process.argv.slice(2));
end();
begin("");
const rows = [...seconds, ["together", performance.now() / 1e3] as const];
console.table(rows.map(([activity, time]) => ({ activity, seconds: time.toFixed(1) })));
