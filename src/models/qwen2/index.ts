import { decoderFamily } from "../decoder/family.js";
import { parseQwen2Config } from "./config.js";

/** `model_type: qwen2`: Qwen 2 and 2.5. */
export const qwen2 = decoderFamily(parseQwen2Config);
