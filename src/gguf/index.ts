export { ggufConfig, ggufGenerationConfig, ggufTokenizer, ggufWeights, isGgufModel } from "./model.ts";
export type { GgufWeights, WeightEntry } from "./weights.ts";
