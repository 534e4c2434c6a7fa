import { type Command, Option } from "commander";
import type { EvaluationRequest, EvaluationResult, RunEvaluation } from "../../recipes/api.js";
import { formatCount, formatDuration } from "../../util/format.js";
import type { Context } from "../context.js";
import { addTargetOptions, collect, jsonOption, number, type TargetOptions } from "../options.js";
import { ProgressLine } from "../terminal/progress.js";
import { table } from "../terminal/table.js";

interface Options extends TargetOptions {
  data: string[];
  format?: EvaluationRequest["format"];
  maxLength?: number;
  json?: boolean;
}

/** `scalora eval`: loss, and perplexity or accuracy, on files of examples. */
export function addEval(
  program: Command,
  context: Context,
  load: () => Promise<{ runEvaluation: RunEvaluation }>,
): void {
  const command = program
    .command("eval")
    .description("loss, and perplexity or accuracy, of a model or a run's best checkpoint")
    .argument("<model>", "Hugging Face model folder, or a run's folder")
    .option("--data <file>", "file of examples; repeatable; a run has its own held-out rows", collect, [])
    .addOption(
      new Option("--format <format>", "what a row holds (default: told from its columns)").choices([
        "text",
        "prompt-completion",
        "alpaca",
        "messages",
        "classification",
      ]),
    )
    .option(
      "--max-length <tokens>",
      "longest sequence (default: the model's own limit)",
      number({ least: 2, whole: true }),
    );
  addTargetOptions(command)
    .addOption(jsonOption())
    .action(async (path: string, options: Options) => {
      await context.prepareEngine();
      const { runEvaluation } = await load();
      const { data, format, maxLength, json, ...target } = options;
      const line = new ProgressLine(context.stderr);
      const onProgress = (done: number, total: number) =>
        line.update(`evaluated ${done} of ${total} batches`);
      const result = await context
        .interruptible((signal) =>
          runEvaluation({ target: { path, ...target }, data, format, maxLength }, { signal, onProgress }),
        )
        .finally(() => line.end());
      if (json) return context.json(result);
      const rows = [
        ...scoreRows(result),
        ["rows", formatCount(result.rows)],
        ["time", formatDuration(result.seconds)],
      ];
      context.result(table([{ title: "result" }, { title: "" }], rows, context.paintOut));
    });
}

function scoreRows({ loss, perplexity, accuracy, labelTokens }: EvaluationResult): [string, string][] {
  if (perplexity !== undefined)
    return [
      ["loss", `${loss.toFixed(4)} nats per label token`],
      ["perplexity", perplexity.toPrecision(5)],
      ["label tokens", formatCount(labelTokens)],
    ];
  if (accuracy === undefined) return [["loss", `${loss.toFixed(4)} mean squared error`]];
  return [
    ["loss", `${loss.toFixed(4)} nats per row`],
    ["accuracy", `${(100 * accuracy).toFixed(2)} %`],
  ];
}
