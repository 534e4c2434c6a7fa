import { expect, test } from "vitest";
import * as torch from "../../torch/index.ts";
import { elementAt } from "../../util/elements.ts";
import { DoraBank } from "../dora/dora-bank.ts";
import { distance, lossOf, moveTrainables, OddModel } from "../testing/contract-matrix.ts";
import { attachScalora } from "./attach-scalora.ts";
import { scaloraSchema } from "./options.ts";
import { frobenius } from "./testing/random-bank.ts";

// The effective weight is diag(c)·V with V = W + sABᵀ and c = magnitude / ‖V‖ held still in the gradient, so the gradients of
// A and B are those of a weight whose gradient is diag(c)·G. An event leaves V and with it c as they are.
test.each(["exact", "factored"] as const)(
  "events with magnitudes leave weights as they are and gradients as those of the new factors (%s)",
  (base) => {
    const live = torch.liveTensorCount();
    const model = new OddModel("float64");
    const given = { method: "scalora", rank: 2, magnitude: true, base, scale: { columnNorm: 0.7 } };
    const adapters = attachScalora(model, scaloraSchema.parse(given), { seed: 1 });
    moveTrainables(adapters);
    torch.scope(() => {
      const weights = () => adapters.adaptedPaths().map((path) => adapters.mergedWeight(path, "float64"));
      const norms = () =>
        adapters.banks.map((bank) => (bank instanceof DoraBank ? bank.rowNorms(0) : expect.fail()));
      const gradients = () =>
        adapters.trainables().map(({ name, grad }) => ({ name, grad: torch.clone(grad) }));
      for (const step of [2, 3, 4]) {
        const before = {
          weights: weights(),
          norms: norms(),
          A: adapters.banks.map(({ A }) => torch.clone(A)),
        };
        const loss = lossOf(model);
        loss.backward();
        const context = { step, warmupSteps: 0, peakLr: 0.01, lr: 0.01, moments: () => undefined };
        adapters.beforeClip(context);
        adapters.banks.forEach(({ A }, index) => {
          expect(distance(A, elementAt(before.A, index))).toBeGreaterThan(1e-2);
        });
        weights().forEach((weight, index) => {
          expect(frobenius(weight, elementAt(before.weights, index))).toBeLessThan(1e-12);
        });
        norms().forEach((norm, index) => {
          expect(frobenius(norm, elementAt(before.norms, index))).toBeLessThan(1e-12);
        });
        const transferred = gradients();
        adapters.zeroGrad();
        const again = lossOf(model);
        expect(Math.abs(again.item() / loss.item() - 1)).toBeLessThan(1e-12);
        again.backward();
        gradients().forEach(({ name, grad }, index) => {
          expect(frobenius(elementAt(transferred, index).grad, grad), name).toBeLessThan(1e-11);
        });
        adapters.zeroGrad();
        // The next event is of other factors.
        moveTrainables(adapters, 0.1);
      }
    });
    adapters.dispose();
    model.dispose();
    expect(torch.liveTensorCount()).toBe(live);
  },
);
