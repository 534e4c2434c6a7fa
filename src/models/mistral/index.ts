import { decoderFamily } from "../decoder/family.js";
import { parseMistralConfig } from "./config.js";

/** `model_type: mistral`. */
export const mistral = decoderFamily(parseMistralConfig);
