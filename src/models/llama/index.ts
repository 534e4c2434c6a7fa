import type { ModelFamily } from "../family.js";
import { parseLlamaConfig } from "./config.js";
import { LlamaForCausalLM } from "./model.js";

/** `model_type: llama`. */
export const llama: ModelFamily = {
  parse(values, where) {
    const config = parseLlamaConfig(values, where);
    return {
      tieEmbeddings: config.tieEmbeddings,
      initializerRange: config.initializerRange,
      ignoredWeights: /\.rotary_emb\.inv_freq$|^lm_head\.weight$/,
      build: (source, tied) => new LlamaForCausalLM(source, { ...config, tieEmbeddings: tied }),
    };
  },
};
