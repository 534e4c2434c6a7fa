// Compares two methods by a metric of one's own: node --import tsx examples/custom-metric.ts
import { readFileSync } from "node:fs";
import {
  AdamW,
  attach,
  BatchSource,
  type CausalLM,
  generateText,
  loadDataset,
  loadModel,
  loadTokenizer,
  makeSchedule,
  train,
} from "scalora";

const folder = "assets/tiny";
const steps = 60;
const tokenizer = await loadTokenizer(folder);
const lines = readFileSync("examples/data/test.jsonl", "utf8").trim().split("\n").slice(0, 20);
const rows: { prompt: string; completion: string }[] = lines.map((line) => JSON.parse(line));
const words = (text: string) => text.trim().split(" ");

/** The metric: the fraction of words that are right and in their place. */
async function wordAccuracy(model: CausalLM): Promise<number> {
  let [right, all] = [0, 0];
  for (const { prompt, completion } of rows) {
    let output = "";
    for await (const piece of generateText(model, tokenizer, prompt, { maxTokens: 20 })) output += piece;
    const written = words(output);
    right += words(completion).filter((word, i) => word === written[i]).length;
    all += words(completion).length;
  }
  return right / all;
}

for (const method of ["lora", "scalora-i"] as const) {
  using model = await loadModel(folder, { dtype: "float32" });
  const dataset = await loadDataset({ train: "examples/data/train.jsonl", eval: "none" }, tokenizer, {
    maxLength: model.info.maxPositions,
    seed: 0,
  });
  const before = await wordAccuracy(model);
  const adapters = attach(model, { method, rank: 8 });
  await train({
    model,
    adapters,
    batches: new BatchSource(dataset.train, { seed: 0, batchSize: 16 }),
    optimizer: new AdamW(adapters.trainables()),
    schedule: makeSchedule({ name: "linear", lr: 1e-2, steps, warmup: 0.05 }),
    settings: { steps },
  });
  const after = await wordAccuracy(model);
  console.log(`${method}: word accuracy ${(100 * before).toFixed(1)} → ${(100 * after).toFixed(1)} %`);
}
