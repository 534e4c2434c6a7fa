export { ggufConfig, ggufGenerationConfig, ggufTokenizer, ggufWeights, isGgufFile } from "./model.ts";
export type { GgufWeights, WeightEntry } from "./weights.ts";
