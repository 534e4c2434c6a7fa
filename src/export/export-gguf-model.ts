import { rmSync } from "node:fs";
import type { OpenModel } from "../assemble/open-model.ts";
import { imatrixOf, writeImatrix } from "../gguf/quantise/imatrix.ts";
import { describeModelForGguf } from "../models/index.ts";
import { chatFormatOf } from "./chat-setup.ts";
import { type CheckedRequest, ownImatrixFile } from "./check-request.ts";
import { collectInputs } from "./collect-inputs.ts";
import { exportGguf } from "./export-merged.ts";
import type { ExportResult } from "./export-request.ts";

/** Writes a merged model as a GGUF file; with the importance matrix that the request names, or that it asks to compute. */
export async function exportGgufModel(
  open: OpenModel,
  { out, dtype, imatrix: wanted }: CheckedRequest,
  signal: AbortSignal,
): Promise<Pick<ExportResult, "drift" | "tensorTypes" | "fallbacks" | "imatrix">> {
  const { endOfTurnId } = await chatFormatOf(open);
  if (wanted === undefined) return exportGguf(open, out, { dtype, endOfTurnId });
  if (wanted === true) return exportWithOwnImatrix(open, { out, dtype, endOfTurnId }, signal);
  const { path: file, read: imatrix } = wanted;
  return { ...exportGguf(open, out, { dtype, imatrix, endOfTurnId }), imatrix: { file } };
}

/** Computes the importance matrix on the run's training rows, and writes it beside the model for other quantisations. */
async function exportWithOwnImatrix(
  open: OpenModel,
  { out, dtype, endOfTurnId }: Pick<CheckedRequest, "out" | "dtype"> & { endOfTurnId: number | undefined },
  signal: AbortSignal,
) {
  const file = ownImatrixFile(out);
  const { architecture } = describeModelForGguf(open.baseFolder);
  const inputs = await collectInputs(open, architecture, signal);
  writeImatrix(file, inputs);
  try {
    const facts = exportGguf(open, out, { dtype, imatrix: imatrixOf(file, inputs), endOfTurnId });
    return { ...facts, imatrix: { file, tokens: inputs.tokens } };
  } catch (error) {
    rmSync(file);
    throw error;
  }
}
