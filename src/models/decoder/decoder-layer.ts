import {
  type Activation,
  actAndMul,
  activations,
  Linear,
  Module,
  type ParameterSource,
  RMSNorm,
} from "../../nn/index.ts";
import { add, scope, type Tensor } from "../../torch/index.ts";
import { internalError } from "../../util/errors.ts";
import { Attention, type DecoderContext } from "./attention.ts";
import type { DecoderConfig } from "./config.ts";

class MLP extends Module {
  readonly gate_proj: Linear;
  readonly up_proj: Linear;
  readonly down_proj: Linear;
  private readonly activation: Activation;

  constructor(source: ParameterSource, { hiddenSize, intermediateSize, biases, activation }: DecoderConfig) {
    super();
    this.gate_proj = Linear.fromSource(
      source.withPrefix("gate_proj"),
      hiddenSize,
      intermediateSize,
      biases.mlp,
    );
    this.up_proj = Linear.fromSource(source.withPrefix("up_proj"), hiddenSize, intermediateSize, biases.mlp);
    this.down_proj = Linear.fromSource(
      source.withPrefix("down_proj"),
      intermediateSize,
      hiddenSize,
      biases.mlp,
    );
    const known = activations.get(activation);
    if (known === undefined) throw internalError(`no activation ${activation}`);
    this.activation = known;
  }

  forward(x: Tensor): Tensor {
    return this.down_proj.forward(
      actAndMul(this.activation, this.gate_proj.forward(x), this.up_proj.forward(x)),
    );
  }
}

/** One layer of a decoder: attention, then an MLP, each with a residual connection. */
export interface DecoderLayer extends Module {
  /** @param x `[T, hidden]` */
  forward(x: Tensor, pass: DecoderContext): Tensor;
}

/** Norms before attention and before the MLP (Llama). */
export class PreNormLayer extends Module implements DecoderLayer {
  readonly input_layernorm: RMSNorm;
  readonly self_attn: Attention;
  readonly post_attention_layernorm: RMSNorm;
  readonly mlp: MLP;

  constructor(source: ParameterSource, config: DecoderConfig, layer: number) {
    super();
    const norm = (name: string) => new RMSNorm(source.withPrefix(name), config.hiddenSize, config.norm);
    this.input_layernorm = norm("input_layernorm");
    this.self_attn = new Attention(source.withPrefix("self_attn"), config, layer);
    this.post_attention_layernorm = norm("post_attention_layernorm");
    this.mlp = new MLP(source.withPrefix("mlp"), config);
  }

  forward(x: Tensor, pass: DecoderContext): Tensor {
    return addResiduals(
      x,
      (input) => this.self_attn.forward(this.input_layernorm.forward(input), pass),
      (input) => this.mlp.forward(this.post_attention_layernorm.forward(input)),
    );
  }
}

/** Norms before and after attention and the MLP (Gemma 2 and 3). */
export class SandwichNormLayer extends Module implements DecoderLayer {
  readonly input_layernorm: RMSNorm;
  readonly self_attn: Attention;
  readonly post_attention_layernorm: RMSNorm;
  readonly pre_feedforward_layernorm: RMSNorm;
  readonly mlp: MLP;
  readonly post_feedforward_layernorm: RMSNorm;

  constructor(source: ParameterSource, config: DecoderConfig, layer: number) {
    super();
    const norm = (name: string) => new RMSNorm(source.withPrefix(name), config.hiddenSize, config.norm);
    this.input_layernorm = norm("input_layernorm");
    this.self_attn = new Attention(source.withPrefix("self_attn"), config, layer);
    this.post_attention_layernorm = norm("post_attention_layernorm");
    this.pre_feedforward_layernorm = norm("pre_feedforward_layernorm");
    this.mlp = new MLP(source.withPrefix("mlp"), config);
    this.post_feedforward_layernorm = norm("post_feedforward_layernorm");
  }

  forward(x: Tensor, pass: DecoderContext): Tensor {
    return addResiduals(
      x,
      (input) =>
        this.post_attention_layernorm.forward(
          this.self_attn.forward(this.input_layernorm.forward(input), pass),
        ),
      (input) =>
        this.post_feedforward_layernorm.forward(
          this.mlp.forward(this.pre_feedforward_layernorm.forward(input)),
        ),
    );
  }
}

/** Runs both halves in scopes, which free tensors that are no longer read; autograd keeps the ones it needs. */
function addResiduals(x: Tensor, attend: (x: Tensor) => Tensor, mix: (x: Tensor) => Tensor): Tensor {
  const attended = scope(() => add(x, attend(x)));
  const result = scope(() => add(attended, mix(attended)));
  attended.dispose();
  return result;
}
