import type { AdapterSet } from "../../adapters/core/adapter-set.ts";

/** What has the gradients that are added up. */
export type GradientOwner = Pick<AdapterSet, "trainables" | "zeroGrad">;

/**
 * Adds up the gradients of micro-batches that several ranks compute, in the order of the micro-batches, so that the sums are to
 * the bit those of one process that computes all of them.
 */
export interface GradientExchange extends Disposable {
  /** Adds the gradients of a round, one micro-batch of each rank, and sets them to zero. */
  beginRound(): Promise<void>;
  /**
   * The last round of a step, of the first `count` ranks: gives the gradients the sums of all rounds, on every rank.
   * @param compute this rank's forward and backward pass, if it is not done yet
   */
  finish(count: number, compute?: () => void): Promise<void>;
}
