import type { AdapterSet } from "../adapters/index.ts";
import type { TrainConfig } from "../config/index.ts";
import { AdamW, type Optimizer, SGD } from "../optim/index.ts";

/** The recipe's optimiser over all trainable parameters of the method. */
export function makeOptimizer(adapters: AdapterSet, train: TrainConfig): Optimizer {
  const { weightDecay } = train;
  return train.optimizer === "sgd"
    ? new SGD(adapters.trainables(), { momentum: train.momentum, weightDecay })
    : new AdamW(adapters.trainables(), { betas: train.betas, eps: train.eps, weightDecay });
}
