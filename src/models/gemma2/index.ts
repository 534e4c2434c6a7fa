import { decoderFamily } from "../decoder/family.js";
import { parseGemma2Config } from "./config.js";

/** `model_type: gemma2`. */
export const gemma2 = decoderFamily(parseGemma2Config);
