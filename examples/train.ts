// Fine-tunes a model from code and saves it: node --import tsx examples/train.ts [FOLDER TO WRITE]
import {
  AdamW,
  attach,
  BatchSource,
  batchesInOrder,
  loadDataset,
  loadModel,
  loadTokenizer,
  makeSchedule,
  mergeAndSave,
  train,
} from "scalora";

const [out = "runs/example-model"] = process.argv.slice(2);
const folder = "assets/tiny"; // or any decoder folder of Hugging Face, or a GGUF file
const steps = 60;

using model = await loadModel(folder, { dtype: "float32" });
const tokenizer = await loadTokenizer(folder);
const dataset = await loadDataset({ train: "examples/data/train.jsonl", eval: { holdOut: 40 } }, tokenizer, {
  maxLength: model.info.maxPositions,
  seed: 0,
});

const adapters = attach(model, {
  method: "scalora-i",
  rank: 4,
  targetModules: ["q_proj", "v_proj", "up_proj", "down_proj"],
});
const result = await train({
  model,
  adapters,
  batches: new BatchSource(dataset.train, { seed: 0, batchSize: 8 }),
  evalBatches: batchesInOrder(dataset.eval, { batchSize: 32 }),
  optimizer: new AdamW(adapters.trainables()),
  schedule: makeSchedule({ name: "linear", lr: 5e-3, steps, warmup: 0.05 }),
  settings: { steps, evalEvery: 20 },
  onEvent: (event) => {
    if (event.type === "eval") console.log(`step ${event.step}: held-out loss ${event.loss.toFixed(3)}`);
  },
});
mergeAndSave(model, adapters, { out });
console.log(`${result.reason} after ${result.step} steps; the merged model is in ${out}`);
