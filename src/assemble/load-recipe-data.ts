import type { Recipe } from "../config/index.ts";
import { type Dataset, loadDataset } from "../data/index.ts";
import { loadTokenizer } from "../model-files/load-tokenizer.ts";
import { type ModelDataLimits, readDataLimits } from "../models/index.ts";
import type { Tokenizer } from "../tokenizer/index.ts";
import { refuseHeadKeys } from "./load-base-model.ts";
import { refuseClassifierFormats, resolveModelConfig } from "./model-config.ts";

/** The rows of a recipe, with what made tokens of them. */
export interface RecipeData {
  readonly dataset: Dataset;
  readonly tokenizer: Tokenizer;
  readonly limits: ModelDataLimits;
}

/**
 * Loads a recipe's rows exactly as training does, without the model's weights.
 * @throws ScaloraError as training does for its data, tokenizer and model config
 */
export async function loadRecipeData(recipe: Recipe): Promise<RecipeData> {
  const model = resolveModelConfig(recipe);
  const limits = readDataLimits(model.path, model.labels);
  if (limits.classes === undefined) {
    refuseClassifierFormats(recipe.data);
    refuseHeadKeys(model);
  }
  const tokenizer = await loadTokenizer(model.path);
  const dataset = await loadDataset(recipe.data, tokenizer, { ...limits, seed: recipe.train.seed });
  return { dataset, tokenizer, limits };
}
