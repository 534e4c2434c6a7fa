import { expect, test } from "vitest";
import { Linear } from "../../nn/index.ts";
import { refusal } from "../../testing/refusal.ts";
import { TinyLM } from "../../testing/tiny-lm.ts";
import * as torch from "../../torch/index.ts";
import { attach } from "../attach.ts";
import { SpectrumBank } from "./spectrum-bank.ts";

test("a layer cannot have more frequencies than numbers, and the refusal leaves nothing behind", () => {
  using model = new TinyLM();
  const live = torch.liveTensorCount();
  expect(() => attach(model, { method: "fourierft", frequencies: 65, targetModules: ["mix"] })).toThrow(
    refusal("config", {
      where: "mix",
      expected: "at most 64, for a weight of shape [8, 8]",
      found: /^65$/,
      fix: "adapter.frequencies",
    }),
  );
  expect(torch.liveTensorCount()).toBe(live);
  attach(model, { method: "fourierft", frequencies: 64, targetModules: ["mix"] }).dispose();
});

test("off the CPU the places that are drawn there are freed", () => {
  using linear = new Linear(torch.zeros([4, 6], { dtype: "float32", device: "meta" }).keep());
  const live = torch.liveTensorCount();
  const shape = { m: 4, n: 6, frequencies: 5, scaling: 1, placeSeed: 777 };
  new SpectrumBank("test", shape, [{ path: "layer", linear }]).dispose();
  expect(torch.liveTensorCount()).toBe(live);
});
