import { basename, extname, join, resolve } from "node:path";
import { type Command, Option } from "commander";
import type { CompareProgress, CompareResult } from "../../compare/compare-request.ts";
import { ScaloraError } from "../../util/errors.ts";
import type { Context } from "../context.ts";
import { collect, jsonOption, numberParser, setOption } from "../shared-options.ts";
import { ProgressLine } from "../terminal/progress-line.ts";
import { table } from "../terminal/table.ts";

type Compare = typeof import("../../compare/run-compare.ts");

interface Options {
  methods: string;
  seeds: string;
  lrs: string[];
  set: string[];
  out?: string;
  jobs: number;
  json?: boolean;
}

/** `scalora compare`: one recipe with several methods, each with its own sweep of learning rates. */
export function addCompare(program: Command, context: Context, load: () => Promise<Compare>): void {
  program
    .command("compare")
    .description(
      "train one recipe with several methods and compare them fairly; finished runs are not repeated",
    )
    .argument("<recipe>", "YAML file of a recipe")
    .requiredOption(
      "--methods <list>",
      "methods, with keys of the adapter section after +: lora,scalora-i+rank=1",
    )
    .option("--seeds <list>", "seeds; learning rates are swept on the first", "0,1,2")
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
    .action(async (recipe: string, options: Options) => {
      const [compare, { loadPlugins }] = await Promise.all([load(), import("../../config/index.ts")]);
      await loadPlugins(recipe, options);
      const request = {
        recipe,
        set: options.set,
        settings: compare.readSettings(splitList(options.methods), options.lrs),
        seeds: readSeeds(options.seeds),
        out: resolve(options.out ?? join("runs", `compare-${basename(recipe, extname(recipe))}`)),
        jobs: options.jobs,
        command: [process.execPath, ...process.execArgv, ...process.argv.slice(1, 2)],
      };
      await context.prepareEngine();
      const view = new CompareView(context);
      const result = await context
        .interruptible(
          (signal) =>
            compare.runCompare(request, {
              signal,
              onProgress: view.show.bind(view),
              onNote: context.note.bind(context),
            }),
          "stopping after this step; the same command resumes (repeat to stop immediately, without saving)",
        )
        .finally(() => view.end());
      if (options.json) context.json(result);
      else context.result(resultText(result, compare, context));
    });
}

/** Splits at commas outside braces and brackets. */
function splitList(text: string): string[] {
  return text.split(/,(?![^{[]*[}\]])/).map((part) => part.trim());
}

function readSeeds(text: string): number[] {
  const seeds = text.split(",").map(Number);
  if (seeds.every((seed) => Number.isSafeInteger(seed) && seed >= 0) && new Set(seeds).size === seeds.length)
    return seeds;
  throw new ScaloraError("usage", "The seeds are not a list of distinct integers", {
    where: "--seeds",
    expected: "such as 0,1,2",
    found: text,
  });
}

/** Prints a line for each finished run, and a progress line for the active ones. */
class CompareView {
  private readonly line: ProgressLine;

  constructor(context: Context) {
    this.line = new ProgressLine(context.stderr);
  }

  show({ done, total, running, finished }: CompareProgress): void {
    if (finished !== undefined) this.line.printAbove(`${done} of ${total}  ${finishedText(finished)}`);
    if (running.length === 0) return;
    const runs = running.map(({ name, step, totalSteps }) => `${name} ${step}/${totalSteps ?? "…"}`);
    this.line.update(`${done} of ${total} runs done  ${runs.join("  ")}`);
  }

  end(): void {
    this.line.end();
  }
}

function finishedText({
  setting,
  lr,
  seed,
  score,
  loss,
  failed,
}: NonNullable<CompareProgress["finished"]>): string {
  const name = `${setting}  lr ${lr}  seed ${seed}`;
  if (failed !== null) return `${name}  failed: ${failed}`;
  const figures = [
    score === null ? "" : `score ${(100 * score).toFixed(2)} %`,
    loss === null ? "" : `loss ${loss.toFixed(4)}`,
  ];
  return [name, ...figures.filter(Boolean)].join("  ");
}

function resultText(
  { rows, failed, remark, report }: CompareResult,
  compare: Compare,
  context: Context,
): string {
  const failures = failed.map(({ folder, message }) => `failed: ${folder}: ${message}`);
  return [
    table(compare.compareColumns, rows.map(compare.tableCells), context.paintOut),
    "",
    remark,
    ...failures,
    `report  ${report}`,
  ].join("\n");
}
