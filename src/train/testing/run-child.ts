// A training run of the tiny model in its own process: node … run-child.ts <run folder> <method> <kill | full | none> <count>.
// `kill` ends it by SIGKILL at the count-th change of a file, `full` makes that change fail as a full disk does.
import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { AdapterOptions } from "../../adapters/index.js";
import { failAtFileChange } from "../../testing/failing-files.js";
import { tinyRun } from "../../testing/tiny-run.js";
import { messageOf, ScaloraError } from "../../util/errors.js";
import { train } from "../trainer.js";

const [folder, method, mode, count] = process.argv.slice(2);
const lowRank = { rank: 2, alpha: 4, targetModules: ["mix"] };
const adapterOf: Record<string, AdapterOptions> = {
  full: { method: "full" },
  lora: { method: "lora", ...lowRank },
  scalora: { method: "scalora", ...lowRank },
  "scalora-i": { method: "scalora-i", ...lowRank },
};

const resume = existsSync(join(folder, "config.yaml"));
if (!resume) rmSync(folder, { recursive: true, force: true });

if (mode === "kill") failAtFileChange(Number(count), () => process.kill(process.pid, "SIGKILL"));
if (mode === "full")
  failAtFileChange(Number(count), () => {
    throw Object.assign(new Error("ENOSPC: no space left on device, write"), { code: "ENOSPC" });
  });

const settings = { steps: 24, evalEvery: 4, saveEvery: 3, keepLast: 2, accumulate: 2 };
try {
  const run = tinyRun(settings, { folder, resume, adapter: adapterOf[method] });
  const { reason } = await train(run.options);
  process.stdout.write(reason);
} catch (error) {
  process.stderr.write(messageOf(error));
  process.exitCode = error instanceof ScaloraError ? error.exitCode : 99;
}
