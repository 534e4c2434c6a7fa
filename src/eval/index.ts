export { generateText, type TextEnd, type TextOptions } from "./generate-text.js";
export { generateTokens, type TokenEnd, type TokenOptions } from "./generate-tokens.js";
export { chooseToken, type Sampling } from "./sampling.js";
export { type Decode, GraphemeGate, IncrementalDecoder, StopScanner } from "./text-pieces.js";
