import { type Command, InvalidArgumentError, Option } from "commander";
import { checkTarget } from "../../assemble/model-target.ts";
import { dataFormats, renderStyles } from "../../config/data-formats.ts";
import type {
  EvaluationRequest,
  EvaluationResult,
  RunEvaluation,
} from "../../inference/evaluation-request.ts";
import type { RunTasks, TaskReport, TaskRequest } from "../../inference/task-request.ts";
import type { ProcessGroup } from "../../torch/index.ts";
import { formatCount, formatDuration } from "../../util/format.ts";
import { escapeName } from "../../util/quote.ts";
import {
  addModelOptions,
  collect,
  jsonOption,
  type ModelOptions,
  modelTarget,
  numberParser,
} from "../shared-options.ts";
import type { Context } from "../terminal/context.ts";
import { ProgressLine } from "../terminal/progress-line.ts";
import { table } from "../terminal/table.ts";
import { usageError } from "../usage-error.ts";
import { checkpointRows, noteCheckpoint, warnOfCheckpoint } from "../views/checkpoint-view.ts";
import { metricEntries, percent } from "../views/metric-text.ts";

interface Options extends ModelOptions {
  data: string[];
  columns?: Record<string, string>;
  format?: EvaluationRequest["format"];
  maxLength?: number;
  tasks?: string[];
  limit?: number;
  shots?: number;
  mode?: TaskRequest["mode"];
  render?: TaskRequest["render"];
  beams?: number;
  batch?: number;
  predictions?: string;
  json?: boolean;
}

interface EvalFunctions {
  runEvaluation: RunEvaluation;
  runTasks: RunTasks;
}

interface RunOnRanks extends EvalFunctions {
  /** The other ranks, where a launcher has started several. */
  group: ProcessGroup | undefined;
}

/** `scalora eval`: loss, and perplexity or accuracy, on files of examples, or scores on tasks. */
export function addEval(program: Command, context: Context, load: () => Promise<EvalFunctions>): void {
  const command = program
    .command("eval")
    .description(
      "loss, and perplexity or accuracy, or scores on tasks, of a model or a run's best checkpoint",
    )
    .argument("<model>", "Hugging Face model folder or GGUF file, or a run's folder")
    .option(
      "--data <path>",
      "file of examples, or a folder or file of task data; repeatable; a run has its own held-out rows",
      collect,
      [],
    )
    .option("--columns <names>", "columns of other names, as in question=problem,answer=result", readColumns)
    .option(
      "--out, --predictions <file>",
      "each example with its prediction, reference and scores, as JSON lines; tasks reuse what is in it",
    );
  addLossOptions(command);
  addTaskOptions(command);
  addModelOptions(command)
    .addOption(jsonOption())
    .action(async (path: string, options: Options) => {
      checkFlagCombination(options);
      const { onRanks } = await import("../../distributed/on-ranks.ts");
      await onRanks(context, async (group) => {
        checkTarget(modelTarget(path, options));
        if (!group) await context.startEngine();
        const run = { ...(await load()), group };
        if (options.tasks === undefined) await evaluateLoss(path, options, context, run);
        else await evaluateTasks(path, options, options.tasks, context, run);
      });
    });
}

/** `question=problem,answer=result` as a map. */
function readColumns(text: string): Record<string, string> {
  const pairs = text.split(",").map((pair) => pair.split("="));
  return Object.fromEntries(
    pairs.map(([ours = "", theirs = "", ...more]) => {
      if (ours === "" || theirs === "" || more.length > 0)
        throw new InvalidArgumentError("Expected pairs as in question=problem,answer=result.");
      return [ours.trim(), theirs.trim()];
    }),
  );
}

function addLossOptions(command: Command): void {
  command
    .addOption(
      new Option("--format <format>", "format of the rows (default: from the columns)").choices(
        dataFormats.filter((format) => format !== "auto"),
      ),
    )
    .option(
      "--max-length <tokens>",
      "maximum sequence length in tokens (default: the model's limit)",
      numberParser({ least: 2, whole: true }),
    );
}

function addTaskOptions(command: Command): void {
  const count = (least: number) => numberParser({ least, whole: true });
  command
    .option("--tasks <names>", "score on these tasks, comma-separated (scalora ls tasks)", (names: string) =>
      names.split(",").filter((name) => name !== ""),
    )
    .option("--limit <n>", "for tasks: only the first n examples", count(1))
    .option("--shots <k>", "few-shot examples from the training split (default: 0)", count(0))
    .addOption(
      new Option(
        "--mode <mode>",
        "generate an answer, or choose the most likely one (default: generate)",
      ).choices(["generate", "loglikelihood"]),
    )
    .addOption(
      new Option(
        "--render <style>",
        "plain prompts, the model's chat template, or the prompts of LLM-Adapters' or MetaMath's scripts (default: as the run was trained, else plain)",
      ).choices(renderStyles),
    )
    .option("--beams <k>", "beam search with k beams (default: 1, greedy)", count(1))
    .option("--batch <n>", "sequences generated at once; affects speed and memory (default: 8)", count(1));
}

const taskOptions = ["limit", "shots", "mode", "render", "beams", "batch"] as const;

const percentOneDecimal = (share: number) => (100 * share).toFixed(1);

function checkFlagCombination(options: Options): void {
  const { tasks } = options;
  if (tasks?.length === 0) throw usageError("--tasks names no task", undefined, "see `scalora ls tasks`");
  const foreign =
    tasks === undefined
      ? taskOptions.find((name) => options[name] !== undefined)
      : (["format", "maxLength"] as const).find((name) => options[name] !== undefined);
  if (foreign === undefined) return;
  const flag = foreign === "maxLength" ? "max-length" : foreign;
  throw usageError(`--${flag} ${tasks === undefined ? "needs --tasks" : "does not go with --tasks"}`);
}

async function evaluateLoss(
  path: string,
  options: Options,
  context: Context,
  { runEvaluation, group }: RunOnRanks,
) {
  const { data, columns, format, maxLength, predictions, json } = options;
  const line = new ProgressLine(context.stderr);
  const onProgress = (done: number, total: number) =>
    line.update(`evaluated ${done} of ${total} batches`, { important: done === total });
  const request = { target: modelTarget(path, options), data, columns, format, maxLength, predictions };
  const result = await context
    .interruptible((signal) =>
      runEvaluation(request, { signal, onProgress, onNote: context.note.bind(context), group }),
    )
    .finally(() => line.end());
  if (json) return context.json(result);
  const rows = [
    ...scoreRows(result),
    ["rows", formatCount(result.rows)],
    ...checkpointRows(result.checkpoint),
    ["time", formatDuration(result.seconds)],
  ];
  context.result(table([{ title: "result" }, { title: "" }], rows, context.tableStyle));
  warnOfCheckpoint(context, result.checkpoint);
  for (const note of result.notes) context.note(note);
}

function scoreRows(result: EvaluationResult): [string, string][] {
  const { loss, perplexity, accuracy, metrics, labelTokens } = result;
  if (perplexity !== undefined)
    return [
      ["loss", `${loss.toFixed(4)} nats per label token`],
      ["perplexity", perplexity.toPrecision(5)],
      ["label tokens", formatCount(labelTokens)],
    ];
  const unit = accuracy === undefined ? "mean squared error" : "nats per row";
  return [
    ["loss", `${loss.toFixed(4)} ${unit}`],
    ...metricEntries({ accuracy, metrics }).map(([name, value]): [string, string] => [
      name,
      `${percent(value)} %`,
    ]),
  ];
}

async function evaluateTasks(
  path: string,
  options: Options,
  tasks: readonly string[],
  context: Context,
  { runTasks, group }: RunOnRanks,
): Promise<void> {
  const {
    data,
    columns,
    limit,
    shots = 0,
    mode = "generate",
    render,
    beams = 1,
    batch = 8,
    predictions,
    json,
  } = options;
  const line = new ProgressLine(context.stderr);
  const onProgress = (task: string, done: number, total: number) =>
    line.update(`${task}: ${done} of ${total} examples`, { important: done === total });
  const request = {
    target: modelTarget(path, options),
    tasks,
    data,
    columns,
    limit,
    shots,
    mode,
    render,
    beams,
    batch,
    predictions,
  };
  const kept =
    predictions === undefined
      ? "without --predictions no results are kept"
      : `finished examples are in ${predictions}`;
  const report = await context
    .interruptible(
      (signal) => runTasks(request, { signal, onProgress, onNote: context.note.bind(context), group }),
      `stopping; ${kept} (repeat to stop immediately)`,
    )
    .finally(() => line.end());
  if (json) context.json(report);
  else printTasks(report, context);
}

function printTasks({ tasks, render, shots, checkpoint }: TaskReport, context: Context): void {
  const rows = tasks.flatMap(({ task, examples, metrics, seconds }) =>
    metrics.map(({ metric, value, low, high }, i) => [
      i === 0 ? task : "",
      i === 0 ? formatCount(examples) : "",
      metric,
      `${percentOneDecimal(value)} %`,
      `${percentOneDecimal(low)} – ${percentOneDecimal(high)}`,
      i === 0 ? formatDuration(seconds) : "",
    ]),
  );
  const columns = [
    { title: "task" },
    { title: "n", align: "right" as const },
    { title: "metric" },
    { title: "score", align: "right" as const },
    { title: "95 % interval", align: "right" as const },
    { title: "time", align: "right" as const },
  ];
  context.result(table(columns, rows, context.tableStyle));
  noteCheckpoint(context, checkpoint);
  for (const { task, mode, data, truncated, unanswered, unfinished, reused } of tasks) {
    const notes = [
      `${mode}, ${render} prompts, ${shots} shots`,
      `rows of ${escapeName(data)}`,
      ...(reused > 0 ? [`${reused} done before`] : []),
      ...(unanswered > 0 ? [`${unanswered} without an answer`] : []),
      ...(unfinished > 0 ? [`${unfinished} ended by the token limit`] : []),
      ...(truncated > 0 ? [`${truncated} prompts truncated on the left to fit the context`] : []),
    ];
    context.note(`${task}: ${notes.join(", ")}`);
  }
}
