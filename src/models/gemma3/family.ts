import type { JsonObject } from "../../util/json-file.ts";
import { decoderFamily } from "../decoder/decoder-family.ts";
import type { ModelFamily } from "../model-family.ts";
import { parseGemma3Config, parseGemma3TextConfig } from "./config.ts";

/** `model_type: gemma3_text`. */
export const gemma3Text = decoderFamily(parseGemma3TextConfig);

const multimodal = decoderFamily(parseGemma3Config);

/**
 * `model_type: gemma3`: the text part of a multimodal model. It is saved as a text model, since the image modules are not
 * loaded.
 */
export const gemma3: ModelFamily = {
  parse(values, where) {
    const parsed = multimodal.parse(values, where);
    const ignored = /^(model\.)?(vision_tower|multi_modal_projector)\./;
    return {
      ...parsed,
      ignoredWeights: new RegExp(`${parsed.ignoredWeights.source}|${ignored.source}`),
      rename: (stored) =>
        stored
          .replace(/^(language_model\.model|model\.language_model)\./, "model.")
          .replace(/^language_model\.lm_head\./, "lm_head."),
    };
  },
  savedConfig: textConfig,
};

/** The text part of a multimodal config, as the config of a text model. */
function textConfig(config: JsonObject): JsonObject {
  const text = config.get("text_config");
  const result: JsonObject = new Map(text instanceof Map ? text : []);
  for (const key of ["bos_token_id", "eos_token_id", "pad_token_id", "dtype", "torch_dtype"]) {
    const outer = config.get(key);
    if (outer !== undefined) result.set(key, outer);
  }
  return result.set("model_type", "gemma3_text").set("architectures", ["Gemma3ForCausalLM"]);
}
