import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { type Command, InvalidArgumentError, Option } from "commander";
import { checkTarget } from "../../assemble/model-target.ts";
import type { ExportRequest, RunExport } from "../../export/export-request.ts";
import {
  type ExportDType,
  exportDTypeNamed,
  exportDTypeNames,
  exportDTypes,
  isQuantisedDType,
} from "../../export/gguf-file-types.ts";
import { jsonOption, numberParser } from "../shared-options.ts";
import type { Context } from "../terminal/context.ts";
import { usageError } from "../usage-error.ts";
import { warnOfCheckpoint } from "../views/checkpoint-view.ts";
import { exportText } from "../views/export-view.ts";

interface Options {
  out: string;
  as: ExportRequest["kind"];
  format: NonNullable<ExportRequest["format"]>;
  adapter?: string;
  checkpoint?: string;
  dtype?: ExportDType;
  imatrix?: string | true;
  system?: string;
  device: string;
  rank?: number;
  energy?: number;
  json?: boolean;
}

const quantised = exportDTypes.filter(isQuantisedDType).join(", ");

function parseDType(text: string): ExportDType {
  const found = exportDTypeNamed(text);
  if (found !== undefined) return found;
  throw new InvalidArgumentError(`Allowed choices are ${exportDTypeNames.join(", ")}.`);
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
        `precision of a merged model (default: that of the base model's files); f16, ${quantised} with --format gguf`,
      )
        .choices(exportDTypeNames)
        .argParser(parseDType),
    )
    .option(
      "--imatrix [file]",
      "weigh rounding errors by an importance matrix: llama.cpp's GGUF file, or computed on the run's training rows",
    )
    .option(
      "--system <text>",
      'with --format gguf: system message for chat.mjs and Modelfile (default: for a run, that of most of its training; "" for none)',
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
      context.result(exportText(result, context));
      warnOfCheckpoint(context, result.checkpoint);
    });
}

function exportRequest(path: string, options: Options): ExportRequest {
  const {
    as: kind,
    format,
    out,
    adapter,
    checkpoint,
    dtype,
    imatrix,
    system,
    device,
    rank,
    energy,
  } = options;
  if (kind === "svd" && (rank === undefined) === (energy === undefined)) {
    throw usageError(
      "an svd adapter needs either --rank or --energy",
      "one of them",
      "--rank 16, for example",
    );
  }
  if (kind !== "svd" && (rank !== undefined || energy !== undefined)) {
    throw usageError(`--rank and --energy need --as svd, not ${kind}`);
  }
  if (kind !== "merged" && dtype !== undefined) throw usageError("--dtype needs --as merged");
  if (format === "folder" && dtype !== undefined && !["float32", "bfloat16"].includes(dtype))
    throw usageError(`--dtype ${dtype} needs --format gguf`);
  if (imatrix !== undefined && (dtype === undefined || !isQuantisedDType(dtype)))
    throw usageError("--imatrix needs a quantised --dtype", quantised);
  if (format === "folder" && out.endsWith(".gguf"))
    throw usageError(
      `${out} names a GGUF file, but the output is a folder`,
      "--format gguf, or another name",
    );
  if (system !== undefined && format !== "gguf") throw usageError("--system needs --format gguf");
  if (existsSync(out))
    throw usageError(
      `${out} already exists`,
      "a folder or file that does not exist",
      "choose another --out, or remove it",
    );
  const target = { path, adapter, checkpoint, dtype: "auto" as const, device };
  return { target, kind, format, out: resolve(out), dtype, imatrix, rank, energy, systemPrompt: system };
}
