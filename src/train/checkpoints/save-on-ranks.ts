import { closeSync, fsyncSync, openSync } from "node:fs";
import type { AdapterSet } from "../../adapters/core/adapter-set.ts";
import type { RowSlice } from "../../nn/weight-shards.ts";
import { readSafetensorsHeader, type TensorSource } from "../../safetensors/index.ts";
import { dtypeWidth, narrow, scope, select, visitBytes } from "../../torch/index.ts";
import { required } from "../../util/elements.ts";
import { messageOf, ScaloraError } from "../../util/errors.ts";
import { writeFully } from "../../util/files.ts";
import type { DataParallel } from "../ranks/data-parallel.ts";
import type { UnfinishedCheckpoint } from "./save-checkpoint.ts";

const rowsOf = (adapters: AdapterSet): ReadonlyMap<string, RowSlice> => adapters.stateRows?.() ?? new Map();

/** Whether each rank writes a part of a checkpoint. */
export const isWrittenTogether = (adapters: AdapterSet): boolean => rowsOf(adapters).size > 0;

/** The tensors of a checkpoint of an adapter set, whole; those that are shared out between ranks are to be written by them. */
export function checkpointTensors(adapters: AdapterSet): Map<string, TensorSource> {
  const sources = new Map<string, TensorSource>(adapters.state());
  for (const [name, { rows }] of rowsOf(adapters)) {
    const { shape, dtype } = required(sources.get(name), name);
    const [layers = 0, , ...rest] = shape;
    sources.set(name, { shape: [layers, rows, ...rest], dtype });
  }
  return sources;
}

/**
 * Every rank writes its rows into the files that rank 0 has begun, which then finishes the checkpoint; where one fails, nothing is
 * left of it.
 * @param begun on rank 0, what it has begun; undefined where the step has a checkpoint
 */
export async function saveOnRanks(
  ranks: DataParallel,
  adapters: AdapterSet,
  begun: UnfinishedCheckpoint | undefined,
): Promise<void> {
  try {
    const file = await ranks.share(begun?.adaptersFile ?? "");
    if (file === "") return;
    writeOwnRows(file, ranks.rank, adapters);
    await ranks.group.barrier();
  } catch (error) {
    begun?.discard();
    throw error;
  }
  begun?.finish();
}

/** `writeRows`. @throws ScaloraError `run` that names this rank */
function writeOwnRows(file: string, rank: number, adapters: AdapterSet): void {
  try {
    writeRows(file, adapters);
  } catch (cause) {
    throw new ScaloraError("run", `Rank ${rank} could not write its part of the checkpoint; the run stops`, {
      where: file,
      found: messageOf(cause),
      fix: "make room, and on several machines use a run.folder that all of them share; then resume",
      cause,
    });
  }
}

/** Writes this rank's rows into a safetensors file that has room for all. */
function writeRows(file: string, adapters: AdapterSet): void {
  const { entries } = readSafetensorsHeader(file);
  const state = adapters.state();
  const descriptor = openSync(file, "r+");
  try {
    for (const [name, { rows, first, count }] of rowsOf(adapters)) {
      const stack = required(state.get(name), name);
      const { begin } = required(entries.get(name), `${name} in ${file}`);
      const [layers, perRank] = stack.sizes(3);
      const rowBytes = (stack.numel / (layers * perRank)) * dtypeWidth(stack.dtype);
      for (let layer = 0; layer < layers; layer++)
        scope(() => {
          let position = begin + (layer * rows + first) * rowBytes;
          visitBytes(narrow(select(stack, 0, layer), 0, 0, count), (piece) => {
            writeFully(descriptor, piece, position);
            position += piece.length;
          });
        });
    }
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
