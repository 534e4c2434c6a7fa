import { rowNotes } from "../assemble/dropped-rows.ts";
import type { Recipe } from "../config/index.ts";
import { BatchSource, type Dataset, type Example } from "../data/index.ts";

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
