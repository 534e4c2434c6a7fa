import { z } from "zod";
import { listMethods, methodNamed } from "../adapters/registry.ts";
import { fraction, integerAtLeast, nonNegative, positive, seed } from "../schema/field-types.ts";
import { internalError } from "../util/errors.ts";

/** The peak learning rates that recipes get that name none. */
const presets = () =>
  listMethods()
    .map(({ name, presetLr }) => `${name} ${presetLr.toExponential()}`)
    .join(", ");

/** Most batches of a step; all of them are in memory at once. */
const maxAccumulate = 100_000;

/** Most rows of a step, where it has several batches. */
export const maxStepRows = 4_000_000;

/** Pairs of keys of `train` of which a recipe may give one. */
export const exclusiveKeys = [
  ["steps", "epochs"],
  ["batchSize", "batchTokens"],
] as const;

/** How long a run is, and how large its batches are. */
const lengthAndBatches = () => ({
  steps: integerAtLeast(1).optional().meta({
    description: "Optimiser steps of the whole run (instead of epochs)",
    unset: "what epochs says",
  }),
  epochs: positive().optional().meta({
    description: "Passes over the training rows (instead of steps)",
    unset: "1 when steps is not given",
  }),
  batchSize: integerAtLeast(1).optional().meta({
    description: "Rows of one batch (instead of batchTokens)",
    unset: "8 when batchTokens is not given",
  }),
  batchTokens: integerAtLeast(1).optional().meta({
    description: "Token budget of one batch, of at most 1,024 rows (instead of batchSize)",
    unset: "what batchSize says",
  }),
  accumulate: integerAtLeast(1)
    .max(maxAccumulate)
    .default(1)
    .meta({
      expects: `an integer from 1 to ${maxAccumulate}`,
      description: "Batches of one optimiser step; the loss is normalised over all their label tokens",
    }),
});

/**
 * Section `train`: the optimisation itself. Steps are optimiser steps, counted from 1. Built on each call, because its
 * descriptions list all registered methods.
 */
export const trainSchema = () =>
  z.strictObject({
    ...lengthAndBatches(),
    lr: positive()
      .optional()
      .meta({
        description: "Peak learning rate; sweep it, it matters more than the method",
        unset: `the method's preset (${presets()})`,
      }),
    schedule: z.enum(["constant", "linear", "cosine", "polynomial"]).default("linear").meta({
      description: "Course of the learning rate after warm-up, down to 0 at the end (polynomial: of power 2)",
    }),
    warmup: nonNegative()
      .refine((warmup) => warmup < 1 || Number.isInteger(warmup))
      .default(0.05)
      .meta({
        expects: "a share of the steps below 1, or a number of steps from 1 on",
        description: "Linear warm-up: a share of all steps when below 1, else a number of steps",
      }),
    clip: nonNegative().default(1).meta({ description: "Largest gradient norm; 0 turns clipping off" }),
    optimizer: z.enum(["adamw", "sgd"]).default("adamw").meta({ description: "Optimiser" }),
    betas: z.tuple([fraction(), fraction()]).default([0.9, 0.999]).meta({
      expects: "two numbers, each from 0 up to, but without, 1",
      description: "Decay rates of AdamW's moments",
    }),
    eps: positive().default(1e-8).meta({ description: "AdamW's term against division by zero" }),
    momentum: fraction().default(0).meta({ description: "Momentum of sgd" }),
    weightDecay: nonNegative().default(0).meta({
      description:
        "Weight decay of everything trained but biases and norms (adamw: decoupled; sgd: in the gradient)",
    }),
    seed: seed().default(0).meta({ description: "Seed of data order, adapter start and sampling" }),
    evalEvery: integerAtLeast(1).optional().meta({
      description: "Steps between evaluations",
      unset: "a tenth of the run, at least 20",
    }),
    saveEvery: integerAtLeast(1).optional().meta({
      description: "Steps between checkpoints; one is always saved at the end, and of the best evaluation",
      unset: "by time: five minutes after the last one",
    }),
    keepLast: integerAtLeast(1).default(2).meta({
      description: "Checkpoints kept beside the best one",
    }),
    patience: integerAtLeast(0).default(0).meta({
      description: "Evaluations without a better loss before the run stops; 0 never stops early",
    }),
    // Optional, like `stopOnDivergence`, so that the recipes of runs that exist stay as they are.
    recompute: z.enum(["none", "auto", "all"]).optional().meta({
      description:
        "Recompute activations in the backward pass, for less memory and longer steps: none, all (of each block), or auto, where the run would not fit into memory otherwise",
      unset: "auto",
    }),
    shardBase: z.boolean().optional().meta({
      expects: "true or false",
      description:
        "Share the base model's weights out between the processes of a job, for models that do not fit into the memory of one (docs/distributed.md)",
      unset: "false: each process has the whole model",
    }),
    cudaGraphs: z.boolean().optional().meta({
      expects: "true or false",
      description:
        "Replay recorded passes (CUDA graphs) on a GPU, for small models: batches are padded, which changes last bits, and more memory is held (docs/gpu.md; never measured on a GPU)",
      unset: "false",
    }),
    stopOnDivergence: z.boolean().optional().meta({
      expects: "true or false",
      description:
        "Stop as failed, with a checkpoint, when 50 steps in a row have a loss far above the first one's (docs/training.md)",
      unset: "true",
    }),
  });

/** The section as it is written: what is left out gets its default. */
export type TrainInput = z.input<ReturnType<typeof trainSchema>>;

type UnresolvedTrainConfig = z.output<ReturnType<typeof trainSchema>>;

/**
 * Fills the defaults that depend on other keys and on the method. Exactly one of `steps` and `epochs`, and one of
 * `batchSize` and `batchTokens`, is set afterwards.
 */
export function resolveTrain(train: UnresolvedTrainConfig, method: string) {
  return {
    ...train,
    lr: train.lr ?? methodNamed(method)?.presetLr ?? unknownMethod(method),
    epochs: train.epochs ?? (train.steps === undefined ? 1 : undefined),
    batchSize: train.batchSize ?? (train.batchTokens === undefined ? 8 : undefined),
  };
}

export type TrainConfig = ReturnType<typeof resolveTrain>;

function unknownMethod(method: string): never {
  throw internalError(`no method ${method} is registered`);
}
