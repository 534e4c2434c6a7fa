import { basename } from "node:path";
import type { ExportResult } from "../../export/export-request.ts";
import { formatBytes } from "../../util/format.ts";
import { clip } from "../../util/quote.ts";
import type { Context } from "../terminal/context.ts";
import { table } from "../terminal/table.ts";
import { checkpointRows } from "./checkpoint-view.ts";

/** What an export wrote, as a table. */
export function exportText(result: ExportResult, context: Context): string {
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
  if (result.tensorTypes !== undefined) rows.push(["tensors", tensorTypesText(result.tensorTypes)]);
  for (const fallback of result.fallbacks ?? []) rows.push(["instead", fallbackText(fallback)]);
  if (result.imatrix !== undefined) rows.push(["importance", imatrixText(result.imatrix)]);
  if (result.drift !== undefined)
    rows.push(["drift", `${result.drift.toExponential(2)} relative to the exact weights (rounding)`]);
  if (result.rank !== undefined) rows.push(["rank", String(result.rank)]);
  if (result.retainedEnergy !== undefined) {
    rows.push(["kept", `${(100 * result.retainedEnergy).toFixed(2)} % of the change's energy`]);
  }
  rows.push(...chatRows(result));
  if (result.heldOutLoss !== undefined) {
    rows.push(["held-out loss", lossText(result.heldOutLoss, result.kind)]);
    if (result.tensorTypes !== undefined && !("notMeasured" in result.heldOutLoss))
      rows.push(["perplexity", perplexityText(result.heldOutLoss)]);
  }
  return table([{ title: "export" }, { title: "" }], rows, context.tableStyle);
}

/** The files to use a GGUF file with, and what they hold. */
function chatRows({ chat }: ExportResult): string[][] {
  if (chat === undefined) return [];
  const { files, systemPrompt, base } = chat;
  const rows = [["beside it", files.map((path) => basename(path)).join(", ")]];
  if (systemPrompt !== undefined) {
    const { text, chats, allChats } = systemPrompt;
    const share =
      chats === undefined
        ? "as given"
        : chats === allChats
          ? "as in training"
          : `as in ${chats} of ${allChats} training chats`;
    rows.push(["system prompt", `${JSON.stringify(clip(text, 60))}, ${share}`]);
  }
  if (base !== undefined) rows.push(["for the model", base]);
  return rows;
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

/** `16.05 as written, 16.01 as trained (+0.3 %)`: e to the power of the losses. */
function perplexityText({ trained, exported }: { trained: number; exported: number }): string {
  const percent = 100 * Math.expm1(exported - trained);
  const change = `${percent < 0 ? "−" : "+"}${Math.abs(percent).toFixed(1)} %`;
  return `${Math.exp(exported).toFixed(2)} as written, ${Math.exp(trained).toFixed(2)} as trained (${change})`;
}

/** `Q4_K 90, Q6_K 31, F32 61`, the most frequent first. */
function tensorTypesText(types: Readonly<Record<string, number>>): string {
  const sorted = Object.entries(types).sort(([, a], [, b]) => b - a);
  return sorted.map(([name, count]) => `${count} ${name}`).join(", ");
}

type Fallback = NonNullable<ExportResult["fallbacks"]>[number];

const fallbackText = ({ wanted, stored, tensors, rowLength }: Fallback) =>
  `${stored} in place of ${wanted} in ${tensors} ${tensors === 1 ? "tensor" : "tensors"} with rows of ${rowLength}, as llama.cpp does`;

const imatrixText = ({ file, tokens }: NonNullable<ExportResult["imatrix"]>) =>
  tokens === undefined ? `by ${file}` : `of ${tokens} tokens of the training rows, written to ${file}`;
