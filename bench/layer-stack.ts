import { Linear, Module } from "../src/nn/index.ts";
import * as torch from "../src/torch/index.ts";

/** Square linear layers, one after the other with `tanh` behind each: what the benches of methods hang adapters on. */
export class LayerStack extends Module {
  readonly layers: Linear[];

  constructor(width: number, layers: number) {
    super();
    using generator = new torch.Generator(0, "cpu");
    const draw = () =>
      torch.mulScalar(torch.randn([width, width], { generator, device: "cpu" }), width ** -0.5);
    this.layers = Array.from({ length: layers }, () => new Linear(torch.scope(draw).keep()));
  }

  /** @param x `[rows, width]`, and so is the result */
  forward(x: torch.Tensor): torch.Tensor {
    return this.layers.reduce((h, layer) => torch.tanh(layer.forward(h)), x);
  }
}
