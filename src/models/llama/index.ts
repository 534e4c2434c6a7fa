import { decoderFamily } from "../decoder/family.js";
import { parseLlamaConfig } from "./config.js";

/** `model_type: llama`: Llama 2 and 3.x, and the models that share their layout (SmolLM2, TinyLlama, …). */
export const llama = decoderFamily(parseLlamaConfig);
