import { expect, test } from "vitest";
import { SGD } from "../../optim/index.ts";
import { TinyLM } from "../../testing/tiny-lm.ts";
import * as torch from "../../torch/index.ts";
import { elementAt } from "../../util/elements.ts";
import { attachLoraPlus } from "./attach-lora-plus.ts";
import { loraPlusSchema } from "./options.ts";

test("in one step A moves by ratio · rate · gradient, and B by rate · gradient", () => {
  using model = new TinyLM({ dtype: "float64" });
  const options = loraPlusSchema.parse({ method: "lora+", rank: 2, ratio: 4, targetModules: ["mix"] });
  const adapters = attachLoraPlus(model, options, { seed: 1 });
  const optimizer = new SGD(adapters.trainables());
  const bank = elementAt(adapters.banks, 0);
  torch.scope(() => {
    using generator = new torch.Generator(2, "cpu");
    const parts = [
      { value: bank.A, grad: bank.gradA, times: 4 },
      { value: bank.B, grad: bank.gradB, times: 1 },
    ];
    torch.noGrad(() => {
      for (const { grad } of parts) torch.normal_(grad, { generator });
    });
    const before = parts.map(({ value }) => value.toFloats());
    optimizer.step(0.1);
    parts.forEach(({ value, grad, times }, i) => {
      const gradients = grad.toFloats();
      value.toFloats().forEach((x, at) => {
        expect(elementAt(elementAt(before, i), at) - x).toBeCloseTo(
          times * 0.1 * elementAt(gradients, at),
          14,
        );
      });
    });
  });
  optimizer.dispose();
  adapters.dispose();
});
