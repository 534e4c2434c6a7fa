import { decoderFamily } from "../decoder/decoder-family.ts";
import { parseMistralConfig } from "./config.ts";

/** `model_type: mistral`. */
export const mistral = decoderFamily(parseMistralConfig);
