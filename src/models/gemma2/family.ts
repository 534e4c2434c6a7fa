import { decoderFamily } from "../decoder/decoder-family.ts";
import { parseGemma2Config } from "./config.ts";

/** `model_type: gemma2`. */
export const gemma2 = decoderFamily(parseGemma2Config);
