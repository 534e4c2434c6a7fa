// Makes assets/tiny: trains the quickstart's model from nothing on sentences that the project generates.
//   npm run tiny:pretrain [-- FOLDER [STEPS]]      (about five minutes on one core)
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { attach } from "../src/adapters/index.ts";
import { type Batch, batchesInOrder, collate, type Example } from "../src/data/index.ts";
import { loadTokenizer } from "../src/model-files/load-tokenizer.ts";
import { createModel, saveModelWithConfig } from "../src/models/index.ts";
import { AdamW, makeSchedule } from "../src/optim/index.ts";
import { tinyConfig, tinyTokenizer, tinyTokenizerConfig } from "../src/quickstart/translation/tiny-model.ts";
import {
  drawPretrainingText,
  type PretrainingKind,
} from "../src/quickstart/translation/translation-examples.ts";
import type { Tokenizer } from "../src/tokenizer/index.ts";
import { chooseGemmBackend, Generator, keepFreedMemory } from "../src/torch/index.ts";
import { train } from "../src/train/trainer.ts";
import { elementAt } from "../src/util/elements.ts";
import { Random } from "../src/util/random.ts";
import { parseJson } from "../src/util/strict-json.ts";

const folder = process.argv[2] ?? "assets/tiny";
const steps = Number(process.argv[3] ?? 2500);
/** Rows of a step: of each kind so many. */
const rows = { repeat: 48, plain: 16 } as const;
const seed = 1;

const companions = mkdtempSync(join(tmpdir(), "scalora-tiny-"));
try {
  await pretrain();
} finally {
  rmSync(companions, { recursive: true, force: true });
}

async function pretrain(): Promise<void> {
  writeJson(join(companions, "tokenizer.json"), tinyTokenizer());
  writeJson(join(companions, "tokenizer_config.json"), tinyTokenizerConfig);
  const tokenizer = await loadTokenizer(companions);
  keepFreedMemory();
  chooseGemmBackend();
  using generator = new Generator(seed, "cpu");
  using model = createModel(tinyConfig(), generator);
  const adapters = attach(model, { method: "full" });
  const optimizer = new AdamW(adapters.trainables(), { betas: [0.9, 0.99], weightDecay: 0.01 });
  const held = new Random(seed + 1);
  const texts = Array.from({ length: 512 }, () => drawPretrainingText(held, "repeat"));
  const { all } = adapters.parameterCounts();
  process.stderr.write(`${all} parameters, ${steps} steps\n`);
  await train({
    model,
    adapters,
    optimizer,
    batches: await freshRows(tokenizer),
    evalBatches: batchesInOrder(await encode(tokenizer, texts), { batchSize: 128 }),
    schedule: makeSchedule({ name: "cosine", lr: 3e-3, steps, warmup: 0.03 }),
    settings: { steps, accumulate: 2, evalEvery: Math.ceil(steps / 20) },
    onEvent: (event) => {
      if (event.type === "eval")
        process.stderr.write(`step ${event.step}: held-out loss ${event.loss.toFixed(4)}\n`);
    },
  });
  const config = parseJson(JSON.stringify(tinyConfig()));
  if (!(config instanceof Map)) throw new Error("a config is an object");
  mkdirSync(join(folder, ".."), { recursive: true });
  rmSync(folder, { recursive: true, force: true });
  saveModelWithConfig(model, config, companions, folder);
  optimizer.dispose();
  adapters.dispose();
}

/** Endless batches that never repeat, in turn of each kind: within a batch all rows are of one length. */
async function freshRows(tokenizer: Tokenizer) {
  const random = new Random(seed);
  const draw = async (kind: PretrainingKind) =>
    encode(
      tokenizer,
      Array.from({ length: rows[kind] * steps }, () => drawPretrainingText(random, kind)),
    );
  const kinds = [
    { all: await draw("repeat"), size: rows.repeat },
    { all: await draw("plain"), size: rows.plain },
  ];
  let turn = 0;
  return {
    next: (): Batch => {
      const { all, size } = elementAt(kinds, turn % 2);
      const first = Math.floor(turn++ / 2) * size;
      return collate(all.slice(first, first + size));
    },
    state: () => ({ version: 1 as const, fingerprint: "", epoch: 0, batch: turn, drawn: [] }),
    restore: () => undefined,
  };
}

async function encode(tokenizer: Tokenizer, texts: readonly string[]): Promise<Example[]> {
  const end = tokenizer.special.eos?.id ?? 0;
  const encodings = await tokenizer.encodeBatch(texts);
  return encodings.map(({ ids }, i) => ({
    ids: Int32Array.from([...ids, end]),
    isLabel: Uint8Array.from([0, ...ids.map(() => 1)]),
    source: `sentence ${i + 1}`,
  }));
}

function writeJson(path: string, value: unknown): void {
  writeFileSync(path, `${JSON.stringify(value, undefined, 1)}\n`);
}
