import fs, { appendFileSync, mkdirSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import {
  groupIntoBanks,
  LowRankBank,
  type NamedLinear,
  StackedParameter,
} from "../src/adapters/core/bank.ts";
import { type AdapterOptions, attach, attachFolder } from "../src/adapters/index.ts";
import { readAdapterFolder } from "../src/adapters/peft/adapter-folder.ts";
import { AnalysisObserver } from "../src/analysis/analysis-observer.ts";
import { openModel } from "../src/assemble/open-model.ts";
import { ggufWeights } from "../src/gguf/index.ts";
import { openGenerator } from "../src/inference/generate.ts";
import { ModelWeights } from "../src/model-files/model-weights.ts";
import { loadModel } from "../src/models/index.ts";
import { AdamW, SGD } from "../src/optim/index.ts";
import { RunFolder } from "../src/run/run-folder.ts";
import { SafetensorsFile } from "../src/safetensors/index.ts";
import { goldenGguf } from "../src/testing/golden-gguf.ts";
import { openFiles } from "../src/testing/open-files.ts";
import { writeTinyLlama } from "../src/testing/tiny-llama.ts";
import { TinyLM } from "../src/testing/tiny-lm.ts";
import { temporaryFolder } from "../src/testing/tiny-run.ts";
import * as torch from "../src/torch/index.ts";
import { withTensors } from "../src/train/checkpoints/read-checkpoint.ts";

const scratch = temporaryFolder();
afterAll(scratch.remove);
const model = join(scratch.path, "model");
writeTinyLlama(model);
const weights = join(model, "model.safetensors");

/** Open and mapped files are read from /proc. */
const onLinux = test.runIf(process.platform === "linux");

/** What a process holds that must be given back by hand. */
interface Holdings {
  readonly tensors: number;
  readonly openFiles: readonly string[];
  readonly mappedFiles: readonly string[];
}

function holdings(): Holdings {
  const maps = readFileSync("/proc/self/maps", "utf8").split("\n");
  return {
    tensors: torch.liveTensorCount(),
    openFiles: openFiles().sort(),
    mappedFiles: maps.filter((line) => /\.(safetensors|gguf)$/.test(line)).map((line) => line.slice(73)),
  };
}

/** Runs `body` twice, for what the first use of anything keeps; the second time leaves nothing. */
async function expectNoLeak(body: () => unknown): Promise<void> {
  await body();
  const before = holdings();
  await body();
  expect(holdings()).toEqual(before);
}

const methods: AdapterOptions[] = [
  { method: "lora", rank: 2 },
  { method: "lora", rank: 2, modulesToSave: ["lm_head"] },
  { method: "lora+", rank: 2 },
  { method: "lora-ga", rank: 2 },
  { method: "pissa", rank: 2 },
  { method: "dora", rank: 2 },
  { method: "hira", rank: 2 },
  { method: "fourierft", frequencies: 8 },
  { method: "mora", rank: 2 },
  { method: "scalora", rank: 2 },
  { method: "scalora", rank: 2, magnitude: true, base: "factored" },
  { method: "relora", rank: 2 },
  { method: "flora", rank: 2 },
  { method: "full" },
];

onLinux.each(methods)("an adapter set: $method", async (options) => {
  await expectNoLeak(() => {
    using lm = new TinyLM();
    using adapters = attach(lm, options);
    expect(adapters.trainables().length).toBeGreaterThan(0);
  });
});

onLinux("an adapter set whose factors have no start", async () => {
  await expectNoLeak(() => {
    using lm = new TinyLM();
    torch.noGrad(() => torch.fill_(lm.mix.plainWeight(), Number.NaN));
    expect(() => attach(lm, { method: "pissa", rank: 2 })).toThrow(expect.objectContaining({ code: "run" }));
    expect(lm.mix.adapter).toBeUndefined();
  });
});

onLinux("an adapter set of which the second bank fails", async () => {
  const layer = (path: string, lm: TinyLM): NamedLinear => ({ path, linear: lm.mix });
  await expectNoLeak(() => {
    using lm = new TinyLM();
    const layers = [layer("first", lm), layer("second", lm)];
    const make = (name: string, group: readonly NamedLinear[]) => {
      const bank = new LowRankBank(name, { m: 8, n: 8, rank: 2, scale: 1 }, group);
      if (group[0]?.path === "second") throw new Error("no room");
      return bank;
    };
    expect(() => groupIntoBanks(layers, ({ path }) => path, make)).toThrow("no room");
  });
});

onLinux("adapters of a folder, of one that does not fit the model too", async () => {
  const folder = join(scratch.path, "adapter");
  torch.scope(() => {
    using lm = new TinyLM();
    using adapters = attach(lm, { method: "lora", rank: 2, targetModules: ["mix"] });
    adapters.saveAdapter(folder, "base");
  });
  await expectNoLeak(() => {
    using lm = new TinyLM();
    using stored = readAdapterFolder(folder);
    using adapters = attachFolder(lm, folder);
    expect(adapters.trainables()).toHaveLength(stored.tensors.size);
  });
  await expectNoLeak(() => {
    using other = new TinyLM({ hiddenSize: 6 });
    expect(() => attachFolder(other, folder)).toThrow(expect.objectContaining({ code: "model" }));
    expect(other.mix.adapter).toBeUndefined();
  });
});

onLinux("a stack of parameters", async () => {
  await expectNoLeak(() => {
    using lm = new TinyLM();
    new StackedParameter([{ path: "mix", linear: lm.mix }], [8, 2]).dispose();
  });
});

onLinux.each(["float32", "bfloat16"] as const)("an optimiser of %s parameters", async (dtype) => {
  await expectNoLeak(() => {
    using lm = new TinyLM({ dtype });
    using adapters = attach(lm, { method: "full" });
    using adamw = new AdamW(adapters.trainables());
    using sgd = new SGD(adapters.trainables(), { momentum: 0.9 });
    adamw.step(0.1);
    sgd.step(0.1);
  });
});

onLinux("an optimiser over a parameter that cannot be trained", async () => {
  await expectNoLeak(() => {
    using lm = new TinyLM({ dtype: "bfloat16" });
    using adapters = attach(lm, { method: "full" });
    using wrong = torch.zeros([3], { device: "cpu" });
    const bad = [
      ...adapters.trainables(),
      { name: "bad", value: wrong, grad: lm.mix.denseWeight(), decay: false },
    ];
    const refused = expect.objectContaining({ code: "tensor", where: "bad" });
    expect(() => new AdamW(bad)).toThrow(refused);
    expect(() => new SGD(bad, { momentum: 0.9 })).toThrow(refused);
  });
});

let runs = 0;
const newRun = () => RunFolder.create(join(scratch.path, `run-${runs++}`), "model: {}\n");

function closedRun(): RunFolder {
  using run = newRun();
  return run;
}

onLinux("a run's folder, made and opened", async () => {
  await expectNoLeak(() => {
    using run = newRun();
    run.append({ type: "warning", step: 0, message: "none" });
    run.close();
    using again = RunFolder.open(run.path);
    again.close();
  });
});

onLinux("a run's folder whose last line cannot be ended", async () => {
  const { writeSync } = fs;
  const replaceWrite = (write: typeof writeSync) => {
    fs.writeSync = write;
    syncBuiltinESMExports();
  };
  await expectNoLeak(() => {
    const { path } = closedRun();
    appendFileSync(join(path, "events.jsonl"), '{"type":');
    replaceWrite(() => {
      throw new Error("no space left");
    });
    try {
      expect(() => RunFolder.open(path)).toThrow(expect.objectContaining({ code: "run" }));
    } finally {
      replaceWrite(writeSync);
    }
  });
});

onLinux("files of weights, and what reads them", async () => {
  await expectNoLeak(() => {
    using file = SafetensorsFile.open(weights);
    using tensor = file.tensor("lm_head.weight");
    expect(tensor.shape).toEqual([260, 32]);
  });
  await expectNoLeak(() => {
    using all = ModelWeights.open(model);
    expect(all.has("lm_head.weight")).toBe(true);
  });
  await expectNoLeak(() => {
    using file = ggufWeights(goldenGguf("models", "gemma2.gguf"));
    expect(file.entries.size).toBeGreaterThan(0);
  });
});

onLinux("files of weights of which the second is damaged", async () => {
  const folder = join(scratch.path, "shards");
  mkdirSync(folder);
  fs.copyFileSync(weights, join(folder, "a.safetensors"));
  fs.copyFileSync(weights, join(folder, "b.safetensors"));
  truncateSync(join(folder, "b.safetensors"), 20);
  const map = { "lm_head.weight": "a.safetensors", "model.norm.weight": "b.safetensors" };
  writeFileSync(join(folder, "model.safetensors.index.json"), JSON.stringify({ weight_map: map }));
  await expectNoLeak(() => {
    expect(() => ModelWeights.open(folder)).toThrow(expect.objectContaining({ code: "format" }));
  });
});

onLinux("the tensors of a checkpoint, where what takes them fails", async () => {
  const folder = join(scratch.path, "checkpoint");
  mkdirSync(folder);
  fs.copyFileSync(weights, join(folder, "adapters.safetensors"));
  await expectNoLeak(() => {
    expect(() =>
      withTensors(folder, "adapters", (read) => {
        read("lm_head.weight");
        throw new Error("does not fit");
      }),
    ).toThrow("does not fit");
  });
});

onLinux("a model, opened with its tokenizer, and one whose vocabulary is too small", async () => {
  await expectNoLeak(async () => {
    using lm = await loadModel(model);
    expect(lm.info.layers).toBe(2);
  });
  await expectNoLeak(async () => {
    using open = await openModel({ path: model });
    expect(open.adapters).toBeUndefined();
  });
  const small = join(scratch.path, "small");
  writeTinyLlama(small, { config: { vocab_size: 200, eos_token_id: 1, bos_token_id: 2 } });
  await expectNoLeak(async () => {
    await expect(openModel({ path: small })).rejects.toThrow(expect.objectContaining({ code: "model" }));
  });
});

onLinux(
  "a generator of text, which keeps what it computed last, and one whose output nobody takes to its end",
  async () => {
    await expectNoLeak(async () => {
      using generator = await openGenerator({ path: model });
      const [first, again]: [string[], string[]] = [[], []];
      for await (const piece of generator.generate("ab", { maxTokens: 3 })) first.push(piece);
      for await (const _ of generator.generate("b", { maxTokens: 20 })) break;
      for await (const piece of generator.generate("ab", { maxTokens: 3 })) again.push(piece);
      expect(first.join("")).not.toBe("");
      expect(again).toEqual(first);
    });
  },
);

onLinux("an observer of a run owns the original model", async () => {
  await expectNoLeak(() => {
    using lm = new TinyLM();
    using adapters = attach(lm, { method: "lora", rank: 2 });
    using observer = new AnalysisObserver({ model: lm, adapters, original: new TinyLM(), every: 5 });
    const context = { step: 1, warmupSteps: 0, peakLr: 1, lr: 1, moments: () => undefined };
    torch.scope(() => {
      observer.beforeForward(context);
    });
  });
});
