/** What the format makes of a model family. */
export interface Architecture {
  /** `model_type` and class of the Hugging Face config. */
  readonly modelType: string;
  readonly className: string;
  /** Modules of a layer: their names in the format, and in the model. */
  readonly modules: ReadonlyMap<string, string>;
  /** Rows of q and k stand in the order of interleaved rotary pairs. */
  readonly interleaved: boolean;
  /** Norm weights are stored as 1 + w. */
  readonly normsPlusOne: boolean;
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
      modules: new Map([...projections, ...plainNorms]),
      interleaved: true,
      normsPlusOne: false,
    },
  ],
  [
    "qwen2",
    {
      modelType: "qwen2",
      className: "Qwen2ForCausalLM",
      modules: new Map([...projections, ...plainNorms]),
      interleaved: false,
      normsPlusOne: false,
    },
  ],
  [
    "qwen3",
    {
      modelType: "qwen3",
      className: "Qwen3ForCausalLM",
      modules: new Map([...projections, ...plainNorms, ...queryKeyNorms]),
      interleaved: false,
      normsPlusOne: false,
    },
  ],
  [
    "gemma2",
    {
      modelType: "gemma2",
      className: "Gemma2ForCausalLM",
      modules: new Map([...projections, ...sandwichNorms]),
      interleaved: false,
      normsPlusOne: true,
    },
  ],
  [
    "gemma3",
    {
      modelType: "gemma3_text",
      className: "Gemma3ForCausalLM",
      modules: new Map([...projections, ...sandwichNorms, ...queryKeyNorms]),
      interleaved: false,
      normsPlusOne: true,
    },
  ],
]);

/** Tensors that stand outside the layers: their names in the format, and in the model. */
const outer: ReadonlyMap<string, string> = new Map([
  ["token_embd.weight", "model.embed_tokens.weight"],
  ["output_norm.weight", "model.norm.weight"],
  ["output.weight", "lm_head.weight"],
]);

const turned = (names: ReadonlyMap<string, string>) => new Map([...names].map(([a, b]) => [b, a] as const));
const outerStored = turned(outer);

/** The model's name of a tensor of the file; a name that the format does not have stays. */
export function modelName(architecture: Architecture, stored: string): string {
  const [, layer, module, kind] = /^blk\.(\d+)\.(.+)\.(weight|bias)$/.exec(stored) ?? [];
  const path = module === undefined ? undefined : architecture.modules.get(module);
  return path === undefined ? (outer.get(stored) ?? stored) : `model.layers.${layer}.${path}.${kind}`;
}

/** The format's name of a parameter, or undefined where it has none. */
export function storedName(architecture: Architecture, name: string): string | undefined {
  const [, layer, path, kind] = /^model\.layers\.(\d+)\.(.+)\.(weight|bias)$/.exec(name) ?? [];
  const module = path === undefined ? undefined : turned(architecture.modules).get(path);
  return module === undefined ? outerStored.get(name) : `blk.${layer}.${module}.${kind}`;
}

/** What the format changed in a parameter's numbers. */
export type Convention = "none" | "query" | "key" | "norm";

export function conventionOf({ interleaved, normsPlusOne }: Architecture, name: string): Convention {
  if (interleaved && /\.q_proj\.(weight|bias)$/.test(name)) return "query";
  if (interleaved && /\.k_proj\.(weight|bias)$/.test(name)) return "key";
  return normsPlusOne && /norm\.weight$/.test(name) ? "norm" : "none";
}
