import { decoderFamily } from "../decoder/decoder-family.ts";
import { parseQwen2Config } from "./config.ts";

/** `model_type: qwen2`: Qwen 2 and 2.5. */
export const qwen2 = decoderFamily(parseQwen2Config);
