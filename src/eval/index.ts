export {
  type BatchOptions,
  type Generated,
  type GenerationRequest,
  generateBatch,
} from "./generate-batch.js";
export { generateText, type TextEnd, type TextOptions } from "./generate-text.js";
export { generateTokens, type TokenEnd, type TokenOptions } from "./generate-tokens.js";
export type { Sampling } from "./sampling.js";
