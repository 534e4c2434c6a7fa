import { expect, test } from "vitest";
import { TinyLM } from "../../testing/tiny-lm.ts";
import * as torch from "../../torch/index.ts";
import { attachLoraGa } from "./attach-lora-ga.ts";
import { loraGaSchema } from "./options.ts";

test("a first step that is begun twice, after a failure, watches each weight once", () => {
  using model = new TinyLM();
  const live = torch.liveTensorCount();
  const options = loraGaSchema.parse({ method: "lora-ga", rank: 2, targetModules: ["mix"] });
  const adapters = attachLoraGa(model, options);
  const context = { step: 1, warmupSteps: 0, peakLr: 1, lr: 1, moments: () => undefined };
  adapters.beforeForward(context);
  const watching = torch.liveTensorCount();
  adapters.beforeForward(context);
  expect(torch.liveTensorCount()).toBe(watching);
  adapters.dispose();
  expect(torch.liveTensorCount()).toBe(live);
});
