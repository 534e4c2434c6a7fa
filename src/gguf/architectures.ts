/** How GGUF stores a model family. */
export interface Architecture {
  /** `model_type` and class of the Hugging Face config. */
  readonly modelType: string;
  readonly className: string;
  /** Modules of a layer: GGUF name to Hugging Face name. */
  readonly moduleNames: ReadonlyMap<string, string>;
  /** Rows of q and k are stored in the order of interleaved rotary pairs. */
  readonly interleavedRotary: boolean;
  /** Norm weights are stored as 1 + w. */
  readonly normWeightsPlusOne: boolean;
}

const projections: readonly (readonly [string, string])[] = [
  ["attn_q", "self_attn.q_proj"],
  ["attn_k", "self_attn.k_proj"],
  ["attn_v", "self_attn.v_proj"],
  ["attn_output", "self_attn.o_proj"],
  ["ffn_gate", "mlp.gate_proj"],
  ["ffn_up", "mlp.up_proj"],
  ["ffn_down", "mlp.down_proj"],
  ["attn_norm", "input_layernorm"],
];
const plainNorms: readonly (readonly [string, string])[] = [["ffn_norm", "post_attention_layernorm"]];
const sandwichNorms: readonly (readonly [string, string])[] = [
  ["post_attention_norm", "post_attention_layernorm"],
  ["ffn_norm", "pre_feedforward_layernorm"],
  ["post_ffw_norm", "post_feedforward_layernorm"],
];
const queryKeyNorms: readonly (readonly [string, string])[] = [
  ["attn_q_norm", "self_attn.q_norm"],
  ["attn_k_norm", "self_attn.k_norm"],
];

/** By `general.architecture` (llama.cpp, `conversion/`). */
export const architectures: ReadonlyMap<string, Architecture> = new Map<string, Architecture>([
  [
    "llama",
    {
      modelType: "llama",
      className: "LlamaForCausalLM",
      moduleNames: new Map([...projections, ...plainNorms]),
      interleavedRotary: true,
      normWeightsPlusOne: false,
    },
  ],
  [
    "qwen2",
    {
      modelType: "qwen2",
      className: "Qwen2ForCausalLM",
      moduleNames: new Map([...projections, ...plainNorms]),
      interleavedRotary: false,
      normWeightsPlusOne: false,
    },
  ],
  [
    "qwen3",
    {
      modelType: "qwen3",
      className: "Qwen3ForCausalLM",
      moduleNames: new Map([...projections, ...plainNorms, ...queryKeyNorms]),
      interleavedRotary: false,
      normWeightsPlusOne: false,
    },
  ],
  [
    "gemma2",
    {
      modelType: "gemma2",
      className: "Gemma2ForCausalLM",
      moduleNames: new Map([...projections, ...sandwichNorms]),
      interleavedRotary: false,
      normWeightsPlusOne: true,
    },
  ],
  [
    "gemma3",
    {
      modelType: "gemma3_text",
      className: "Gemma3ForCausalLM",
      moduleNames: new Map([...projections, ...sandwichNorms, ...queryKeyNorms]),
      interleavedRotary: false,
      normWeightsPlusOne: true,
    },
  ],
]);

/** Tensors outside the layers: GGUF name to Hugging Face name. */
const topLevelNames: ReadonlyMap<string, string> = new Map([
  ["token_embd.weight", "model.embed_tokens.weight"],
  ["output_norm.weight", "model.norm.weight"],
  ["output.weight", "lm_head.weight"],
]);

const invertMap = (names: ReadonlyMap<string, string>) =>
  new Map([...names].map(([a, b]) => [b, a] as const));
const topLevelGgufNames = invertMap(topLevelNames);

/** The Hugging Face name of a GGUF tensor; an unknown name stays as it is. */
export function toHuggingFaceName(architecture: Architecture, stored: string): string {
  const [, layer, module, kind] = /^blk\.(\d+)\.(.+)\.(weight|bias)$/.exec(stored) ?? [];
  const path = module === undefined ? undefined : architecture.moduleNames.get(module);
  return path === undefined ? (topLevelNames.get(stored) ?? stored) : `model.layers.${layer}.${path}.${kind}`;
}

/** The GGUF name of a parameter, or undefined where it has none. */
export function toGgufName(architecture: Architecture, name: string): string | undefined {
  const [, layer, path, kind] = /^model\.layers\.(\d+)\.(.+)\.(weight|bias)$/.exec(name) ?? [];
  const module = path === undefined ? undefined : invertMap(architecture.moduleNames).get(path);
  return module === undefined ? topLevelGgufNames.get(name) : `blk.${layer}.${module}.${kind}`;
}

/** How GGUF stores a parameter's values otherwise than Hugging Face. */
export type WeightConversion = "none" | "query" | "key" | "norm";

export function weightConversion(
  { interleavedRotary, normWeightsPlusOne }: Architecture,
  name: string,
): WeightConversion {
  if (interleavedRotary && /\.q_proj\.(weight|bias)$/.test(name)) return "query";
  if (interleavedRotary && /\.k_proj\.(weight|bias)$/.test(name)) return "key";
  return normWeightsPlusOne && /norm\.weight$/.test(name) ? "norm" : "none";
}
