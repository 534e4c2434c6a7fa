export type { GgufDescription } from "./model-description.ts";
export {
  ggufChatTemplate,
  ggufConfig,
  ggufGenerationConfig,
  ggufTokenizer,
  ggufWeights,
  isGgufFile,
} from "./read-model.ts";
export { llama3Factors } from "./rope-scaling.ts";
export type { GgufWeights, WeightEntry } from "./weights.ts";
export { type LazyParameter, writeGgufModel } from "./write-model.ts";
