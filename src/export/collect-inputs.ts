import { basename } from "node:path";
import { evaluationBatches } from "../assemble/evaluation-batches.ts";
import { trainingRows } from "../assemble/held-out-rows.ts";
import type { OpenModel } from "../assemble/open-model.ts";
import { toGgufName } from "../gguf/architectures.ts";
import type { CollectedInputs } from "../gguf/quantise/imatrix.ts";
import { requireArchitecture } from "../gguf/write-model.ts";
import { Linear, type TrainableModel } from "../nn/index.ts";
import { noGrad, scope, square, sum, type Tensor, toDType } from "../torch/index.ts";
import { objectiveOf } from "../train/objective.ts";
import { ScaloraError } from "../util/errors.ts";
import { mapInTurns } from "../util/event-loop.ts";

/** About as many tokens as importance matrices are usually made of; more change little. */
const enoughTokens = 1 << 15;

/**
 * Sums of squares of the inputs of each linear layer, over the run's training rows (or some of them, evenly spread, where they are
 * long), with the adapter as it was trained.
 * @throws ScaloraError `usage` when the target has no training rows
 */
export async function collectInputs(
  open: OpenModel,
  architecture: string,
  signal: AbortSignal,
): Promise<CollectedInputs> {
  const rows = await trainingRows(open);
  if (typeof rows === "string" || rows.length === 0)
    throw new ScaloraError("usage", "There are no training rows to compute an importance matrix on", {
      where: open.baseFolder,
      found: typeof rows === "string" ? rows : "no rows",
      fix: "give a run, or an importance matrix as a file: imatrix (--imatrix FILE.gguf)",
    });
  const used = spread(rows);
  const { model } = open;
  const sums = new Map<string, Float64Array>();
  const stop = recordInputs(layersByName(model, architecture), (name, squares) => addTo(sums, name, squares));
  try {
    const objective = objectiveOf(model);
    await mapInTurns(evaluationBatches(used), (batch) => {
      signal.throwIfAborted();
      objective.evaluate(batch);
    });
  } finally {
    stop();
  }
  const dataset = open.recipe?.data.train.map(({ path }) => basename(path)).join(", ") ?? "";
  return { dataset, sums, tokens: used.reduce((total, { ids }) => total + ids.length, 0) };
}

/** Every n-th row, so that about `enoughTokens` are left. */
function spread<T extends { readonly ids: ArrayLike<number> }>(rows: readonly T[]): T[] {
  const tokens = rows.reduce((total, { ids }) => total + ids.length, 0);
  const every = Math.max(1, Math.round(tokens / enoughTokens));
  return rows.filter((_, index) => index % every === 0);
}

function addTo(sums: Map<string, Float64Array>, name: string, squares: Float64Array): void {
  const sum = sums.get(name);
  if (sum === undefined) sums.set(name, squares);
  else for (const [i, value] of squares.entries()) sum[i] = (sum[i] ?? 0) + value;
}

/** The linear layers of the blocks by the names of their weights in GGUF files; as in llama.cpp, the output is not one of them. */
function layersByName(model: TrainableModel, architecture: string): Map<string, Linear> {
  const layers = new Map<string, Linear>();
  for (const [path, layer] of model.namedModules()) {
    const name = toGgufName(requireArchitecture(architecture), `${path}.weight`);
    if (layer instanceof Linear && name?.startsWith("blk.")) layers.set(name, layer);
  }
  return layers;
}

/** Calls `record` with the sums of squares of the columns of each layer's inputs, until the result is called. */
function recordInputs(
  layers: ReadonlyMap<string, Linear>,
  record: (name: string, squares: Float64Array) => void,
): () => void {
  const undo: (() => void)[] = [];
  for (const [name, layer] of layers) {
    const { adapter } = layer;
    undo.push(() => {
      layer.adapter = adapter;
    });
    layer.adapter = {
      forward(x, base) {
        record(name, columnSquares(x));
        return adapter === undefined ? base.forwardBase(x) : adapter.forward(x, base);
      },
    };
  }
  return () => {
    for (const restore of undo) restore();
  };
}

/** @param x `[rows, in]` */
const columnSquares = (x: Tensor): Float64Array =>
  noGrad(() => scope(() => sum(square(toDType(x, "float32")), { dim: [0] }).toFloats()));
