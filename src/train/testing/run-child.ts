// A training run of a tiny model in its own process: node … run-child.ts <run folder> <kind> <kill | full | exit | none> <count>.
// `kill` ends it by SIGKILL at the count-th file change, `full` makes that change fail as on a full disk; `exit` ends it after
// that step, as a second Ctrl-C does.
import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { createModel } from "../../models/index.ts";
import type { RunEvent } from "../../run/events.ts";
import { failAtFileChange } from "../../testing/file-fault-injection.ts";
import { tinyLlamaConfig } from "../../testing/tiny-llama.ts";
import { type TinyRunOptions, tinyRun } from "../../testing/tiny-run.ts";
import { Generator } from "../../torch/index.ts";
import { messageOf, ScaloraError } from "../../util/errors.ts";
import { train } from "../trainer.ts";

const [folder = "", kind = "", mode, count] = process.argv.slice(2);
const lowRank = { rank: 2, alpha: 4, targetModules: ["mix"] };
const kinds: Record<string, () => TinyRunOptions> = {
  full: () => ({ adapter: { method: "full" } }),
  lora: () => ({ adapter: { method: "lora", ...lowRank } }),
  scalora: () => ({ adapter: { method: "scalora", ...lowRank } }),
  "scalora-i": () => ({ adapter: { method: "scalora-i", ...lowRank } }),
  "scalora with base split": () => ({ dtype: "bfloat16", adapter: { method: "scalora", ...lowRank } }),
  "scalora with policy svd": () => ({ adapter: { method: "scalora", policy: "svd", ...lowRank } }),
  "lora with sgd": () => ({ optimizer: "sgd", adapter: { method: "lora", ...lowRank } }),
  "scalora-i on a Llama": () => ({
    lm: createModel(tinyLlamaConfig, new Generator(3, "cpu")),
    adapter: { method: "scalora-i", rank: 2, targetModules: "all-linear" },
  }),
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
  const run = tinyRun(settings, { folder, resume, ...kinds[kind]?.() });
  const onEvent = (event: RunEvent) => {
    if (mode === "exit" && event.type === "step" && event.step === Number(count)) process.exit(130);
  };
  const { reason } = await train({ ...run.options, onEvent });
  process.stdout.write(reason);
} catch (error) {
  process.stderr.write(messageOf(error));
  process.exitCode = error instanceof ScaloraError ? error.exitCode : 99;
}
