// What a GPU is to compute, on a device that needs no hardware: where the host waits, flash attention over a stream, and what runs
// in the place of the operators that are the CPU's own.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, expect, test } from "vitest";
import { type AdapterOptions, attach } from "../src/adapters/index.ts";
import { collate } from "../src/data/collate.ts";
import { loadClassifier, loadModel } from "../src/models/index.ts";
import { actAndMul, activations } from "../src/nn/activations.ts";
import { type AttentionDropout, bidirectionalAttention, streamAttention } from "../src/nn/attention.ts";
import {
  type CausalLM,
  Nf4Weight,
  nf4Codebook,
  RMSNorm,
  type TokenStream,
  tokenStream,
} from "../src/nn/index.ts";
import { makeParameterSource } from "../src/nn/parameter-source.ts";
import type { AttentionOptions, QueryKeyValue } from "../src/nn/query-key-value.ts";
import { applyRotary, RotaryEmbedding } from "../src/nn/rotary-embedding.ts";
import { AdamW, makeSchedule } from "../src/optim/index.ts";
import { quantiseLinearLayers } from "../src/testing/quantise-model.ts";
import { writeTinyLlama } from "../src/testing/tiny-llama.ts";
import { temporaryFolder } from "../src/testing/tiny-run.ts";
import { tolerances } from "../src/testing/tolerances.ts";
import "../src/testing/close-to.ts";
import * as torch from "../src/torch/index.ts";
import { useSecondDevice } from "../src/torch/second-device.ts";
import { takeHostWaits } from "../src/torch/testing/second-device.ts";
import { trainStep } from "../src/train/step.ts";
import { elementAt, mapTuple } from "../src/util/elements.ts";

/** A GPU where the variable names one (bench/gpu.sh): its waits are not counted, and it draws numbers of its own. */
const gpu = process.env["SCALORA_TEST_DEVICE"];
const second = gpu ?? useSecondDevice();

/** What the second device counts. */
function expectWaits(found: readonly unknown[], expected: readonly unknown[]) {
  if (gpu === undefined) expect(found).toEqual(expected);
}
const scratch = temporaryFolder();
afterAll(scratch.remove);
const folder = join(scratch.path, "llama");
writeTinyLlama(folder); // its heads are 8 wide, the least that flash attention takes

const rows = [
  [3, 4, 5, 6, 9, 9, 2],
  [7, 8, 9],
  [10, 11, 4, 8, 5, 3, 3, 6, 2, 1],
  [4, 6, 5],
].map((ids, i) => ({
  ids: Int32Array.from(ids),
  isLabel: Uint8Array.from(ids, (_, at) => (at > 0 ? 1 : 0)),
  source: `rows:${i + 1}`,
}));
/** Two micro-batches, of sequences of unequal lengths. */
const microBatches = [collate(rows.slice(0, 3)), collate(rows.slice(3))];

interface Training {
  readonly device: string;
  readonly dtype?: "float32" | "bfloat16";
  readonly recompute?: boolean;
}

/** Four steps. @returns the loss of each, and the waits of the last two: methods begin in the first two */
async function steps(adapter: AdapterOptions, { device, dtype = "bfloat16", recompute = false }: Training) {
  const loaded = await loadModel(folder, { device, dtype });
  using model: CausalLM = adapter.method === "qlora" ? quantiseLinearLayers(loaded) : loaded;
  using adapters = attach(model, adapter, 1);
  using optimizer = new AdamW(adapters.trainables());
  const schedule = makeSchedule({ name: "constant", lr: 1e-2, steps: 4 });
  const parts = { model, adapters, optimizer, schedule, clip: 1e-3, recompute };
  const losses: number[] = [];
  const waits: Record<string, number>[] = [];
  for (const step of [1, 2, 3, 4]) {
    takeHostWaits();
    losses.push((await trainStep(parts, microBatches, step)).loss);
    if (step > 2) waits.push(countOf(takeHostWaits()));
  }
  return { losses, waits };
}

/** How often each name is there. */
function countOf(names: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}

const ranked = { rank: 2, targetModules: ["q_proj", "down_proj"] };
/** Methods whose host waits once a step: for the loss and the norms of the gradients, together. */
const waitingOnce: Record<string, AdapterOptions> = {
  full: { method: "full" },
  lora: { method: "lora", ...ranked },
  "lora+": { method: "lora+", ...ranked },
  "lora-ga": { method: "lora-ga", ...ranked },
  pissa: { method: "pissa", ...ranked },
  qlora: { method: "qlora", ...ranked },
  dora: { method: "dora", ...ranked },
  hira: { method: "hira", ...ranked },
  mora: { method: "mora", ...ranked },
  fourierft: { method: "fourierft", frequencies: 12, scaling: 20, targetModules: ["q_proj"] },
  relora: { method: "relora", ...ranked, interval: 100 },
  flora: { method: "flora", ...ranked, interval: 100 },
  "scalora-i": { method: "scalora-i", ...ranked, interval: 100 },
};
const once = { "copy to the host": 1 };

test.each(Object.entries(waitingOnce))("in a step of %s the host waits once", async (_, adapter) => {
  const there = await steps(adapter, { device: second });
  expectWaits(there.waits, [once, once]);
  const here = await steps(adapter, { device: "cpu" });
  // Before the first update the factors, which the device draws, change nothing.
  const compared = gpu === undefined ? 4 : 1;
  expect(there.losses.slice(0, compared)).toBeCloseToAll(
    here.losses.slice(0, compared),
    tolerances.bfloat16Logits,
  );
});

test("recomputed activations have the host wait no more often", async () => {
  const adapter: AdapterOptions = { method: "lora", ...ranked };
  const [plain, recomputed] = [
    await steps(adapter, { device: second }),
    await steps(adapter, { device: second, recompute: true }),
  ];
  expectWaits(recomputed.waits, plain.waits);
  expect(recomputed.losses).toBeCloseToAll(plain.losses, tolerances.bfloat16Logits);
  if (gpu === undefined) expect(recomputed.losses).toEqual(plain.losses);
});

test("an event of ScaLoRA has the host wait for what it solves and reports", async () => {
  const { waits } = await steps({ method: "scalora", ...ranked }, { device: second });
  expectWaits(waits, [{ "copy to the host": 4 }, { "copy to the host": 4 }]);
});

test("a classifier trains with dropout: its host waits for the seed of the masks too", async () => {
  const path = fileURLToPath(new URL("golden/encoders/bert-pairs", import.meta.url));
  using model = await loadClassifier(path, { device: second });
  using adapters = attach(model, { method: "lora", rank: 2 }, 1);
  using optimizer = new AdamW(adapters.trainables());
  using dropout = new torch.Generator(4, second);
  const schedule = makeSchedule({ name: "constant", lr: 1e-2, steps: 2 });
  const parts = { model, adapters, optimizer, schedule, clip: 1, dropout, recompute: true };
  const labelled = rows.map((row, i) => ({ ...row, label: i % 2 }));
  const batches = [collate(labelled.slice(0, 3)), collate(labelled.slice(3))];
  await trainStep(parts, batches, 1);
  takeHostWaits();
  expect((await trainStep(parts, batches, 2)).gradNorm).toBeGreaterThan(0);
  expectWaits([countOf(takeHostWaits())], [{ "copy to the host": 2 }]);
});

/** The names of the operators that run. */
function operatorsOf(run: () => void): Set<string> {
  torch.startRecording();
  try {
    run();
  } catch (error) {
    torch.endRecording();
    throw error;
  }
  return new Set([...torch.endRecording().events].map(({ name }) => name));
}

const offsets = [0, 5, 6, 17, 24];
const scale = 0.6;

/** A random tensor, the same numbers on each device. */
function drawer(device: string, dtype: torch.DType) {
  const generator = new torch.Generator(1, "cpu");
  const draw = (...shape: number[]) =>
    torch.toDevice(torch.randn(shape, { generator, device: "cpu" }), device, dtype);
  return { draw, [Symbol.dispose]: () => generator.dispose() };
}

/** A result with the gradients of what it is computed from. */
function resultOf(out: torch.Tensor, weights: torch.Tensor, inputs: readonly torch.Tensor[]) {
  torch.sum(torch.mul(out, weights), { dtype: "float32" }).backward();
  return { out: out.toFloats(), gradients: inputs.flatMap(({ grad }) => [...(grad?.toFloats() ?? [])]) };
}

/** A way to compute attention, of so many heads of keys and values for four of queries. */
interface Attention {
  readonly groups: number;
  readonly attend: (heads: QueryKeyValue, stream: TokenStream) => torch.Tensor;
}

const causal = (rule: AttentionOptions): Attention => ({
  groups: 2,
  attend: (heads, stream) => streamAttention(heads, stream, 0, rule),
});
const bidirectional = (drop: AttentionDropout): Attention => ({
  groups: 4,
  attend: (heads, stream) => bidirectionalAttention(heads, stream, scale, drop),
});

/** Attention, and the operators that it calls. */
function attended(device: string, width: number, dtype: torch.DType, { groups, attend }: Attention) {
  return torch.scope(() => {
    using random = drawer(device, dtype);
    const [queries, keys, values] = mapTuple([4, groups, groups], (heads) =>
      random.draw(24, heads, width).setRequiresGrad(true),
    );
    const stream = tokenStream(new Array<number>(24).fill(1), offsets, { device });
    const weights = random.draw(24, 4 * width);
    let result: ReturnType<typeof resultOf> | undefined;
    const called = operatorsOf(() => {
      result = resultOf(attend({ queries, keys, values }, stream), weights, [queries, keys, values]);
    });
    return { ...(result ?? expect.fail("no result")), called };
  });
}

const flash = ["aten::_flash_attention_forward", "aten::_flash_attention_backward"];
const noDropout = { rate: 0.5, generator: undefined };
const rules: [string, Attention][] = [
  ["causal", causal({ scale })],
  ["within a window", causal({ scale, slidingWindow: 4 })],
  ["within a window of more than a sequence", causal({ scale, slidingWindow: 99 })],
  ["an encoder's", bidirectional(noDropout)],
];

test.each(rules)("attention in 16 bits is one call of flash attention: %s", (_, rule) => {
  const [here, there] = [attended("cpu", 8, "bfloat16", rule), attended(second, 8, "bfloat16", rule)];
  expect([...there.called]).toEqual(expect.arrayContaining(flash));
  expect(there.out).toBeCloseToAll(here.out, tolerances.bfloat16Logits);
  expect(there.gradients).toBeCloseToAll(here.gradients, tolerances.bfloat16Logits);
});

/** The most that the tensors of a GPU grow by in the backward pass of attention over the stream, in bytes. */
function backwardPeak(width: number, groups: number): number {
  return torch.scope(() => {
    using random = drawer(second, "bfloat16");
    const [queries, keys, values] = mapTuple([4, groups, groups], (heads) =>
      random.draw(24, heads, width).setRequiresGrad(true),
    );
    const stream = tokenStream(new Array<number>(24).fill(1), offsets, { device: second });
    const loss = torch.sum(streamAttention({ queries, keys, values }, stream, 0, { scale }));
    const before = torch.deviceMemory(second)?.tensors ?? Number.NaN;
    torch.resetDevicePeak(second);
    loss.backward();
    return (torch.deviceMemory(second)?.peak ?? Number.NaN) - before;
  });
}

/** What libtorch's mha_varlen_bwd allocates (flash_api.cpp), and the gradients that it is given and gives. */
function flashScratch(width: number, groups: number): number {
  const [rows, multiple] = [24 + 128 * (offsets.length - 1), width > 128 ? 64 : 32];
  const accumulated = 4 * rows * 4 * Math.ceil(width / multiple) * multiple;
  const sums = 4 * rows * 4;
  const spread = groups === 4 ? 0 : 2 * 2 * 24 * 4 * width;
  const gradients = 2 * 24 * width * (4 + 4 + 2 * groups);
  return accumulated + sums + spread + gradients;
}

test.each([
  [8, 4],
  [64, 2],
  [80, 1],
  [136, 2],
])(
  "flash attention's backward pass takes what libtorch's source allocates: heads %i wide, %i groups",
  (width, groups) => {
    backwardPeak(width, groups); // The first one loads what it needs.
    const [found, expected] = [backwardPeak(width, groups), flashScratch(width, groups)];
    // Blocks are multiples of 512 bytes.
    expect(Math.abs(found - expected), `${found} for ${expected}`).toBeLessThan(8 * 512);
  },
);

const without: [string, number, torch.DType, Attention][] = [
  ["float32", 8, "float32", causal({ scale })],
  ["heads of 4 numbers", 4, "bfloat16", causal({ scale })],
  ["a soft cap", 8, "bfloat16", causal({ scale, softCap: 2 })],
  ["an encoder's in float32", 8, "float32", bidirectional(noDropout)],
  ["an encoder's with heads of 4 numbers", 4, "bfloat16", bidirectional(noDropout)],
];

test.each(without)("attention without flash attention is that of the CPU: %s", (_, width, dtype, rule) => {
  const [here, there] = [attended("cpu", width, dtype, rule), attended(second, width, dtype, rule)];
  if (gpu === undefined) expect([...there.called].filter((name) => flash.includes(name))).toEqual([]);
  const tolerance = dtype === "float32" ? tolerances.gradients : tolerances.bfloat16Logits;
  expect(there.out).toBeCloseToAll([...here.out], tolerance);
  expect(there.gradients).toBeCloseToAll(here.gradients, tolerance);
});

test("attention that drops probabilities is without flash attention, which draws them from torch's own generator", () => {
  using generator = new torch.Generator(3, second);
  const { called, out } = attended(second, 8, "bfloat16", bidirectional({ rate: 0.5, generator }));
  expect([...called].filter((name) => flash.includes(name))).toEqual([]);
  expect(Math.max(...out)).toBeGreaterThan(0);
});

/** Hidden states of two prompts and of a next token of each, and whether the prompts' pass called flash attention. */
async function prompted(device: string, dtype: "float32" | "bfloat16") {
  using model = await loadModel(folder, { device, dtype });
  using first = model.newCache();
  using second = model.newCache();
  const caches = [first, second];
  return torch.noGrad(() =>
    torch.scope(() => {
      const pass = (tokens: number[], ends: number[]) =>
        model.hiddenStates(tokenStream(tokens, ends, { device, caches })).toFloats();
      let prompts = new Float32Array();
      const called = operatorsOf(() => {
        prompts = Float32Array.from(pass([3, 4, 5, 6, 9, 7, 8], [0, 5, 7]));
      });
      return { hidden: [...prompts, ...pass([2, 9], [0, 1, 2])], isFlash: called.has(elementAt(flash, 0)) };
    }),
  );
}

test.each([
  ["bfloat16", true],
  ["float32", false],
] as const)(
  "prompts to generate from, in %s, are one call of flash attention: %s",
  async (dtype, isFlash) => {
    const [here, there] = [await prompted("cpu", dtype), await prompted(second, dtype)];
    expect([here.isFlash, there.isFlash]).toEqual([false, isFlash]);
    const tolerance = dtype === "float32" ? tolerances.gradients : tolerances.bfloat16Logits;
    expect(there.hidden).toBeCloseToAll(here.hidden, tolerance);
  },
);

interface Place {
  readonly device: string;
  draw(...shape: number[]): torch.Tensor;
  leaf(...shape: number[]): torch.Tensor;
}
interface Computed {
  readonly out: torch.Tensor;
  readonly inputs: readonly torch.Tensor[];
}

/** The parts of an NF4 weight `[9, 13]`, an odd number of values, quantised on the CPU. */
function nf4Parts(device: string): torch.Tensor[] {
  using random = drawer("cpu", "float32");
  using codebook = disposableCodebook();
  const { packed, absmax, nested_absmax, offset, levels, scales } = new Nf4Weight(
    random.draw(9, 13),
    codebook,
  );
  return [packed, absmax, nested_absmax, offset, levels, scales].map((part) =>
    torch.toDevice(part, device, part.dtype, { copy: true }),
  );
}

function disposableCodebook() {
  const codebook = nf4Codebook("cpu");
  const free = () => {
    for (const values of [codebook.levels, codebook.scales]) values.dispose();
  };
  return { ...codebook, [Symbol.dispose]: free };
}

const factors = ({ leaf }: Place) => ({ x: leaf(7, 13), A: leaf(9, 2), B: leaf(13, 2) });

/** What a model computes with, in the place of each operator of the CPU's own. */
const inPlaceOf: Record<string, (place: Place) => Computed> = {
  linear: ({ leaf }) => {
    const inputs = [leaf(7, 13), leaf(9, 13), leaf(9)] as const;
    return { out: torch.fastLinear(inputs[0], inputs[1], { bias: inputs[2] }), inputs };
  },
  lora_linear: (place) => {
    const { x, A, B } = factors(place);
    return { out: torch.loraLinear(x, place.draw(9, 13), A, B, 0.5), inputs: [x, A, B] };
  },
  nf4_linear: ({ device, leaf }) => {
    const x = leaf(7, 13);
    return { out: torch.nf4Linear(x, nf4Parts(device), 9, 13), inputs: [x] };
  },
  nf4_lora_linear: (place) => {
    const { x, A, B } = factors(place);
    return { out: torch.nf4LoraLinear(x, nf4Parts(place.device), 9, 13, A, B, 0.5), inputs: [x, A, B] };
  },
  nf4_dequantize: ({ device, draw, leaf }) => {
    const x = leaf(9, 13);
    return { out: torch.mul(x, torch.nf4Dequantize(nf4Parts(device), 9, 13, draw(1).dtype)), inputs: [x] };
  },
  linear_cross_entropy: ({ device, leaf }) => {
    const inputs = [leaf(5, 8), leaf(300, 8)] as const;
    const targets = torch.indices([0, 7, 299, 7, 100], { device });
    return { out: torch.linearCrossEntropy(inputs[0], inputs[1], targets, { softCap: 5 }), inputs };
  },
  causal_attention: (place) => {
    const [queries, keys, values] = mapTuple([4, 2, 2], (heads) => place.leaf(24, heads, 8));
    const stream = tokenStream(new Array<number>(24).fill(1), offsets, { device: place.device });
    return {
      out: streamAttention({ queries, keys, values }, stream, 0, { scale }),
      inputs: [queries, keys, values],
    };
  },
  bidirectional_attention: ({ leaf, device }) => {
    const [queries, keys, values] = mapTuple([2, 2, 2], (heads) => leaf(24, heads, 8));
    const stream = tokenStream(new Array<number>(24).fill(1), offsets, { device });
    const out = bidirectionalAttention({ queries, keys, values }, stream, scale, noDropout);
    return { out, inputs: [queries, keys, values] };
  },
  rms_norm: ({ leaf }) => {
    const [x, weight] = [leaf(7, 24), leaf(24)];
    const norm = new RMSNorm(
      makeParameterSource(() => weight),
      24,
      { epsilon: 1e-5 },
    );
    return { out: norm.forward(x), inputs: [x, weight] };
  },
  rotate: ({ draw, leaf, device }) => {
    const x = leaf(7, 3, 8);
    using rotary = new RotaryEmbedding({ type: "default", theta: 10_000 }, { headDim: 8, maxPositions: 64 });
    const rotation = rotary.cosSin(tokenStream([1, 2, 3, 4, 5, 6, 7], undefined, { device }), draw(1));
    return { out: applyRotary(x, rotation), inputs: [x] };
  },
  act_and_mul: ({ leaf }) => {
    const [gate, up] = [leaf(7, 24), leaf(7, 24)];
    const silu = activations.get("silu") ?? expect.fail("no SiLU");
    return { out: actAndMul(silu, gate, up), inputs: [gate, up] };
  },
};

/** What no GPU computes, and why. */
const onCpuOnly: Record<string, string> = {
  decode_attention:
    "a decoding step goes through the caches sequence by sequence (test/second-device.test.ts)",
  gguf_quantize: "writes GGUF files",
  q8_pack: "model.quantization: q8 is for the CPU",
  q8_embedding: "model.quantization: q8 is for the CPU",
  q8_linear: "model.quantization: q8 is for the CPU",
  copy_to_huge_pages: "lays weights out in the host's memory",
};

test("every operator of our own has another in its place on a GPU, or is the CPU's by purpose", () => {
  const list = readFileSync(new URL("../src/torch/operators.txt", import.meta.url), "utf8");
  const ours = [...list.matchAll(/= scalora::(\w+)/g)].map(([, name]) => name);
  expect([...Object.keys(inPlaceOf), ...Object.keys(onCpuOnly)].toSorted()).toEqual(ours.toSorted());
});

const both = (["float32", "bfloat16"] as const).flatMap((dtype) =>
  Object.entries(inPlaceOf).map(([name, compute]) => ({ name, dtype, compute })),
);

test.each(both)("in the place of $name, $dtype: the same as on the CPU", ({ dtype, compute }) => {
  const [here, there] = mapTuple(["cpu", second], (device) =>
    torch.scope(() => {
      using random = drawer(device, dtype);
      const leaf = (...shape: number[]) => random.draw(...shape).setRequiresGrad(true);
      const { out, inputs } = compute({ device, draw: random.draw, leaf });
      return resultOf(out, torch.onesLike(out), inputs);
    }),
  );
  const tolerance = dtype === "float32" ? tolerances.gradients : tolerances.bfloat16Logits;
  expect(there.out).toBeCloseToAll(here.out, tolerance);
  expect(there.gradients).toBeCloseToAll(here.gradients, tolerance);
});

test.each(["float32", "bfloat16"] as const)(
  "NF4 dequantised on a GPU is that of the CPU, bit for bit: %s",
  (dtype) => {
    const [here, there] = mapTuple(["cpu", second], (device) =>
      torch.scope(() => torch.nf4Dequantize(nf4Parts(device), 9, 13, dtype).toFloats()),
    );
    expect(there).toEqual(here);
  },
);
