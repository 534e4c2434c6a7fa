// Runs of the embedded tiny model, or a fetched one, on several ranks, and the forecast for them.
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseRecipe } from "../../src/config/index.ts";
import type { RankCosts } from "../../src/forecast/forecast-ranks.ts";
import { measureRankCosts } from "../../src/recipes/measure-rank-costs.ts";
import { prepareRun } from "../../src/recipes/prepare-run.ts";
import { probeRun } from "../../src/recipes/probe-run.ts";
import { eventsOfType } from "../../src/run/events.ts";
import { readEvents } from "../../src/run/read-events.ts";
import { packageRoot } from "../../src/setup/paths.ts";
import { runCommand, runsTypeScript } from "../../src/testing/child-process.ts";
import { elementAt } from "../../src/util/elements.ts";
import { median } from "../sides.ts";

const main = fileURLToPath(new URL("../../src/cli/testing/run-main.ts", import.meta.url));

/** The command line of scalora from the sources. */
export const scalora: readonly string[] = [process.execPath, ...runsTypeScript, main];

/** What is trained. */
export interface Training {
  readonly title: string;
  /** A model's folder in the package, or a fetched model's name. */
  readonly model: string;
  readonly adapter: Readonly<Record<string, unknown>>;
  readonly batchTokens: number;
  readonly steps: number;
  /** Micro-batches of a step of each rank; 1 unless given. */
  readonly accumulate?: number;
  /** Whether the ranks share the base out. */
  readonly shardBase?: boolean;
}

const folder = mkdtempSync(join(tmpdir(), "scalora-ranks-"));

/** Steps that are not timed, in which caches fill, and steps of a block: times of events are in milliseconds. */
const [warm, block] = [5, 5];

function recipeOf(training: Training, name: string, ranks: number) {
  const { model, adapter, batchTokens, steps, accumulate = 1, shardBase = false } = training;
  return {
    model: { path: model.startsWith("assets/") ? join(packageRoot, model) : model, device: "cpu" },
    adapter,
    data: { train: join(packageRoot, "examples/data/train.jsonl"), eval: "none" },
    train: {
      steps,
      batchTokens,
      lr: 1e-4,
      saveEvery: steps,
      accumulate: ranks * accumulate,
      ...(shardBase && { shardBase }),
    },
    run: { name, folder, samples: 0 },
  };
}

/** A recipe file of a training. @param ranks whose micro-batches one process, or each of several, is to compute */
export function writeRecipe(training: Training, name: string, ranks = 1): string {
  const path = join(folder, `${name}.yaml`);
  writeFileSync(path, JSON.stringify(recipeOf(training, name, ranks)));
  return path;
}

/** Runs a command to its end. @returns its output @throws Error with what it printed when it fails */
export async function runToEnd(command: readonly string[], env: NodeJS.ProcessEnv = {}) {
  const { code, stdout, stderr } = await runCommand(command, { env: { OMP_NUM_THREADS: "1", ...env } });
  if (code !== 0) throw new Error(`${command.join(" ")} ended with ${code}\n${stderr}`);
  return stdout;
}

/** The losses of a run, and the median seconds from a step to the next, of blocks of five. */
export function recorded(name: string) {
  const steps = eventsOfType(readEvents(join(folder, name)), "step");
  const times = steps.slice(warm).map(({ time }) => Date.parse(time) / 1000);
  const blocks = times.slice(block).map((time, i) => (time - elementAt(times, i)) / block);
  return { losses: steps.map(({ loss }) => loss), seconds: median(blocks) };
}

/** What `scalora check` would measure of a training in this process. */
export async function costsOf(training: Training): Promise<RankCosts> {
  const recipe = parseRecipe({ ...recipeOf(training, `check-${training.steps}`, 1) });
  using prepared = await prepareRun(recipe, { ranks: 2 });
  const { signal } = new AbortController();
  await probeRun(prepared, recipe, { signal });
  const probe = await probeRun(prepared, recipe, { signal });
  return await measureRankCosts(prepared, { probe, accumulate: recipe.train.accumulate, loadSeconds: 0 });
}
