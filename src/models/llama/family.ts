import { decoderFamily } from "../decoder/decoder-family.ts";
import { parseLlamaConfig } from "./config.ts";

/** `model_type: llama`: Llama 2 and 3.x, and the models that share their layout (SmolLM2, TinyLlama, …). */
export const llama = decoderFamily(parseLlamaConfig);
