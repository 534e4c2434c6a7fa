import type { HeadCounts } from "./weight-conversion.ts";
import type { MetadataItem } from "./write-metadata.ts";

/** What a GGUF file says of a model beside its weights and its tokenizer. */
export interface GgufDescription {
  /** `general.architecture` */
  readonly architecture: string;
  readonly heads: HeadCounts;
  /** Whether the output layer is the embedding. */
  readonly tiedEmbeddings: boolean;
  /** The architecture's own keys. */
  readonly metadata: readonly MetadataItem[];
  /** What each rotary frequency is divided by, for Llama 3's stretching. */
  readonly ropeFactors: readonly number[] | undefined;
}
