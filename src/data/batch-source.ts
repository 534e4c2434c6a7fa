import { elementAt } from "../util/elements.ts";
import { ScaloraError } from "../util/errors.ts";
import { isWithinLimits, limitsText } from "../util/number-limits.ts";
import { Random } from "../util/random.ts";
import { collate } from "./collate.ts";
import { deriveSeed } from "./derive-seed.ts";
import { hashExamples } from "./hash-examples.ts";
import { chunkRows, packRows } from "./packing.ts";
import { RowSampler } from "./row-sampler.ts";
import type { Batch, Example } from "./types.ts";

/** How rows become batches: exactly one of `batchSize` (rows) and `batchTokens` (a budget). */
export interface BatchSourceOptions {
  /** Default 0. */
  seed?: number;
  batchSize?: number;
  batchTokens?: number;
  /** Sampling weight of each source, relative to the others. Without weights all rows are shuffled together. */
  weights?: readonly number[];
}

/** Rows that are planned, epoch by epoch, to find the largest batch. */
const mostPlannedRows = 100_000;

/** State of a `BatchSource` for checkpoints, as JSON. */
export interface BatchState {
  version: 1;
  /** Hash of data and options; a state fits only the source that made it. */
  fingerprint: string;
  /** Finished epochs. */
  epoch: number;
  /** Batches of this epoch that have been taken. */
  batch: number;
  /** Rows drawn from each source before this epoch, by source. */
  drawn: number[];
}

/**
 * An endless stream of batches whose order depends only on seed, data and options. An epoch draws as many rows as there
 * are, in a new order each time; its last batch may be smaller. With weights, each source is drawn at its own rate, without
 * replacement until all of its rows have been drawn.
 */
export class BatchSource {
  private readonly examples: Example[];
  private readonly lengths: readonly number[];
  private readonly options: BatchSourceOptions;
  private readonly order: RowSampler;
  private readonly fingerprint: string;
  private epochsDone = 0;
  private position = 0;
  private drawn: number[];
  private epochBatches: number[][] | undefined;
  private firstEpoch: number[][] | undefined;

  /** @throws ScaloraError `config` for impossible options, `data` for no rows or a row larger than `batchTokens`. */
  constructor(perSource: readonly (readonly Example[])[], options: BatchSourceOptions) {
    this.examples = perSource.flat();
    this.lengths = this.examples.map(({ ids }) => ids.length);
    this.options = options;
    checkBatchSize(this.examples, options);
    this.order = new RowSampler(
      perSource.map(({ length }) => length),
      options.weights,
      options.seed ?? 0,
    );
    this.drawn = this.order.initialCounts();
    this.fingerprint = computeFingerprint(perSource, options);
  }

  /** Finished epochs. */
  get epoch(): number {
    return this.epochsDone;
  }

  /** The next batch; there always is one. */
  next(): Batch {
    this.epochBatches ??= this.epochPlan(this.epochsDone, this.drawn);
    const rows = elementAt(this.epochBatches, this.position++);
    const batch = collate(rows.map((row) => elementAt(this.examples, row)));
    if (this.position === this.epochBatches.length) {
      this.drawn = this.order.countsAfterEpoch(this.drawn);
      this.epochsDone++;
      [this.position, this.epochBatches, this.firstEpoch] = [0, undefined, undefined];
    }
    return batch;
  }

  /** Number of batches in the first `epochs` epochs; a fraction of an epoch is rounded up. */
  countBatches(epochs: number): number {
    let drawn = this.order.initialCounts();
    let count = 0;
    for (let epoch = 0; epoch < epochs; epoch++) {
      count += Math.ceil(this.epochPlan(epoch, drawn).length * Math.min(1, epochs - epoch));
      drawn = this.order.countsAfterEpoch(drawn);
    }
    return count;
  }

  /**
   * Tokens of the largest of the first `count` batches, which is looked for in up to ten epochs: as many as have 100,000 rows
   * together, at least one.
   */
  largestBatchTokens(count: number): number {
    const epochs = Math.min(10, Math.ceil(mostPlannedRows / this.lengths.length));
    let drawn = this.order.initialCounts();
    let [left, largest] = [count, 0];
    for (let epoch = 0; epoch < epochs && left > 0; epoch++) {
      const batches = this.epochPlan(epoch, drawn);
      for (const rows of batches.slice(0, left)) largest = Math.max(largest, this.tokensOf(rows));
      left -= batches.length;
      drawn = this.order.countsAfterEpoch(drawn);
    }
    return largest;
  }

  /** The present state, for a checkpoint. */
  state(): BatchState {
    return {
      version: 1,
      fingerprint: this.fingerprint,
      epoch: this.epochsDone,
      batch: this.position,
      drawn: [...this.drawn],
    };
  }

  /** Resumes from a `state()`. @throws ScaloraError `data` when it belongs to other data or options. */
  restore(state: BatchState): void {
    if (state.version !== 1 || state.fingerprint !== this.fingerprint)
      throw new ScaloraError(
        "data",
        "The data position of the checkpoint belongs to other data or batch settings",
        {
          expected: `fingerprint ${state.fingerprint}`,
          found: this.fingerprint,
          fix: "resume with the files, tokenizer, seed and batch size of the run, or start a new run",
        },
      );
    this.epochsDone = state.epoch;
    this.position = state.batch;
    this.drawn = [...state.drawn];
    this.epochBatches = undefined;
  }

  private tokensOf(rows: readonly number[]): number {
    return rows.reduce((sum, row) => sum + elementAt(this.lengths, row), 0);
  }

  /** The batches of an epoch; the first one's are kept until it is over, since they are asked for before it begins. */
  private epochPlan(epoch: number, drawn: readonly number[]): number[][] {
    if (epoch > 0) return this.planEpoch(epoch, drawn);
    this.firstEpoch ??= this.planEpoch(0, drawn);
    return this.firstEpoch;
  }

  private planEpoch(epoch: number, drawn: readonly number[]): number[][] {
    const rows = this.order.sampleEpoch(drawn);
    const { batchSize, batchTokens, seed = 0 } = this.options;
    if (batchSize !== undefined) return chunkRows(rows, batchSize);
    const batches = packRows(rows, (row) => elementAt(this.lengths, row), batchTokens ?? 0);
    return new Random(deriveSeed(seed, "batches", epoch)).shuffled(batches);
  }
}

/**
 * Batches in the examples' own order, for evaluation: `batchSize` rows, or as many as fit into `batchTokens`.
 * @throws ScaloraError as `BatchSource`
 */
export function batchesInOrder(
  examples: readonly Example[],
  options: Pick<BatchSourceOptions, "batchSize" | "batchTokens">,
): Batch[] {
  checkBatchSize(examples, options);
  const { batchSize, batchTokens = 0 } = options;
  if (batchSize !== undefined) return chunkRows(examples, batchSize).map(collate);
  const batches: Example[][] = [];
  let room = 0;
  for (const example of examples) {
    if (example.ids.length > room) {
      batches.push([]);
      room = batchTokens;
    }
    batches.at(-1)?.push(example);
    room -= example.ids.length;
  }
  return batches.map(collate);
}

function checkBatchSize(
  examples: readonly Example[],
  { batchSize, batchTokens }: Pick<BatchSourceOptions, "batchSize" | "batchTokens">,
): void {
  if ((batchSize === undefined) === (batchTokens === undefined))
    throw new ScaloraError("config", "The batch size must be given either in rows or in tokens", {
      expected: "one of train.batchSize and train.batchTokens",
    });
  const size = batchSize ?? batchTokens;
  const limits = { whole: true, least: 1 };
  if (!isWithinLimits(size, limits))
    throw new ScaloraError("config", "The batch size is out of range", {
      where: batchSize === undefined ? "train.batchTokens" : "train.batchSize",
      expected: limitsText(limits),
      found: String(size),
    });
  if (examples.length === 0) throw new ScaloraError("data", "There is no row to make batches of");
  const large = batchTokens === undefined ? [] : examples.filter(({ ids }) => ids.length > batchTokens);
  const [first, ...others] = large;
  if (first !== undefined)
    throw new ScaloraError("data", "A row is larger than the token budget of a batch", {
      where: first.source,
      expected: `at most train.batchTokens = ${batchTokens} tokens`,
      found: `${first.ids.length} tokens${others.length > 0 ? `, and ${others.length} more such rows` : ""}`,
      fix: "raise train.batchTokens, or lower data.maxLength",
    });
}

function computeFingerprint(perSource: readonly (readonly Example[])[], options: BatchSourceOptions): string {
  const { seed = 0, batchSize = 0, batchTokens = 0, weights = [] } = options;
  const data = hashExamples(perSource);
  return `${data}-${deriveSeed(seed, batchSize, batchTokens, JSON.stringify(weights)).toString(16)}`;
}
