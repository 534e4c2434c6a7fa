import { basename, extname, join, resolve } from "node:path";
import { type Command, Option } from "commander";
import type { CompareHooks, CompareProgress, CompareResult } from "../../compare/compare-request.ts";
import type { PlanResult } from "../../compare/run-plan.ts";
import { ScaloraError } from "../../util/errors.ts";
import { collect, jsonOption, numberParser, setOption } from "../shared-options.ts";
import type { Context } from "../terminal/context.ts";
import { ProgressLine } from "../terminal/progress-line.ts";
import { table } from "../terminal/table.ts";
import { usageError } from "../usage-error.ts";

type Compare = typeof import("../../compare/run-compare.ts");
type Plans = typeof import("../../compare/run-plan.ts");

interface Options {
  methods?: string;
  seeds?: string;
  tuningSeeds?: string;
  lrs: string[];
  set: string[];
  out?: string;
  jobs: number;
  json?: boolean;
}

/** What the verb loads when it runs. */
type Load = () => Promise<{ compare: Compare; plans: Plans }>;

/** `scalora compare`: one recipe with several methods, each with its own sweep, or all that a plan file lists. */
export function addCompare(program: Command, context: Context, load: Load): void {
  program
    .command("compare")
    .description(
      "train one recipe with several methods and compare them fairly; finished runs are not repeated",
    )
    .argument("<recipe>", "YAML file of a recipe, or of a plan, which lists recipes and settings")
    .option(
      "--methods <list>",
      "methods, with keys of the adapter section after + (a list is swept): lora,scalora-i+interval=[5, 10]",
    )
    .option("--seeds <list>", "seeds that the results are of (default: 0,1,2, or the plan's)")
    .option(
      "--tuning-seeds <list>",
      "seeds of the sweeps, which do not count in the results (default: 1000, or the plan's)",
    )
    .addOption(
      new Option(
        "--lrs <list>",
        "learning rates, or method=rates; repeatable (default: a third, once and three times the method's preset)",
      )
        .argParser<string[]>(collect)
        .default([], "none"),
    )
    .addOption(setOption())
    .option(
      "--out <folder>",
      "folder for runs, results.jsonl and report.html (default: runs/compare-<recipe>)",
    )
    .option(
      "--jobs <n>",
      "number of parallel runs, which share the cores",
      numberParser({ least: 1, whole: true }),
      1,
    )
    .addOption(jsonOption())
    .action(async (path: string, options: Options) => {
      const { compare, plans } = await load();
      if (plans.isPlanFile(path)) await comparePlan(path, options, { compare, plans }, context);
      else await compareMethods(path, options, compare, context);
    });
}

async function compareMethods(recipe: string, options: Options, compare: Compare, context: Context) {
  if (options.methods === undefined)
    throw usageError("--methods is missing", "such as lora,scalora-i, or a plan in place of the recipe");
  await (await import("../../config/index.ts")).loadPlugins(recipe, options);
  const settings = compare.readSettings(splitList(options.methods), options.lrs);
  const seeds = readSeeds("--seeds", options.seeds) ?? [0, 1, 2];
  const seedSets = compare.makeSeedSets(seeds, readSeeds("--tuning-seeds", options.tuningSeeds), settings);
  const request = { ...commonRequest(recipe, options), recipe, settings, ...seedSets };
  const result = await watch(context, { ...options, compare }, (hooks, view) =>
    compare.runCompare(request, { ...hooks, onProgress: (progress) => view.show(progress) }),
  );
  if (result === undefined) return;
  if (options.json) context.json(result);
  else context.result(resultText(result, compare, context));
  if (result.missing.length > 0) context.exitCode = 1;
}

async function comparePlan(
  path: string,
  options: Options,
  { compare, plans }: { compare: Compare; plans: Plans },
  context: Context,
) {
  if (options.methods !== undefined || options.lrs.length > 0)
    throw usageError("A plan has its own settings", undefined, "omit --methods and --lrs");
  const plan = plans.readPlan(path);
  const seeds = readSeeds("--seeds", options.seeds);
  const tuningSeeds = readSeeds("--tuning-seeds", options.tuningSeeds);
  const name = basename(path, extname(path));
  const request = { ...commonRequest(path, options), name, plan, seeds, tuningSeeds };
  const result = await watch(context, { ...options, compare }, (hooks, view) =>
    plans.runPlan(request, { ...hooks, onProgress: (recipe, progress) => view.show(progress, recipe) }),
  );
  if (result === undefined) return;
  if (options.json) context.json(result);
  else context.result(planText(result, plans, context));
  if (result.comparisons.some(({ missing }) => missing.length > 0)) context.exitCode = 1;
}

const commonRequest = (path: string, { set, out, jobs }: Options) => ({
  set,
  out: resolve(out ?? join("runs", `compare-${basename(path, extname(path))}`)),
  jobs,
  command: [process.execPath, ...process.execArgv, ...process.argv.slice(1, 2)],
});

/** Runs a comparison with its progress on the screen. @returns undefined on ranks other than 0, which only run its processes */
async function watch<T>(
  context: Context,
  { compare, jobs }: { readonly compare: Compare; readonly jobs: number },
  run: (hooks: CompareHooks, view: CompareView) => Promise<T>,
): Promise<T | undefined> {
  const { onRanks } = await import("../../distributed/on-ranks.ts");
  const startEngine = async () => void (await context.prepareEngine());
  return await onRanks(
    { env: context.env, startEngine, error: (text) => context.error(text) },
    async (group) => {
      if (!group) await startEngine();
      const view = new CompareView(context);
      return await context
        .interruptible(
          (signal) =>
            compare.compareOnRanks(group, jobs, signal, (processes, stop) =>
              run({ signal: stop, processes, onNote: view.note }, view),
            ),
          "stopping after this step; the same command resumes (repeat to stop immediately, without saving)",
        )
        .finally(() => view.end());
    },
  );
}

/** Splits at commas outside braces and brackets. */
function splitList(text: string): string[] {
  return text.split(/,(?![^{[]*[}\]])/).map((part) => part.trim());
}

function readSeeds(where: string, text: string | undefined): number[] | undefined {
  if (text === undefined) return undefined;
  const seeds = text.split(",").map(Number);
  if (seeds.every((seed) => Number.isSafeInteger(seed) && seed >= 0) && new Set(seeds).size === seeds.length)
    return seeds;
  throw new ScaloraError("usage", "The seeds are not a list of distinct integers", {
    where,
    expected: "such as 0,1,2",
    found: text,
  });
}

/** Prints a line for each finished run, and a progress line for the active ones. */
class CompareView {
  readonly note: (text: string) => void;
  private readonly line: ProgressLine;

  constructor(context: Context) {
    this.note = context.note.bind(context);
    this.line = new ProgressLine(context.stderr);
  }

  show({ done, total, running, finished }: CompareProgress, recipe = ""): void {
    const prefix = recipe === "" ? "" : `${recipe}  `;
    if (finished !== undefined)
      this.line.printAbove(`${prefix}${done} of ${total}  ${finishedText(finished)}`);
    if (running.length === 0) return;
    const runs = running.map(({ name, step, totalSteps }) => `${name} ${step}/${totalSteps ?? "…"}`);
    this.line.update(`${prefix}${done} of ${total} runs done  ${runs.join("  ")}`);
  }

  end(): void {
    this.line.end();
  }
}

function finishedText({
  setting,
  lr,
  options,
  seed,
  score,
  loss,
  failed,
}: NonNullable<CompareProgress["finished"]>): string {
  const swept = Object.entries(options ?? {}).map(([path, value]) => `${path} ${value}`);
  const name = [setting, `lr ${lr}`, ...swept, `seed ${seed}`].join("  ");
  if (failed !== null) return `${name}  failed: ${failed}`;
  const figures = [
    score === null ? "" : `score ${(100 * score).toFixed(2)} %`,
    loss === null ? "" : `loss ${loss.toFixed(4)}`,
  ];
  return [name, ...figures.filter(Boolean)].join("  ");
}

function resultText(
  { rows, missing, failed, remark, report }: CompareResult,
  compare: Compare,
  context: Context,
): string {
  const failures = failed.map(({ folder, message }) => `failed: ${folder}: ${message}`);
  return [
    table(compare.compareColumns, rows.map(compare.tableCells), context.tableStyle),
    "",
    ...[remark, ...compare.missingTexts(missing), ...failures].map((text) => context.prose(text)),
    `report  ${report}`,
  ].join("\n");
}

function planText({ tables, comparisons, report }: PlanResult, plans: Plans, context: Context): string {
  const texts = plans
    .planViews(tables)
    .flatMap(({ title, columns, rows, note }) => [
      ...(title === "" ? [] : [title]),
      table(columns, rows, context.tableStyle),
      "",
      ...(note === undefined ? [] : [context.prose(note), ""]),
    ]);
  return [
    ...texts,
    ...plans.planRemarks(comparisons).map((text) => context.prose(text)),
    `report  ${report}`,
  ].join("\n");
}
