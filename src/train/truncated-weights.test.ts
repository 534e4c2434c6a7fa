import { expect, test, vi } from "vitest";
import { FullFineTuning } from "../adapters/full/full-fine-tuning.ts";
import { collate } from "../data/collate.ts";
import { makeSchedule, SGD } from "../optim/index.ts";
import { refusal } from "../testing/refusal.ts";
import { countingExamples } from "../testing/tiny-data.ts";
import { TinyLM } from "../testing/tiny-lm.ts";
import * as torch from "../torch/index.ts";
import { trainStep } from "./step.ts";

vi.mock("../torch/index.ts", { spy: true });

test("a step whose weight file was truncated stops before the weights move", async () => {
  using model = new TinyLM();
  using adapters = new FullFineTuning(model);
  using optimizer = new SGD(adapters.trainables());
  const schedule = makeSchedule({ name: "constant", lr: 0.1, steps: 10 });
  const parts = { model, adapters, optimizer, schedule, clip: 0 };
  const weights = () => [...adapters.state().values()].map((tensor) => tensor.toFloats());
  const before = weights();
  vi.mocked(torch.mappedFilesIntact).mockReturnValueOnce(false);
  await expect(trainStep(parts, [collate(countingExamples(2))], 1)).rejects.toThrow(
    refusal("run", { message: "was truncated while in use", fix: "resume from the last checkpoint" }),
  );
  expect(weights()).toEqual(before);
});
