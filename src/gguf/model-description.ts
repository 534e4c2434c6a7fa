import type { MetadataItem } from "./encode-metadata.ts";
import type { HeadCounts } from "./weight-layout.ts";

/** The metadata of a GGUF file except that of the tokenizer. */
export interface GgufDescription {
  /** `general.architecture` */
  readonly architecture: string;
  readonly heads: HeadCounts;
  /** Whether `lm_head` and the embedding are one tensor. */
  readonly tiedEmbeddings: boolean;
  /** The architecture's own keys. */
  readonly metadata: readonly MetadataItem[];
  /** Divisors of the rotary frequencies, for Llama 3's RoPE scaling. */
  readonly ropeFactors: readonly number[] | undefined;
}
