import { allReduceSeconds, allToAllSeconds, joinSeconds, type Network, othersOf } from "./collectives.ts";
import { GatheredBase, type SharedBase, sharedBaseMemory } from "./gathered-base.ts";
import { StepTimeline } from "./step-timeline.ts";

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
  /**
   * Seconds by which the computation is held up for each byte that is sent and received meanwhile: CPU time, which a rank that
   * computes on all of its cores has none to spare of.
   */
  readonly byteSeconds: number;
  /** Where each rank keeps a slice of the base (`train.shardBase`). */
  readonly base?: SharedBase | undefined;
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
  /** Bytes that each rank sends in a step, and receives; with those of the base. */
  readonly sentBytes: number;
  /** Null where each rank has the whole base. */
  readonly base: SharedBaseForecast | null;
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

/** A base of which each rank keeps a slice; bytes of one rank. */
export interface SharedBaseForecast {
  readonly kept: number;
  /** Of the memory that it gathers the rest to. */
  readonly buffers: number;
  /** Sent in a step. */
  readonly sentBytes: number;
  /** Seconds by which a step is longer for it: part of `step.network`. */
  readonly seconds: number;
}

/** Bytes a second in which rank 0 is taken to write a checkpoint while the others wait. */
const diskBandwidth = 500e6;

/** Seconds of the call that adds the gradients of one more rank; the numbers are as many with any number of ranks (measured). */
const additionSeconds = 2.5e-6;

/** Bytes of gradients that are exchanged at once. */
const bucketBytes = 25 * 2 ** 20;

/**
 * What a run would take on several ranks: a model. It assumes that each rank has the cores, the memory bandwidth and the disk
 * that the measured process had, and that all compute equally long.
 */
export function forecastRanks(costs: RankCosts, length: RunLength, question: RanksQuestion): RanksForecast {
  const { size, network } = question;
  const { step, base } = stepOf(costs, question);
  const gradients = costs.gradientBytes.reduce((sum, bytes) => sum + bytes, 0);
  const [load, join] = [costs.loadSeconds, joinSeconds(size, network)];
  const checkpoint = costs.checkpoint.hashSeconds + costs.checkpoint.bytes / diskBandwidth;
  const evaluation = evaluationSeconds(costs, question);
  return {
    ...question,
    step,
    base,
    sentBytes: (costs.accumulate + 1) * othersOf(size, gradients) + (base?.sentBytes ?? 0),
    exchangeBytes: exchangeBytes(costs.accumulate, size, gradients),
    efficiency: costs.stepSeconds / step.total,
    tokensPerSecond: (size * costs.stepTokens) / step.total,
    load,
    join,
    checkpoint,
    total:
      load +
      join +
      length.steps * step.total +
      length.evaluations * evaluation +
      length.checkpoints * checkpoint,
  };
}

/** A bucket of what others send; of several micro-batches copies that wait to be sent, and this rank's part of their sums. */
function exchangeBytes(accumulate: number, size: number, gradients: number): number {
  if (size === 1) return 0;
  return othersOf(size, Math.min(gradients, bucketBytes)) + (accumulate > 1 ? (1 + 1 / size) * gradients : 0);
}

function stepOf(costs: RankCosts, question: RanksQuestion): Pick<RanksForecast, "step" | "base"> {
  const { size } = question;
  const { accumulate, gradientBytes, stepSeconds: compute } = costs;
  const batches = (size - 1) * accumulate * costs.batchSeconds;
  const additions = (size - 1) * accumulate * gradientBytes.length * additionSeconds;
  const exchange = size === 1 ? 0 : costs.exchangeSeconds + additions;
  const { seconds: network, sentBytes } = networkOf(costs, question);
  const withWholeBase = networkOf({ ...costs, base: undefined }, question);
  return {
    step: { compute, batches, exchange, network, total: compute + batches + exchange + network },
    base: costs.base
      ? { ...sharedBaseMemory(costs.base, size), sentBytes, seconds: network - withWholeBase.seconds }
      : null,
  };
}

/** Seconds by which a step is longer for collectives, and bytes that are sent for the base. */
function networkOf(costs: RankCosts, question: RanksQuestion): { seconds: number; sentBytes: number } {
  const timeline = new StepTimeline(costs.byteSeconds);
  const base = costs.base && new GatheredBase(costs.base, timeline, question);
  accumulateGradients(costs, question, { timeline, base });
  agree(costs.accumulate * question.size, question, timeline); // on the losses
  agree(question.size, question, timeline); // on what each rank was asked to do
  return { seconds: timeline.waited, sentBytes: base?.sentBytes ?? 0 };
}

/**
 * The micro-batches of a step, as `DataParallel` and `HostExchange` go through them: gradients of the first dtype travel while
 * the next micro-batch is computed, those of others and the sums while nothing is.
 */
function accumulateGradients(
  { accumulate, gradientBytes, stepSeconds }: RankCosts,
  { size, network }: RanksQuestion,
  { timeline, base }: { readonly timeline: StepTimeline; readonly base: GatheredBase | undefined },
): void {
  const all = gradientBytes.map((bytes) => allToAllSeconds(size, bytes, network));
  const [first = 0, ...others] = all;
  const firstBytes = othersOf(size, gradientBytes[0] ?? 0);
  let end = 0;
  const finishRound = () => {
    timeline.waitUntil(end);
    for (const seconds of others) timeline.perform(seconds);
  };
  const seconds = stepSeconds / accumulate;
  for (let round = 0; round < accumulate; round++) {
    if (base) base.forwardAndBackward(seconds);
    else timeline.compute(seconds);
    if (round > 0) finishRound();
    end = timeline.begin(first, firstBytes);
  }
  finishRound();
  for (const sums of all) timeline.perform(sums);
}

/** Puts numbers of all ranks together. */
function agree(numbers: number, { size, network }: RanksQuestion, timeline: StepTimeline): void {
  timeline.perform(allReduceSeconds(size, 8 * numbers, network));
}

/** In each round every rank evaluates a batch; two all-reduces are for the losses, and for whether a rank is to stop. */
function evaluationSeconds({ evaluation, byteSeconds, base }: RankCosts, question: RanksQuestion): number {
  if (evaluation === null) return 0;
  const { size } = question;
  const rounds = Math.ceil(evaluation.batches / size);
  const seconds = evaluation.seconds / evaluation.batches;
  const timeline = new StepTimeline(byteSeconds);
  const gathered = base && new GatheredBase(base, timeline, question);
  for (let round = 0; round < rounds; round++) {
    gathered?.forward(seconds);
    agree(size, question, timeline);
    agree(size, question, timeline);
  }
  return rounds * seconds + timeline.waited;
}
