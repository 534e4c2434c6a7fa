import type { AdapterSet } from "../../adapters/index.ts";
import type { Dataset } from "../../data/index.ts";
import { deviceOf, type RowSlice, type TrainableModel } from "../../nn/index.ts";
import type { Optimizer } from "../../optim/index.ts";
import {
  deviceMemory,
  dtypeWidth,
  keepsFreedMemory,
  memory,
  releaseFreeMemory,
  type Tensor,
} from "../../torch/index.ts";
import { deviceExchangeBytes } from "../../train/ranks/device-exchange.ts";
import { hostExchangeBytes } from "../../train/ranks/host-exchange.ts";
import { messageOf, ScaloraError } from "../../util/errors.ts";
import type { MemoryLimit } from "./available-memory.ts";
import { type BatchMemory, measureEvaluation, measureTraining } from "./measure-activations.ts";

/** The parts of a run before its first step. */
export interface RunParts {
  readonly model: TrainableModel;
  readonly adapters: AdapterSet;
  readonly optimizer: Optimizer;
}

/** The memory that a run takes at its peak; at least so much, where something of it is not known. */
export interface MemoryNeed {
  /** Bytes at the peak: `fixed` and the activations of the largest batch, or `least`. */
  readonly total: number;
  /** Bytes that loading and evaluation take, whatever the batch of training. */
  readonly least: number;
  /** Bytes of training whatever the batch: process, weights, gradients, moments. */
  readonly fixed: number;
  /** Bytes for each token of a training batch; null where they are not known. */
  readonly perToken: number | null;
  /** Tokens of the largest batch. */
  readonly tokens: number;
  /** Tokens of the longest row. */
  readonly longestRow: number;
  /** What could not be measured, and why: it is in none of the numbers. */
  readonly unknown: readonly string[];
}

/** Tensors that base stores hold in addition to the weights: low halves, or factors of the frozen low-rank delta. */
const baseStoreTensors = /\.base\.(low|P|Q)$/;

/** JavaScript heap that later steps add, and kernels that oneDNN makes in bfloat16 for their batches (measured, x86-64). */
const [laterHeap, laterKernels] = [24 * 2 ** 20, 16 * 2 ** 20];

/** Activations of recorded passes: theirs and those of computed ones, each of a batch padded by an eighth at most. */
const graphsFactor = 2 * (1 + 1 / 8);

/** What a run trains on and within. */
export interface MemorySettings {
  readonly dataset: Pick<Dataset, "train" | "eval">;
  /** Tokens of the largest batch. */
  readonly tokens: number;
  readonly limit: MemoryLimit;
  /** What measuring may take of this machine's memory, where it takes it: not on a GPU. */
  readonly host?: MemoryLimit | undefined;
  /** Peak of the process before the run was prepared, in bytes. */
  readonly peakBefore: number;
  /** Of a run on a GPU: the most that its tensors were while it was prepared, in bytes. */
  readonly preparingPeak?: number;
  /** Whether the backward pass runs the model's blocks again. */
  readonly recompute?: boolean;
  /** Whether passes are recorded: they hold their activations beside those of computed ones. */
  readonly cudaGraphs?: boolean | undefined;
  /** The ranks that exchange gradients. */
  readonly ranks?: number | undefined;
  /** Micro-batches of a step, over all ranks. */
  readonly microBatches?: number;
}

/**
 * The memory of training at its peak, measured with passes over batches of some hundred tokens; gradients are zero afterwards.
 * On a GPU it is that of its tensors.
 * @throws ScaloraError `config` when memory is not even enough for these passes
 */
export function memoryNeed(parts: RunParts, settings: MemorySettings): MemoryNeed {
  const { model, adapters } = parts;
  const { dataset, tokens, host, recompute = false, ranks = 1, microBatches = 1 } = settings;
  const rows = dataset.train.flat();
  const unknown: string[] = [];
  const measure = (what: string, pass: () => BatchMemory) => measured(what, pass, { recompute, unknown });
  const training = measure("a training batch", () =>
    measureTraining({ model, rows, tokens, limit: host }, recompute),
  );
  const evaluation = measure("an evaluation", () => measureEvaluation(model, dataset.eval, host));
  adapters.zeroGrad();
  const isOnCpu = deviceOf(model) === "cpu";
  const { kept, soFar } = isOnCpu
    ? processMemory(parts, settings.peakBefore)
    : gpuMemory(parts, settings.preparingPeak);
  const exchange = isOnCpu ? hostExchangeBytes : deviceExchangeBytes;
  const factor = settings.cudaGraphs ? graphsFactor : 1;
  const perToken = training ? factor * training.perToken : null;
  const bytes = factor * (training?.bytes ?? 0) + exchange(adapters, ranks, microBatches);
  const least = Math.max(kept + (evaluation?.bytes ?? 0), soFar);
  return {
    total: Math.max(kept + bytes, least),
    fixed: kept + bytes - tokens * (perToken ?? 0),
    longestRow: rows.reduce((length, { ids }) => Math.max(length, ids.length), 0),
    least,
    perToken,
    tokens,
    unknown,
  };
}

/**
 * A measurement; undefined, and noted as unknown, where it fails otherwise than for lack of memory: the first step, or evaluation,
 * will fail in the same way.
 * @throws ScaloraError `config` when memory is not even enough for what is measured
 */
function measured(
  what: string,
  measure: () => BatchMemory,
  { recompute, unknown }: { readonly recompute: boolean; readonly unknown: string[] },
): BatchMemory | undefined {
  try {
    return measure();
  } catch (cause) {
    if (!isLackOfMemory(cause)) {
      unknown.push(`${what}: ${messageOf(cause)}`);
      return undefined;
    }
    throw new ScaloraError("config", "The run does not fit into memory", {
      expected: "memory for a pass over some hundred tokens",
      found: messageOf(cause),
      fix: `use shorter rows (data.maxLength), ${recompute ? "" : "train.recompute: all, "}model.dtype: bfloat16, adapter.method: qlora, or a smaller model`,
      cause,
    });
  }
}

/** As the addon, and libtorch's allocators of each device, say it. */
const isLackOfMemory = (error: unknown) =>
  /not enough memory|can't allocate memory|out of memory/i.test(messageOf(error));

/** What the process keeps between steps, and its peak so far if that is of this run. */
function processMemory({ model, adapters }: RunParts, peakBefore: number): { kept: number; soFar: number } {
  releaseFreeMemory();
  const { resident, peak } = memory();
  const kernels = model.info.dtype === "bfloat16" ? laterKernels : 0;
  // In a heap that keeps what is freed, the holes become too small for the largest gradients (measured, glibc).
  const largest = adapters.trainables().reduce((most, { grad }) => Math.max(most, bytesOf([grad])), 0);
  const holes = keepsFreedMemory() ? 2 * largest : 0;
  return { kept: resident + laterHeap + kernels + holes, soFar: peak > peakBefore ? peak : 0 };
}

/** What a GPU's allocator keeps between steps, and its peak while the run was prepared; where it does not tell, what is known. */
function gpuMemory(parts: RunParts, preparingPeak = 0): { kept: number; soFar: number } {
  const kept = deviceMemory(deviceOf(parts.model))?.tensors ?? keptBytes(parts);
  return { kept, soFar: preparingPeak };
}

/** Resident memory of a process that trains on a GPU. */
export function hostBytes(device: string): number {
  releaseFreeMemory();
  const gpu = deviceMemory(device);
  const standIn = gpu?.total === 0 ? gpu.tensors : 0;
  return Math.max(0, memory().resident - standIn) + laterHeap;
}

/** What takes memory between steps, in bytes. */
export interface KeptParts {
  /** All weights, with base stores; quantised ones in 4 bits. */
  readonly weights: number;
  /** What is trained beside them, and the gradients of all that is trained. */
  readonly trained: number;
  /** The optimiser's state. */
  readonly optimizer: number;
}

/** The tensors that a run keeps between steps. */
export function keptParts({ model, adapters, optimizer }: RunParts): KeptParts {
  const weights = new Set([...model.namedParameters()].map(([, weight]) => weight));
  const trainables = adapters.trainables();
  const own = trainables.map(({ value }) => value).filter((value) => !weights.has(value));
  const merged = [...adapters.state()].filter(([name]) => baseStoreTensors.test(name));
  const gradients = trainables.map(({ grad }) => grad);
  const beside = merged.map(([, tensor]) => tensor);
  return {
    weights: bytesOf([...weights, ...beside]),
    trained: bytesOf([...own, ...gradients]),
    optimizer: bytesOf([...optimizer.state().values()]),
  };
}

/** Bytes of the tensors that a run keeps between steps. */
export function keptBytes(parts: RunParts): number {
  const { weights, trained, optimizer } = keptParts(parts);
  return weights + trained + optimizer;
}

/** Bytes of a checkpoint's tensors: factors, moments, and the adapted weights, whole, if the method changes them. */
export function checkpointBytes({ adapters, optimizer }: Omit<RunParts, "model">): number {
  const shared: ReadonlyMap<string, RowSlice> = adapters.stateRows?.() ?? new Map();
  const state = [...adapters.state()].map(([name, tensor]) => {
    const slice = shared.get(name);
    return bytesOf([tensor]) * (slice ? slice.rows / slice.perRank : 1);
  });
  return state.reduce((sum, bytes) => sum + bytes, bytesOf([...optimizer.state().values()]));
}

const bytesOf = (tensors: readonly Tensor[]) =>
  tensors.reduce((sum, { numel, dtype }) => sum + numel * dtypeWidth(dtype), 0);
