import { expect, test } from "vitest";
import { TinyLM } from "../../testing/tiny-lm.js";
import * as torch from "../../torch/index.js";
import { attach } from "../registry.js";

test("a layer cannot have more frequencies than numbers, and the refusal leaves nothing behind", () => {
  using model = new TinyLM();
  const live = torch.liveTensors();
  expect(() => attach(model, { method: "fourierft", frequencies: 65, targetModules: ["mix"] })).toThrow(
    /fewer numbers than frequencies[\s\S]*at most 64, for a weight of shape \[8, 8\][\s\S]*lower adapter.frequencies/,
  );
  expect(torch.liveTensors()).toBe(live);
  attach(model, { method: "fourierft", frequencies: 64, targetModules: ["mix"] }).dispose();
});
