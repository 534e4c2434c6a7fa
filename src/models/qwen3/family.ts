import { decoderFamily } from "../decoder/decoder-family.ts";
import { parseQwen3Config } from "./config.ts";

/** `model_type: qwen3`. */
export const qwen3 = decoderFamily(parseQwen3Config);
