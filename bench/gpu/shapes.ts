// The model that bench/gpu.sh times, of random weights.

/** LLaMA-3-8B. */
const llama3 = {
  architectures: ["LlamaForCausalLM"],
  model_type: "llama",
  hidden_size: 4096,
  intermediate_size: 14_336,
  num_hidden_layers: 32,
  num_attention_heads: 32,
  num_key_value_heads: 8,
  vocab_size: 128_256,
  max_position_embeddings: 8192,
  rms_norm_eps: 1e-5,
  rope_theta: 500_000,
  initializer_range: 0.02,
  tie_word_embeddings: false,
  bos_token_id: 128_000,
  eos_token_id: 128_001,
};

/** SmolLM2-135M, whose steps are short: much of them may be launches. */
const smollm2 = {
  ...llama3,
  hidden_size: 576,
  intermediate_size: 1536,
  num_hidden_layers: 30,
  num_attention_heads: 9,
  num_key_value_heads: 3,
  vocab_size: 49_152,
  rope_theta: 100_000,
  tie_word_embeddings: true,
  bos_token_id: 1,
  eos_token_id: 2,
};

/** A model for a dry run, which shows that every part runs and nothing about its speed. */
const tiny = {
  ...llama3,
  hidden_size: 64,
  intermediate_size: 128,
  num_hidden_layers: 2,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  vocab_size: 512,
  max_position_embeddings: 128,
  bos_token_id: 0,
  eos_token_id: 1,
};

/** What is timed: the config, tokens of the one sequence of a step, steps to warm up and to time. */
export const shapeOf = (isTiny: boolean, isSmall = false) =>
  isTiny
    ? { config: tiny, tokens: 64, warmUp: isSmall ? 2 : 1, steps: 2, peakSize: 256 }
    : isSmall
      ? { config: smollm2, tokens: 512, warmUp: 5, steps: 40, peakSize: 8192 }
      : { config: llama3, tokens: 4096, warmUp: 3, steps: 10, peakSize: 8192 };

/** The layers with adapters of rank 16, the same in PEFT. */
export const targetModules = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"];

/**
 * Floating-point operations of a training step per token: each frozen weight is used once forward and once backward, two operations
 * each; causal attention, two products of half the pairs forward and four backward. Adapters are left out, as in the peer's figure.
 */
export function operationsPerToken(isTiny: boolean): number {
  const { config, tokens } = shapeOf(isTiny);
  const { hidden_size: hidden, intermediate_size: inner, num_hidden_layers: layers } = config;
  const keys = (hidden / config.num_attention_heads) * config.num_key_value_heads;
  const weights =
    layers * (2 * hidden * hidden + 2 * hidden * keys + 3 * hidden * inner) + hidden * config.vocab_size;
  return 4 * weights + 6 * layers * tokens * hidden;
}
