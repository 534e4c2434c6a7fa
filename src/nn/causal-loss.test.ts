import { expect, test } from "vitest";
import { TinyLM } from "../testing/tiny-lm.ts";
import * as torch from "../torch/index.ts";
import { elementAt } from "../util/elements.ts";
import { causalLossSum } from "./causal-loss.ts";

const batch = {
  tokens: Int32Array.of(1, 2, 3, 4, 5),
  offsets: [0, 3, 5],
  labelPositions: Int32Array.of(1, 3),
  labelTargets: Int32Array.of(3, 5),
};

test.each([undefined, 0.7])(
  "the loss is the summed cross entropy of the label rows, whichever way the head computes it (soft cap %s)",
  (softCap) => {
    const live = torch.liveTensorCount();
    torch.scope(() => {
      const model = new TinyLM({ dtype: "float64", ...(softCap && { softCap }) });
      const fused = causalLossSum(model, batch).item();
      const logits = [1, 3].map((row) => {
        const hidden = model.hiddenStates({
          tokens: torch.indices(batch.tokens, { device: "cpu" }),
          positions: torch.indices([0, 1, 2, 0, 1], { device: "cpu" }),
          offsets: batch.offsets,
        });
        return [...model.lm_head.forward(torch.narrow(hidden, 0, row, 1)).toFloats()];
      });
      const expected = logits.map(
        (row, i) =>
          Math.log(row.reduce((sum, x) => sum + Math.exp(x), 0)) -
          elementAt(row, elementAt(batch.labelTargets, i)),
      );
      expect(fused).toBeCloseTo(elementAt(expected, 0) + elementAt(expected, 1), 10);
      model.lm_head.adapter = { forward: (x, base) => torch.linear(x, base.denseWeight()) };
      expect(causalLossSum(model, batch).item()).toBeCloseTo(fused, 5);
      model.dispose();
    });
    expect(torch.liveTensorCount()).toBe(live);
  },
);

test.each(["adapter", "bias"])("an output layer's %s is in the loss", (part) => {
  torch.scope(() => {
    const model = new TinyLM({ dtype: "float64" });
    const plain = causalLossSum(model, batch).item();
    // A constant of 100 on the logit of token 0, which is no label: both labels cost 100 more, less their loss before.
    const constant = torch.fromData(
      Float64Array.from({ length: 13 }, (_, i) => (i === 0 ? 100 : 0)),
      [13],
      {
        device: "cpu",
      },
    );
    if (part === "bias") model.lm_head.bias = constant;
    else
      model.lm_head.adapter = {
        forward: (x, base) => torch.add(torch.linear(x, base.denseWeight()), constant),
      };
    expect(causalLossSum(model, batch).item() - plain).toBeGreaterThan(150);
    model.dispose();
  });
});

test("the gradients of a soft-capped loss are those of its definition", () => {
  torch.scope(() => {
    const model = new TinyLM({ dtype: "float64", softCap: 0.7 });
    const parameters = [...model.namedParameters()].map(([, parameter]) => parameter.setRequiresGrad(true));
    const gradients = () =>
      torch.grad([causalLossSum(model, batch)], parameters).map((x) => [...(x?.toFloats() ?? [])]);
    const fused = gradients();
    // With an adapter the loss takes the way through logits and autograd (and rounds them to float32).
    model.lm_head.adapter = { forward: (x, base) => torch.linear(x, base.denseWeight()) };
    for (const [i, values] of gradients().entries()) {
      expect(values.length).toBe(elementAt(fused, i).length);
      for (const [j, value] of values.entries()) expect(elementAt(fused, i)[j]).toBeCloseTo(value, 5);
    }
    model.dispose();
  });
});
