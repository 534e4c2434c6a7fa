import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { type Command, Option } from "commander";
import { checkTarget } from "../../assemble/model-target.ts";
import type { ExportRequest, ExportResult, RunExport } from "../../export/export-request.ts";
import { formatBytes } from "../../util/format.ts";
import { jsonOption, numberParser } from "../shared-options.ts";
import type { Context } from "../terminal/context.ts";
import { table } from "../terminal/table.ts";
import { usageError } from "../usage-error.ts";
import { checkpointRows, warnOfCheckpoint } from "../views/checkpoint-view.ts";

interface Options {
  out: string;
  as: ExportRequest["kind"];
  format: NonNullable<ExportRequest["format"]>;
  adapter?: string;
  checkpoint?: string;
  dtype?: ExportRequest["dtype"];
  device: string;
  rank?: number;
  energy?: number;
  json?: boolean;
}

/** `scalora export`: exports a trained model or adapter as a folder or GGUF file for other tools. */
export function addExport(
  program: Command,
  context: Context,
  load: () => Promise<{ runExport: RunExport }>,
): void {
  program
    .command("export")
    .description("export a trained model or adapter as a folder or GGUF file for other tools")
    .argument("<model>", "a run's folder, or a model (with --adapter, or to change its format)")
    .requiredOption("--out <path>", "output folder or file")
    .addOption(
      new Option(
        "--as <kind>",
        "merged: a complete model; adapter: the adapter as trained; svd: the accumulated change as a LoRA adapter",
      )
        .choices(["merged", "adapter", "svd"])
        .default("merged"),
    )
    .addOption(
      new Option(
        "--format <format>",
        "folder: for transformers and PEFT; gguf: one file for llama.cpp, node-llama-cpp, Ollama, LM Studio",
      )
        .choices(["folder", "gguf"])
        .default("folder"),
    )
    .option("--adapter <folder>", "PEFT adapter folder to load on the model")
    .option("--checkpoint <name>", "for a run: best, last, or a checkpoint's name (default: best, else last)")
    .addOption(
      new Option(
        "--dtype <dtype>",
        "precision of a merged model (default: that of the base model's files); float16 and q8_0 with --format gguf",
      ).choices(["float32", "bfloat16", "float16", "q8_0"]),
    )
    .option("--device <device>", "auto, cpu, mps, cuda or cuda:N (default: the run's own)", "auto")
    .option("--rank <r>", "rank of an svd adapter", numberParser({ least: 1, whole: true }))
    .option(
      "--energy <share>",
      "fraction of the change's energy that an svd adapter keeps",
      numberParser({ above: 0, most: 1 }),
    )
    .addOption(jsonOption())
    .action(async (path: string, options: Options) => {
      const request = exportRequest(path, options);
      checkTarget(request.target);
      await context.startEngine();
      const { runExport } = await load();
      const result = await context.interruptible((signal) => runExport(request, { signal }));
      if (options.json) return context.json(result);
      context.result(resultText(result, context));
      warnOfCheckpoint(context, result.checkpoint);
    });
}

function exportRequest(path: string, options: Options): ExportRequest {
  const { as: kind, format, out, adapter, checkpoint, dtype, device, rank, energy } = options;
  if (kind === "svd" && (rank === undefined) === (energy === undefined)) {
    throw usageError("an svd adapter needs either --rank or --energy", "one of them");
  }
  if (kind !== "svd" && (rank !== undefined || energy !== undefined)) {
    throw usageError(`--rank and --energy need --as svd, not ${kind}`);
  }
  if (kind !== "merged" && dtype !== undefined) throw usageError("--dtype needs --as merged");
  if (format === "folder" && (dtype === "float16" || dtype === "q8_0"))
    throw usageError(`--dtype ${dtype} needs --format gguf`);
  if (format === "folder" && out.endsWith(".gguf"))
    throw usageError(
      `${out} names a GGUF file, but the output is a folder`,
      "--format gguf, or another name",
    );
  if (existsSync(out)) throw usageError(`${out} already exists`, "a folder or file that does not exist");
  const target = { path, adapter, checkpoint, dtype: "auto" as const, device };
  return { target, kind, format, out: resolve(out), dtype, rank, energy };
}

function resultText(result: ExportResult, context: Context): string {
  const rows = [
    ["written", result.out],
    ["kind", result.kind],
    ["size", formatBytes(result.bytes)],
    ...checkpointRows(result.checkpoint),
  ];
  if (result.base !== undefined)
    rows.push([
      result.kind === "merged" ? "merged into" : "made for",
      "the dequantised NF4 weights that the run trained on, not the model's original weights",
    ]);
  if (result.drift !== undefined)
    rows.push(["drift", `${result.drift.toExponential(2)} relative to the exact weights (rounding)`]);
  if (result.rank !== undefined) rows.push(["rank", String(result.rank)]);
  if (result.retainedEnergy !== undefined) {
    rows.push(["kept", `${(100 * result.retainedEnergy).toFixed(2)} % of the change's energy`]);
  }
  if (result.heldOutLoss !== undefined)
    rows.push(["held-out loss", lossText(result.heldOutLoss, result.kind)]);
  return table([{ title: "export" }, { title: "" }], rows, context.paintOut);
}

/** `2.3456, trained 2.3401 (+0.0055)`. */
function lossText(loss: NonNullable<ExportResult["heldOutLoss"]>, kind: ExportResult["kind"]): string {
  if ("notMeasured" in loss) return `not measured: ${loss.notMeasured}`;
  const difference = loss.exported - loss.trained;
  const sign = difference < 0 ? "−" : "+";
  const change = `${sign}${Math.abs(difference).toFixed(4)}`;
  const what = kind === "merged" ? "as written" : "with the adapter";
  return `${loss.exported.toFixed(4)} ${what}, ${loss.trained.toFixed(4)} as trained (${change})`;
}
