import { decoderFamily } from "../decoder/family.js";
import { parseQwen3Config } from "./config.js";

/** `model_type: qwen3`. */
export const qwen3 = decoderFamily(parseQwen3Config);
