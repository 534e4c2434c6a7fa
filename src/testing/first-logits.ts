import { type CausalLM, tokenStream } from "../nn/index.ts";
import { noGrad, scope } from "../torch/index.ts";

/** The logits of a model on three tokens, on the CPU. */
export const firstLogits = (model: CausalLM) =>
  noGrad(() =>
    scope(() =>
      model.lm_head
        .forward(model.hiddenStates(tokenStream(Int32Array.of(1, 2, 3), undefined, { device: "cpu" })))
        .toFloats(),
    ),
  );
