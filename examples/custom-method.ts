// Trains by a method of one's own, which is in examples/input-gain: node --import tsx examples/custom-method.ts
import {
  AdamW,
  attach,
  BatchSource,
  loadDataset,
  loadModel,
  loadTokenizer,
  makeSchedule,
  registerMethod,
  train,
} from "scalora";
import { inputGain } from "./input-gain/input-gain.ts";

registerMethod(inputGain);

const folder = "assets/tiny";
const steps = 20;

using model = await loadModel(folder, { dtype: "float32" });
const tokenizer = await loadTokenizer(folder);
const dataset = await loadDataset({ train: "examples/data/train.jsonl", eval: "none" }, tokenizer, {
  maxLength: model.info.maxPositions,
  seed: 0,
});
const adapters = attach(model, { method: "input-gain", ratio: 2 });
const { loss, step } = await train({
  model,
  adapters,
  batches: new BatchSource(dataset.train, { seed: 0, batchSize: 8 }),
  optimizer: new AdamW(adapters.trainables()),
  schedule: makeSchedule({ name: "linear", lr: inputGain.presetLr, steps, warmup: 0.05 }),
  settings: { steps },
});
console.log(
  `input-gain: ${adapters.parameterCounts().trainable} gains, loss ${loss?.toFixed(3)} at step ${step}`,
);
