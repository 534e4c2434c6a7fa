import { expect, test } from "vitest";
import { TinyLM } from "../testing/tiny-lm.js";
import * as torch from "../torch/index.js";
import { causalLossSum } from "./causal-loss.js";

const batch = {
  tokens: Int32Array.of(1, 2, 3, 4, 5),
  offsets: [0, 3, 5],
  labelRows: Int32Array.of(1, 3),
  labelTargets: Int32Array.of(3, 5),
};

test("the loss is the summed cross entropy of the label rows, whichever way the head computes it", () => {
  const live = torch.liveTensors();
  torch.scope(() => {
    const model = new TinyLM({ dtype: "float64" });
    const fused = causalLossSum(model, batch).item();
    const logits = [1, 3].map((row) => {
      const hidden = model.hiddenStates({
        tokens: torch.indices(batch.tokens),
        positions: torch.indices([0, 1, 2, 0, 1]),
        offsets: batch.offsets,
      });
      return [...model.lm_head.forward(torch.narrow(hidden, 0, row, 1)).toFloats()];
    });
    const expected = logits.map(
      (row, i) => Math.log(row.reduce((sum, x) => sum + Math.exp(x), 0)) - row[batch.labelTargets[i]],
    );
    expect(fused).toBeCloseTo(expected[0] + expected[1], 10);
    model.lm_head.adapter = { forward: (x, base) => torch.linear(x, base.weight) };
    expect(causalLossSum(model, batch).item()).toBeCloseTo(fused, 5);
    model.dispose();
  });
  expect(torch.liveTensors()).toBe(live);
});
