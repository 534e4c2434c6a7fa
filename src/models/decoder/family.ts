import type { ModelFamily } from "../family.js";
import type { DecoderConfig } from "./config.js";
import { describeDecoder } from "./gguf.js";
import { DecoderForCausalLM } from "./model.js";

/** A family of decoders, by its config parser. */
export function decoderFamily(
  parse: (values: Readonly<Record<string, unknown>>, where: string) => DecoderConfig,
): ModelFamily {
  return {
    parse(values, where) {
      const config = parse(values, where);
      return {
        tieEmbeddings: config.tieEmbeddings,
        initializerRange: config.initializerRange,
        describe: () => describeDecoder(config, where),
        ignoredWeights: /\.rotary_emb\.inv_freq$|^lm_head\.weight$/,
        build: (source, tied) => new DecoderForCausalLM(source, { ...config, tieEmbeddings: tied }),
      };
    },
  };
}
