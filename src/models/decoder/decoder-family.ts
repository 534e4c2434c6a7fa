import type { ModelFamily } from "../model-family.ts";
import type { DecoderConfig } from "./config.ts";
import { describeDecoderForGguf } from "./gguf-metadata.ts";
import { DecoderForCausalLM } from "./model.ts";

/** Makes a family of decoders from its config parser. */
export function decoderFamily(
  parse: (values: Readonly<Record<string, unknown>>, where: string) => DecoderConfig,
): ModelFamily {
  return {
    parse(values, where) {
      const config = parse(values, where);
      return {
        tieEmbeddings: config.tieEmbeddings,
        maxPositions: config.maxPositions,
        initializerRange: config.initializerRange,
        describeForGguf: () => describeDecoderForGguf(config, where),
        ignoredWeights: /\.rotary_emb\.inv_freq$|^lm_head\.weight$/,
        build: (source, tied) => new DecoderForCausalLM(source, { ...config, tieEmbeddings: tied }),
      };
    },
  };
}
