export interface Llama2cModel {
  config: Record<string, unknown>;
  tensors: Map<string, { shape: number[]; data: Float32Array }>;
}

export function readLlama2c(bytes: Uint8Array): Llama2cModel;
export function readLlama2cTokenizer(bytes: Uint8Array, vocabSize: number): Record<string, unknown>;
