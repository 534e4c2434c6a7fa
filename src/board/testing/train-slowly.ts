// A process that records a run and obeys commands as training does, until it is stopped or killed:
// node … train-slowly.ts <run folder>
import { setTimeout as pause } from "node:timers/promises";
import { RunFolder } from "../../run/run-folder.ts";
import { firstEvents, recipe, statusAt, stepEvents } from "./example-run.ts";

// It does not outlive the test.
process.once("disconnect", () => process.exit());

const [path = ""] = process.argv.slice(2);
const run = RunFolder.create(path, recipe);
for (const event of firstEvents) run.append(event);
let paused = false;
let step = 0;
let stopped = false;
while (!stopped) {
  const { command } = run.takeControl();
  if (command === "pause" || command === "continue") {
    paused = command === "pause";
    run.append({ type: command, step });
  }
  if (command === "checkpoint")
    run.append({ type: "checkpoint", step, path: "checkpoints/step", reason: "request" });
  stopped = command === "stop";
  if (!paused && !stopped) {
    step += 1;
    for (const event of stepEvents(step)) run.append(event);
  }
  run.writeStatus(statusAt(step, paused ? "paused" : "running"));
  await pause(20);
}
run.append({ type: "end", step, reason: "stopped", seconds: 1 });
run.writeStatus(statusAt(step, "stopped"));
