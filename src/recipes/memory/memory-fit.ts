import { loadedModelBytes } from "../../assemble/loaded-model-bytes.ts";
import type { ModelConfig, Recipe } from "../../config/index.ts";
import { isClassifier, Linear, LMHead, type TrainableModel } from "../../nn/index.ts";
import { Tensor } from "../../torch/index.ts";
import { ScaloraError } from "../../util/errors.ts";
import { formatBytes, formatCount } from "../../util/format.ts";
import type { MemoryLimit } from "./available-memory.ts";
import type { MemoryNeed } from "./memory-estimate.ts";

/** The estimate may be wrong by this much: a run is refused that would not fit if it were too high. */
const estimateError = 0.1;
/** Activations and float32 weights in bfloat16 take about this share of their memory (norms compute in float32). */
const [bfloat16Activations, bfloat16Weights, nf4Share] = [0.65, 0.5, 0.14];

/** Bytes of the weights that a smaller dtype would make smaller. */
export interface WeightBytes {
  /** All weights, when they are float32; else 0. */
  readonly float32: number;
  /** The linear layers of blocks, when they are not quantised; else 0. */
  readonly quantisable: number;
}

/** What a limit is, after its bytes. */
const allOf = ({ of, sharedBy }: MemoryLimit) =>
  sharedBy === undefined
    ? `all that this process may take of ${of}`
    : `all that each of ${sharedBy} processes may take of ${of}`;

/** Whether a run fits into memory, given the error of the estimate. */
export function fitOf({ total }: Pick<MemoryNeed, "total">, { bytes }: MemoryLimit): "yes" | "tight" | "no" {
  if (total * (1 - estimateError) > bytes) return "no";
  return total * (1 + estimateError) > bytes ? "tight" : "yes";
}

/** The bytes of a loaded model's weights, before a method is attached. */
export function weightBytesOf(model: TrainableModel): WeightBytes {
  const weights = [...model.namedParameters()].map(([, weight]) => weight);
  const linear = [...model.namedModules()].flatMap(([, module]) =>
    module instanceof Linear && !(module instanceof LMHead) && module.weight instanceof Tensor
      ? [module.weight]
      : [],
  );
  const bytes = (tensors: readonly Tensor[]) =>
    tensors.reduce((sum, { numel, dtype }) => sum + numel * (dtype === "float32" ? 4 : 2), 0);
  return {
    float32: bytes(weights.filter(({ dtype }) => dtype === "float32")),
    quantisable: isClassifier(model) ? 0 : bytes(linear),
  };
}

/** What a run needs and may take. */
interface FittedRun {
  readonly memory: MemoryNeed;
  /** What it needs if it recomputes activations, where it does not and does not fit. */
  readonly recomputed?: MemoryNeed | undefined;
  readonly memoryLimit: MemoryLimit;
  readonly weightBytes: WeightBytes;
}

/** Whether a run that does not fit into memory is refused: where the limit is known, unless `SCALORA_MEMORY_CHECK=off`. */
export const isMemoryChecked = ({ bytes }: MemoryLimit, env = process.env): boolean =>
  Number.isFinite(bytes) && env["SCALORA_MEMORY_CHECK"] !== "off";

/**
 * Refuses a run that cannot fit into memory, unless `SCALORA_MEMORY_CHECK=off`.
 * @returns a warning when it may not fit
 * @throws ScaloraError `config` saying what would fit
 */
export function checkMemoryFit(
  { memory: need, recomputed, memoryLimit: limit, weightBytes }: FittedRun,
  recipe: Recipe,
  env = process.env,
): string | undefined {
  if (!isMemoryChecked(limit, env)) return undefined;
  const fit = fitOf(need, limit);
  if (fit === "yes") return undefined;
  const error = memoryError({ need, recomputed, limit, weightBytes }, recipe);
  if (fit === "no") throw error;
  return `memory is tight: ${error.found}; ${error.expected}`;
}

/** Where a model is to be loaded. */
interface ModelPlace {
  /** The number of ranks that its weights are shared out between. */
  readonly sharedBy?: number | undefined;
  /** Whether its weights are copied from their files, to another device. */
  readonly isCopied?: boolean;
}

/**
 * Refuses a model that cannot be loaded into memory, before loading it is tried.
 * @throws ScaloraError `config`
 */
export function checkModelFit(
  config: ModelConfig,
  limit: MemoryLimit,
  place: ModelPlace = {},
  env = process.env,
): void {
  if (!isMemoryChecked(limit, env)) return;
  const bytes = loadedModelBytes(config, place);
  if (fitOf({ total: bytes }, limit) !== "no") return;
  throw new ScaloraError("config", "The model does not fit into memory", {
    where: `model.path: ${config.path}`,
    expected: `at most ${formatBytes(limit.bytes)}, ${allOf(limit)}`,
    found: `about ${formatBytes(bytes)} for its weights alone`,
    fix: modelsThatFit(config, limit, place),
  });
}

/**
 * What a stand-in for a GPU, which has this machine's memory, cannot count because it does not fit there.
 * @param isTrained whether the weights are: gradients and two moments are then as large
 * @returns a warning, or undefined where it fits
 */
export function standInMisfit(
  config: ModelConfig,
  limit: MemoryLimit,
  { isTrained, sharedBy }: { readonly isTrained: boolean; readonly sharedBy?: number | undefined },
): string | undefined {
  const weights = loadedModelBytes(config, { sharedBy, isCopied: true });
  const bytes = (isTrained ? 4 : 1) * weights;
  if (fitOf({ total: bytes }, limit) === "yes") return undefined;
  return `what a GPU would hold cannot be counted here: about ${formatBytes(bytes)} for the weights${isTrained ? " with gradients and moments" : ""} of ${formatBytes(limit.bytes)}, ${allOf(limit)}; run check on the machine with the GPU, or on one with more memory`;
}

/** Other forms of the same weights that fit, with what they take; else the memory that the smallest needs. */
function modelsThatFit(config: ModelConfig, limit: MemoryLimit, place: ModelPlace): string {
  const forms = [
    { text: "model.dtype: bfloat16", change: { dtype: "bfloat16" } },
    { text: "adapter.method: qlora", change: { quantization: "nf4" } },
    {
      text: "adapter.method: qlora with model.dtype: bfloat16",
      change: { dtype: "bfloat16", quantization: "nf4" },
    },
  ] as const;
  const sizes = forms.map(({ text, change }) => ({
    text,
    bytes: loadedModelBytes({ ...config, ...change }, place),
  }));
  const fitting = sizes.filter(
    ({ bytes }, i) =>
      fitOf({ total: bytes }, limit) === "yes" && sizes.findIndex((size) => size.bytes === bytes) === i,
  );
  if (fitting.length === 0)
    return `use a smaller model, or a machine with ${formatBytes(Math.min(...sizes.map(({ bytes }) => bytes)))} for it`;
  const texts = fitting.map(({ text, bytes }) =>
    bytes === 0 ? `${text} maps the files as they are` : `${text} takes about ${formatBytes(bytes)}`,
  );
  return `${texts.join("; ")}; or use a smaller model`;
}

/** A run that may not fit, with what its refusal says. */
interface Misfit {
  readonly need: MemoryNeed;
  readonly recomputed?: MemoryNeed | undefined;
  readonly limit: MemoryLimit;
  readonly weightBytes: WeightBytes;
}

/** Why a run does not fit into memory, and what would, even if the estimate were too low. */
export function memoryError(
  { need, recomputed, limit, weightBytes }: Misfit,
  { train }: { readonly train: Pick<Recipe["train"], "batchTokens"> },
): ScaloraError {
  const { total, least } = need;
  const parts =
    least < total ? batchParts(need) : "that of loading the model, or of evaluating, whatever the batch";
  return new ScaloraError("config", "The run does not fit into memory", {
    where: train.batchTokens === undefined ? "train.batchSize" : "train.batchTokens",
    expected: `at most ${formatBytes(limit.bytes)}, ${allOf(limit)}`,
    found: `about ${formatBytes(total)} at the peak: ${parts}`,
    fix: [
      ...(recomputed && fitOf(recomputed, limit) === "yes"
        ? [`train.recompute: all takes about ${formatBytes(recomputed.total)}`]
        : []),
      ...smallerBatch(need, limit),
      ...smallerTypes(need, weightBytes, limit),
      "SCALORA_MEMORY_CHECK=off starts it all the same",
    ].join("; "),
  });
}

function batchParts({ fixed, perToken, tokens }: MemoryNeed): string {
  const always = `${formatBytes(fixed)} whatever the batch`;
  if (perToken === null) return `${always}, and what one takes is not known`;
  return `${always}, ${formatBytes(tokens * perToken)} for the largest one of ${formatCount(tokens)} tokens`;
}

/** The largest token budget with which the run would fit. */
function smallerBatch(
  { fixed, perToken, least, tokens, longestRow }: MemoryNeed,
  limit: MemoryLimit,
): string[] {
  if (perToken === null) return [];
  const room = limit.bytes / (1 + estimateError);
  const fitting = Math.min(tokens - 1, Math.floor((room - fixed) / perToken));
  if (least > room || fitting < 2) return [];
  const length = fitting < longestRow ? ` with data.maxLength: ${fitting}` : "";
  return [`train.batchTokens: ${fitting}${length} fits (a larger train.accumulate makes up for it)`];
}

/** Other types of the weights with which the run would fit. */
function smallerTypes(
  { fixed, perToken, tokens }: MemoryNeed,
  { float32, quantisable }: WeightBytes,
  limit: MemoryLimit,
): string[] {
  if (perToken === null) return [];
  const half = fixed - float32 * (1 - bfloat16Weights) + tokens * perToken * bfloat16Activations;
  const quantised = fixed - quantisable * (1 - nf4Share) + tokens * perToken;
  const fits = (total: number) => fitOf({ total }, limit) === "yes";
  return [
    ...(float32 > 0 && fits(half) ? [`model.dtype: bfloat16 takes about ${formatBytes(half)}`] : []),
    ...(quantisable > 0 && fits(quantised)
      ? [`adapter.method: qlora takes about ${formatBytes(quantised)}`]
      : []),
  ];
}
