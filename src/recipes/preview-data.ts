import { loadRecipeData } from "../assemble/load-recipe-data.ts";
import type { Recipe } from "../config/index.ts";
import {
  type BatchSource,
  type Dataset,
  type Example,
  type MaskSegment,
  maskPreview,
} from "../data/index.ts";
import type { ModelDataLimits } from "../models/index.ts";
import type { Tokenizer } from "../tokenizer/index.ts";
import { elementAt } from "../util/elements.ts";
import { budgetWarnings, countSteps, dataWarnings, makeBatches, trainingCounts } from "./training-data.ts";

/** One row as the model sees it. */
export interface PreviewRow {
  /** `file:line`. */
  source: string;
  tokens: number;
  labelTokens: number;
  /** Its text, split where the label mask changes and around special tokens. */
  segments: MaskSegment[];
  /** Class, or target value of a regression; classification data only. */
  label?: string | number;
}

/** Rows of a length, in tokens. */
export interface LengthBin {
  from: number;
  /** Inclusive. */
  to: number;
  rows: number;
}

/** What a recipe trains on. */
export interface DataPreview {
  files: { path: string; format: string; rows: number; ignoredColumns: string[] }[];
  /** As in the `start` event of the run: training rows, and those held out. */
  counts: { rows: number; heldOut: number; tokens: number; labelTokens: number };
  /** Unknown tokens in the training rows. */
  unknownTokens: number;
  /** Rows cut to `maxLength` tokens, of all that were read. */
  truncated: number;
  dropped: { source: string; reason: string }[];
  /** Rejected answers of preference data, which are left out. */
  rejected: number;
  warnings: string[];
  lengths: {
    maxLength: number;
    /** Quantiles of the lengths of the training rows. */
    quantiles: { fraction: number; tokens: number }[];
    histogram: LengthBin[];
  };
  batches: {
    /** Batches of the first epoch. */
    inEpoch: number;
    accumulate: number;
    /** Optimiser steps of the run. */
    steps: number;
    /** Rows of a batch, or its token budget with the mean fraction that rows fill. */
    batchSize?: number;
    batchTokens?: number;
    filled?: number;
  };
  rows: PreviewRow[];
}

export type PreviewData = (recipe: Recipe, options: { rows: number }) => Promise<DataPreview>;

const fractions = [0, 0.25, 0.5, 0.75, 0.95, 0.99, 1];
const maxBins = 10;

/**
 * Loads a recipe's data exactly as training does, without the model's weights.
 * @throws ScaloraError as training does for its data, model config and tokenizer
 */
export const previewData: PreviewData = async (recipe, { rows }) => {
  const { dataset, tokenizer, limits } = await loadRecipeData(recipe);
  const { files, dropped, rejected, truncated } = dataset.report.train;
  const examples = dataset.train.flat();
  const batches = makeBatches(dataset, recipe);
  const shown: PreviewRow[] = [];
  for (const example of examples.slice(0, rows)) shown.push(await previewRow(example, tokenizer, limits));
  return {
    files: files.map(({ path, format, rows: count, ignoredColumns }) => ({
      path,
      format,
      rows: count,
      ignoredColumns,
    })),
    counts: trainingCounts(dataset),
    unknownTokens: countUnknown(examples, tokenizer),
    truncated,
    dropped,
    rejected,
    warnings: [...dataWarnings(dataset), ...budgetWarnings(dataset, batches, recipe)],
    lengths: {
      maxLength: recipe.data.maxLength ?? limits.maxLength,
      ...lengthStatistics(examples.map(({ ids }) => ids.length)),
    },
    batches: batchStatistics(dataset, batches, recipe),
    rows: shown,
  };
};

function countUnknown(examples: readonly Example[], { special: { unk } }: Tokenizer): number {
  if (unk === undefined) return 0;
  return examples.reduce(
    (total, { ids }) => total + ids.reduce((sum, id) => sum + (id === unk.id ? 1 : 0), 0),
    0,
  );
}

async function previewRow(
  example: Example,
  tokenizer: Tokenizer,
  { classes }: ModelDataLimits,
): Promise<PreviewRow> {
  const { source, ids, isLabel, label } = example;
  const row = {
    source,
    tokens: ids.length,
    labelTokens: isLabel.reduce((total, one) => total + one, 0),
    segments: await maskPreview(example, tokenizer, { special: true }),
  };
  if (label === undefined) return row;
  return { ...row, label: classes?.regression ? label : (classes?.labels[label] ?? label) };
}

/** Quantiles and a histogram of lengths, of which there is at least one. */
function lengthStatistics(lengths: readonly number[]) {
  const sorted = lengths.toSorted((a, b) => a - b);
  const last = sorted.length - 1;
  const [shortest, longest] = [elementAt(sorted, 0), elementAt(sorted, last)];
  const width = Math.ceil((longest - shortest + 1) / maxBins);
  const histogram = Array.from({ length: Math.ceil((longest - shortest + 1) / width) }, (_, i) => ({
    from: shortest + i * width,
    to: shortest + (i + 1) * width - 1,
    rows: 0,
  }));
  for (const length of sorted) elementAt(histogram, Math.floor((length - shortest) / width)).rows++;
  const quantiles = fractions.map((fraction) => ({
    fraction,
    tokens: elementAt(sorted, Math.round(fraction * last)),
  }));
  return { quantiles, histogram };
}

function batchStatistics(dataset: Dataset, batches: BatchSource, recipe: Recipe): DataPreview["batches"] {
  const { accumulate, batchSize, batchTokens } = recipe.train;
  const inEpoch = batches.countBatches(1);
  const counts = { inEpoch, accumulate, steps: countSteps(batches, recipe) };
  if (batchTokens === undefined) return { ...counts, ...(batchSize !== undefined && { batchSize }) };
  const tokens = dataset.train.flat().reduce((total, { ids }) => total + ids.length, 0);
  return { ...counts, batchTokens, filled: tokens / (inEpoch * batchTokens) };
}
