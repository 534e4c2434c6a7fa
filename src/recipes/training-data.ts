import { rowNotes } from "../assemble/dropped-rows.ts";
import type { Recipe } from "../config/index.ts";
import { BatchSource, type Dataset, type Example, rowsPackedTogether } from "../data/index.ts";
import { formatCount } from "../util/format.ts";

/** The batches of a recipe, in the order that it trains on them. */
export function makeBatches(
  dataset: Dataset,
  { train: { seed, batchSize, batchTokens } }: Recipe,
): BatchSource {
  return new BatchSource(dataset.train, {
    seed,
    ...(batchSize !== undefined && { batchSize }),
    ...(batchTokens !== undefined && { batchTokens }),
    ...(dataset.weights && { weights: dataset.weights }),
  });
}

/** Optimiser steps of the whole run. */
export function countSteps(batches: BatchSource, { train: { steps, epochs, accumulate } }: Recipe): number {
  return steps ?? Math.max(1, Math.ceil(batches.countBatches(epochs ?? 1) / accumulate));
}

/** Warnings about the rows, before training; the start event has all details. */
export function dataWarnings({ report: { train, eval: other } }: Dataset): string[] {
  const ofOthers = other === undefined ? [] : rowNotes({ ...other, notes: [] });
  return [...rowNotes(train), ...ofOthers.map((note) => `data.eval: ${note}`)];
}

/** Warns about a token budget that no batch can fill: it holds all rows, or those that are packed together. */
export function budgetWarnings(
  { train }: Dataset,
  batches: BatchSource,
  { train: { batchTokens } }: Recipe,
): string[] {
  if (batchTokens === undefined) return [];
  const groups = Math.ceil(train.flat().length / rowsPackedTogether);
  const count = batches.countBatches(1);
  const largest = batches.largestBatchTokens(count);
  if (count > groups || batchTokens <= largest) return [];
  const tokens = `${formatCount(largest)} tokens`;
  const why =
    groups === 1
      ? `the data: every batch holds all ${tokens}`
      : `a batch can hold: rows are packed ${formatCount(rowsPackedTogether)} at a time, about ${tokens}`;
  return [`train.batchTokens ${formatCount(batchTokens)} is more than ${why}`];
}

/** Counts of the rows that are trained on, without dropped and held-out ones. A chat that is split into turns is one row. */
export function trainingCounts({ train, eval: heldOut }: Dataset) {
  const examples = train.flat();
  const sum = (of: (example: Example) => number) =>
    examples.reduce((total, example) => total + of(example), 0);
  return {
    rows: train.reduce((total, file) => total + countRows(file), 0),
    heldOut: countRows(heldOut),
    labelTokens: sum(({ label, isLabel }) =>
      label === undefined ? isLabel.reduce((total, one) => total + one, 0) : 1,
    ),
    tokens: sum(({ ids }) => ids.length),
  };
}

const countRows = (examples: readonly Example[]) => new Set(examples.map(({ source }) => source)).size;
