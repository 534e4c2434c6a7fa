export { ggufConfig, ggufGenerationConfig, ggufTokenizer, ggufWeights, isGgufFile } from "./read-model.ts";
export type { GgufWeights, WeightEntry } from "./weights.ts";
