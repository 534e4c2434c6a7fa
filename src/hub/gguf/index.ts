export { ggufConfig, ggufGenerationConfig, ggufTokenizer, ggufWeights, isGgufModel } from "./model.js";
export type { GgufWeights, WeightEntry } from "./weights.js";
