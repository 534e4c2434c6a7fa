import { allReduceSeconds, allToAllSeconds, joinSeconds, type Network, othersOf } from "./collectives.ts";

/** What one process was measured to need, which each of several ranks needs too. */
export interface RankCosts {
  /** Seconds of a step: its micro-batches and the optimiser. */
  readonly stepSeconds: number;
  /** Micro-batches of a step. */
  readonly accumulate: number;
  /** Tokens of a step. */
  readonly stepTokens: number;
  /** Seconds to make a micro-batch; every rank makes those of all ranks. */
  readonly batchSeconds: number;
  /** Bytes of the gradients of each dtype. */
  readonly gradientBytes: readonly number[];
  /** Seconds of a step's exchange in a group of one: copies, sums, calls. */
  readonly exchangeSeconds: number;
  /** Seconds to load model and data. */
  readonly loadSeconds: number;
  /** Of one evaluation; null without held-out rows. */
  readonly evaluation: { readonly seconds: number; readonly batches: number } | null;
  readonly checkpoint: { readonly bytes: number; readonly hashSeconds: number };
}

/** How long a run is. */
export interface RunLength {
  readonly steps: number;
  readonly evaluations: number;
  readonly checkpoints: number;
}

/** The ranks that are asked about. */
export interface RanksQuestion {
  readonly size: number;
  readonly network: Network;
}

/** What a run would take on several ranks; times in seconds. */
export interface RanksForecast extends RanksQuestion {
  readonly step: {
    readonly compute: number;
    readonly batches: number;
    /** Copies and sums of gradients. */
    readonly exchange: number;
    readonly network: number;
    readonly total: number;
  };
  /** Bytes that each rank sends in a step, and receives. */
  readonly sentBytes: number;
  /** Bytes that each rank needs for the exchange of gradients. */
  readonly exchangeBytes: number;
  /** Tokens per second of all ranks, as a fraction of `size` times those of one process. */
  readonly efficiency: number;
  readonly tokensPerSecond: number;
  readonly load: number;
  readonly join: number;
  readonly checkpoint: number;
  /** Of the whole run. */
  readonly total: number;
}

/** Bytes a second in which rank 0 is taken to write a checkpoint while the others wait. */
const diskBandwidth = 500e6;

/** Seconds of the call that adds the gradients of one more rank; the numbers are as many with any number of ranks (measured). */
const additionSeconds = 2.5e-6;

/**
 * What a run would take on several ranks: a model. It assumes that each rank has the cores, the memory bandwidth and the disk
 * that the measured process had, and that all compute equally long. The gradients of a micro-batch travel while the next one is
 * computed, those of the last one while nothing is.
 */
export function forecastRanks(costs: RankCosts, length: RunLength, question: RanksQuestion): RanksForecast {
  const { size, network } = question;
  const step = stepOf(costs, question);
  const gradients = costs.gradientBytes.reduce((sum, bytes) => sum + bytes, 0);
  const [load, join] = [costs.loadSeconds, joinSeconds(size, network)];
  const checkpoint = costs.checkpoint.hashSeconds + costs.checkpoint.bytes / diskBandwidth;
  const evaluation = evaluationSeconds(costs, question);
  return {
    ...question,
    step,
    sentBytes: (costs.accumulate + 1) * othersOf(size, gradients),
    exchangeBytes: size === 1 ? 0 : (2 + 1 / size) * gradients,
    efficiency: costs.stepSeconds / step.total,
    tokensPerSecond: (size * costs.stepTokens) / step.total,
    ...{ load, join, checkpoint },
    total:
      load +
      join +
      length.steps * step.total +
      length.evaluations * evaluation +
      length.checkpoints * checkpoint,
  };
}

function stepOf(costs: RankCosts, { size, network }: RanksQuestion): RanksForecast["step"] {
  const { accumulate, gradientBytes } = costs;
  const compute = costs.stepSeconds;
  const batches = (size - 1) * accumulate * costs.batchSeconds;
  const additions = (size - 1) * accumulate * gradientBytes.length * additionSeconds;
  const exchange = size === 1 ? 0 : costs.exchangeSeconds + additions;
  const gradients = gradientBytes.reduce((sum, bytes) => {
    const round = allToAllSeconds(size, bytes, network);
    const beyondComputation = Math.max(0, round - compute / accumulate);
    return sum + (accumulate - 1) * beyondComputation + 2 * round;
  }, 0);
  // The losses of all micro-batches, and what each rank was asked to do.
  const numbers = [accumulate * size, size].map((count) => allReduceSeconds(size, 8 * count, network));
  const onNetwork = numbers.reduce((sum, seconds) => sum + seconds, gradients);
  return { compute, batches, exchange, network: onNetwork, total: compute + batches + exchange + onNetwork };
}

/** In each round every rank evaluates a batch; two all-reduces are for the losses, and for whether a rank is to stop. */
function evaluationSeconds({ evaluation }: RankCosts, { size, network }: RanksQuestion): number {
  if (evaluation === null) return 0;
  const rounds = Math.ceil(evaluation.batches / size);
  return rounds * (evaluation.seconds / evaluation.batches + 2 * allReduceSeconds(size, 8 * size, network));
}
