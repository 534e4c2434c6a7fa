import { resolve } from "node:path";
import { expect, test } from "vitest";
import type { LinearAdapter } from "../../nn/index.ts";
import { checkTensorLeaks } from "../../testing/tensor-leak-check.ts";
import { TinyLM } from "../../testing/tiny-lm.ts";
import * as torch from "../../torch/index.ts";
import type { StepContext } from "./adapter-set.ts";
import { Bank } from "./bank.ts";
import { type AdapterParts, adapterSet, type MethodHooks } from "./layer-adapters.ts";

checkTensorLeaks();

/** One number for each output of a layer, which is added to it. */
class ShiftBank extends Bank {
  override linearAdapter(index: number): LinearAdapter {
    const shift = this.leaf("shift", index);
    return { forward: (x, base) => torch.add(base.forwardBase(x), shift) };
  }

  override effectiveWeight(_index: number, base: torch.Tensor): torch.Tensor {
    return torch.clone(base);
  }
}

const bankOf = ({ mix }: TinyLM) => new ShiftBank("bank", [{ path: "mix", linear: mix }], { shift: [8] });
const context: StepContext = { step: 1, warmupSteps: 0, peakLr: 1, lr: 1, moments: () => undefined };

function shifts(model: TinyLM, more: Partial<AdapterParts<ShiftBank>> = {}) {
  return adapterSet({ method: "shift", model, banks: [bankOf(model)], ...more });
}

test("what a method leaves out has a default, and the hooks need no test of being there", () => {
  using model = new TinyLM();
  using adapters = shifts(model);
  expect(adapters).toMatchObject({
    method: "shift",
    trainsBase: false,
    lowRank: undefined,
    scaling: undefined,
  });
  expect(adapters.lrFactor(3)).toBe(1);
  expect(adapters.beforeForward(context)).toBeUndefined();
  expect(adapters.beforeClip(context)).toBeUndefined();
  expect(adapters.measuresEvent(context)).toBe(false);
  expect(adapters.counters()).toEqual({});
  expect(adapters.fullyTrainedPaths()).toEqual([]);
  expect(adapters.parameterCounts().trainable).toBe(8);
  expect(() => adapters.saveAdapter("out", "base")).toThrow(
    expect.objectContaining({ code: "usage", found: "no other tool reads the adapters of shift" }),
  );
});

test("hooks may be an object with state, and are called with what the set is called with", () => {
  const seen: unknown[] = [];
  class Hooks implements Partial<MethodHooks> {
    private events = 0;
    lrFactor(step: number): number {
      return step / 2;
    }
    beforeForward({ step }: StepContext): void {
      seen.push(step);
    }
    beforeClip() {
      return { layers: ++this.events };
    }
    counters() {
      return this.events;
    }
    loadCounters(counters: unknown): void {
      this.events = Number(counters);
    }
    stateLoaded(): void {
      seen.push("loaded");
    }
    dispose(): void {
      seen.push("disposed");
    }
  }
  using model = new TinyLM();
  const adapters = shifts(model, {
    hooks: new Hooks(),
    saveAdapter: (folder, { banks }, baseModel) => seen.push([folder, banks.length, baseModel]),
  });
  adapters.loadCounters(6);
  expect(adapters.lrFactor(3)).toBe(1.5);
  adapters.beforeForward(context);
  expect(adapters.beforeClip(context)).toEqual({ layers: 7 });
  expect(adapters.counters()).toBe(7);
  const state = adapters.state();
  adapters.loadState((name) => state.get(name) ?? expect.fail(name));
  adapters.saveAdapter("out", "base");
  adapters.dispose();
  expect(seen).toEqual([1, "loaded", [resolve("out"), 1, "base"], "disposed"]);
});

test("a set that fails half-way takes its adapters off again and frees them", () => {
  using model = new TinyLM();
  const live = torch.liveTensorCount();
  const banks = [bankOf(model), bankOf(model)];
  Object.assign(banks[1] ?? expect.fail("no bank"), {
    install: () => {
      throw new Error("no room");
    },
  });
  expect(() => adapterSet({ method: "shift", model, banks })).toThrow("no room");
  expect(model.mix.adapter).toBeUndefined();
  expect(torch.liveTensorCount()).toBe(live);
});

test("a part of a bank may have a learning rate of its own", () => {
  using model = new TinyLM();
  using adapters = shifts(model);
  expect(adapters.trainables().map(({ lrFactor }) => lrFactor)).toEqual([undefined]);
  for (const { lrFactors } of adapters.banks) lrFactors["shift"] = 4;
  expect(adapters.trainables()).toMatchObject([{ name: "bank.shift", lrFactor: 4 }]);
});

test.each(["linearAdapter", "effectiveWeight"])(
  "a bank whose own code throws names its method: %s",
  (hook) => {
    using model = new TinyLM();
    const bank = bankOf(model);
    Object.assign(bank, {
      [hook]: () => {
        throw new TypeError("boom");
      },
    });
    const run = () => {
      using adapters = adapterSet({ method: "shift", model, banks: [bank] });
      adapters.mergedWeight("mix");
    };
    expect(run).toThrow(
      expect.objectContaining({ code: "run", where: "adapter.method: shift", found: "boom" }),
    );
    expect(model.mix.adapter).toBeUndefined();
  },
);
