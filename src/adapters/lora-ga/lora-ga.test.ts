import { expect, test } from "vitest";
import { TinyLM } from "../../testing/tiny-lm.ts";
import * as torch from "../../torch/index.ts";
import { attachLoraGa } from "./lora-ga.ts";

test("a first step that is begun twice, after a failure, watches each weight once", () => {
  using model = new TinyLM();
  const live = torch.liveTensors();
  const adapters = attachLoraGa(model, { rank: 2, targetModules: ["mix"] });
  adapters.beforeForward();
  const watching = torch.liveTensors();
  adapters.beforeForward();
  expect(torch.liveTensors()).toBe(watching);
  adapters.dispose();
  expect(torch.liveTensors()).toBe(live);
});
