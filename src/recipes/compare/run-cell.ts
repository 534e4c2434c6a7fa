import { spawn } from "node:child_process";
import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { adapterFor, loadRecipe, recipeToYaml } from "../../config/index.js";
import { readEvents, readStatus } from "../../train/run-files.js";
import { ScaloraError } from "../../util/errors.js";
import { type Cell, type CellResult, nameOf } from "./cells.js";
import { mean } from "./summary.js";

/** What all cells of a comparison have in common. */
export interface CellPlan {
  /** The recipe's file. */
  readonly recipe: string;
  /** Overrides of the recipe, for every cell. */
  readonly set: readonly string[];
  /** Folder of the runs. */
  readonly runs: string;
  /** The command line program: what comes before `train`. */
  readonly command: readonly string[];
  /** Threads of each process; undefined leaves that to the environment. */
  readonly threads: number | undefined;
}

/** A cell's overrides of the recipe. A comparison writes no samples, and its checkpoints only serve to go on. */
function overridesOf(cell: Cell, { recipe, set, runs }: CellPlan): string[] {
  const { setting, lr, seed } = cell;
  const adapter = { ...adapterFor(recipe, setting.method, set), ...setting.changes };
  return [
    ...set,
    `adapter=${JSON.stringify(adapter)}`,
    `train.lr=${lr}`,
    `train.seed=${seed}`,
    "train.keepLast=1",
    "run.samples=0",
    `run.folder=${runs}`,
    `run.name=${nameOf(cell)}`,
  ];
}

/**
 * Checks a cell before any runs.
 * @throws ConfigError when the recipe does not fit the setting; ScaloraError `config` when the cell's run is there already,
 * but of another recipe: figures of different experiments must not meet in one table
 */
export function checkCell(cell: Cell, plan: CellPlan): void {
  const wanted = recipeToYaml(loadRecipe(plan.recipe, { set: overridesOf(cell, plan) }));
  const config = join(plan.runs, nameOf(cell), "config.yaml");
  if (!existsSync(config)) return;
  const line = firstDifference(readFileSync(config, "utf8"), wanted);
  if (line === undefined) return;
  throw new ScaloraError("config", "The comparison's folder holds runs of another recipe", {
    where: config,
    expected: line.wanted,
    found: line.found,
    fix: "choose another folder with --out, or remove that run",
  });
}

function firstDifference(found: string, wanted: string): { found: string; wanted: string } | undefined {
  if (found === wanted) return undefined;
  const [a, b] = [found.split("\n"), wanted.split("\n")];
  const i = b.findIndex((line, at) => line !== a[at]);
  return { found: a[i]?.trim() ?? "nothing", wanted: b[i]?.trim() ?? "nothing" };
}

/** The result of a cell whose run has ended, by finishing or by failing; undefined when it must run, or go on. */
export function readCell(cell: Cell, { runs }: CellPlan): CellResult | undefined {
  const folder = join(runs, nameOf(cell));
  const status = readStatus(folder);
  if (status?.state !== "finished" && status?.state !== "failed") return undefined;
  const events = readEvents(folder);
  const of = <T extends (typeof events)[number]["type"]>(type: T) =>
    events.filter((event): event is Extract<(typeof events)[number], { type: T }> => event.type === type);
  const best = of("eval").findLast((event) => event.best);
  const steps = of("step");
  const layers = of("rank").at(-1)?.layers;
  return {
    setting: cell.setting.name,
    lr: cell.lr,
    seed: cell.seed,
    score: best?.score ?? null,
    loss: best?.loss ?? null,
    trainable: of("start").at(-1)?.parameters.trainable ?? null,
    secondsPerStep: steps.length === 0 ? null : mean(steps.map(({ seconds }) => seconds)),
    memory: steps.length === 0 ? null : steps.reduce((most, { memory }) => Math.max(most, memory), 0),
    rank: layers === undefined ? null : layers.reduce((sum, { rank }) => sum + rank, 0) / layers.length,
    failed: status.state === "failed" ? (status.message ?? "failed") : null,
    folder,
  };
}

/**
 * Runs a cell in a process of its own, so that its memory is its own and its end is its own; a run that was cut short
 * goes on from its checkpoint. Once the run has ended its checkpoints go: a comparison keeps figures, not models.
 * @throws ScaloraError `run` when the process ends without the run having ended
 * @throws the signal's reason when that stopped it; the run has saved a checkpoint
 */
export async function runCell(cell: Cell, plan: CellPlan, signal: AbortSignal): Promise<CellResult> {
  const folder = join(plan.runs, nameOf(cell));
  const args = existsSync(join(folder, "config.yaml"))
    ? ["train", "--resume", folder]
    : ["train", plan.recipe, ...overridesOf(cell, plan).flatMap((override) => ["--set", override])];
  const output = await runProcess([...plan.command, ...args], plan.threads, signal);
  const result = readCell(cell, plan);
  if (result !== undefined) {
    rmSync(join(folder, "checkpoints"), { recursive: true, force: true });
    return result;
  }
  signal.throwIfAborted();
  throw new ScaloraError("run", "A run of the comparison ended before it was done", {
    where: folder,
    found: lastWords(output),
    fix: "put right what it says and give the same command again: finished runs are kept",
  });
}

/** Runs a program to its end and returns what it wrote on stderr. Ctrl-C reaches it once, through the signal. */
function runProcess(
  [program, ...args]: readonly string[],
  threads: number | undefined,
  signal: AbortSignal,
): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      // A group of its own: the terminal's Ctrl-C would reach it beside ours, and twice means at once, without saving.
      detached: true,
      stdio: ["ignore", "ignore", "pipe"],
      env: { ...process.env, ...(threads !== undefined && { OMP_NUM_THREADS: String(threads) }) },
    });
    const stop = () => child.kill("SIGTERM");
    const kill = () => child.kill("SIGKILL");
    signal.addEventListener("abort", stop, { once: true });
    process.once("exit", kill);
    const done = () => {
      signal.removeEventListener("abort", stop);
      process.off("exit", kill);
    };
    let output = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      output = (output + text).slice(-10_000);
    });
    child.once("error", (error) => {
      done();
      reject(error);
    });
    child.once("close", () => {
      done();
      resolve(output);
    });
    if (signal.aborted) stop();
  });
}

/** The end of what a process wrote: its error. */
function lastWords(output: string): string {
  const at = output.lastIndexOf("error:");
  return (at < 0 ? output.slice(-1000) : output.slice(at)).trim() || "nothing";
}
