// Steps whose passes are recorded and replayed, on the second device, which imitates CUDA's graphs.
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import type { AdapterSet, StepContext } from "../../adapters/core/adapter-set.ts";
import { Bank } from "../../adapters/core/bank.ts";
import { adapterSet } from "../../adapters/core/layer-adapters.ts";
import { linearLayers } from "../../adapters/core/targets.ts";
import { type AdapterOptions, attach, listMethods } from "../../adapters/index.ts";
import { collate } from "../../data/collate.ts";
import type { Batch } from "../../data/types.ts";
import { loadModel } from "../../models/index.ts";
import { type CausalLM, Linear, type LinearAdapter } from "../../nn/index.ts";
import { AdamW, makeSchedule } from "../../optim/index.ts";
import { quantiseLinearLayers } from "../../testing/quantise-model.ts";
import { checkTensorLeaks } from "../../testing/tensor-leak-check.ts";
import { writeTinyLlama } from "../../testing/tiny-llama.ts";
import { TinyLM, type TinyLMOptions } from "../../testing/tiny-lm.ts";
import { temporaryFolder } from "../../testing/tiny-run.ts";
import { tolerances } from "../../testing/tolerances.ts";
import "../../testing/close-to.ts";
import * as torch from "../../torch/index.ts";
import { useSecondDevice } from "../../torch/second-device.ts";
import { takeHostWaits } from "../../torch/testing/second-device.ts";
import { type StepObserver, trainStep } from "../step.ts";
import { shapeFor } from "./batch-shape.ts";
import { StepGraphs } from "./step-graphs.ts";

checkTensorLeaks();
const device = useSecondDevice();
torch.setThreads(1);
const scratch = temporaryFolder();
afterAll(scratch.remove);
const folder = join(scratch.path, "llama");
writeTinyLlama(folder); // its heads are 8 wide, the least that flash attention takes

/** A micro-batch of sequences of these lengths, of which all tokens but the first two are labels. */
const batchOf = (lengths: readonly number[], seed: number): Batch =>
  collate(
    lengths.map((length, row) => ({
      ids: Int32Array.from({ length }, (_, i) => (seed * 31 + row * 17 + i * i * 7) % 250),
      isLabel: Uint8Array.from({ length }, (_, i) => (i > 1 ? 1 : 0)),
      source: `rows:${row + 1}`,
    })),
  );

/** Two micro-batches for each of six steps: one of a shape that recurs in each, one of shapes that recur in every second. */
const stepBatches = Array.from({ length: 6 }, (_, step) => [
  batchOf([14, 9, 12 + (step % 2)], step + 1),
  step % 2 === 0 ? batchOf([18, 5, 4 + (step % 4) / 2], step + 20) : batchOf([5, 6, 5], step + 30),
]);

test("the batches have three shapes, not all their own", () => {
  const shapes = stepBatches.flat().map((batch) => JSON.stringify(shapeFor(batch)));
  expect(new Set(shapes).size).toBe(3);
  expect(
    stepBatches.flat().filter((batch) => shapeFor(batch).tokens > batch.tokens.length).length,
  ).toBeGreaterThan(3);
});

interface Run {
  readonly dtype?: "float32" | "bfloat16";
  readonly recompute?: boolean;
  /** As without the feature, padded but computed, or recorded and replayed. */
  readonly passes: "plain" | "computed" | "replayed";
  readonly observer?: StepObserver;
  readonly tiny?: TinyLMOptions;
}

/** Has each pass computed: it looks at every step. */
const profiler = { isRecording: true, beginPhase: () => {} };

async function openModel({ dtype = "bfloat16", tiny }: Run): Promise<CausalLM> {
  return tiny ? new TinyLM({ device, vocabSize: 250, ...tiny }) : await loadModel(folder, { device, dtype });
}

/** Trains six steps. @returns losses, what was trained, and how passes were done */
async function steps(adapter: AdapterOptions | ((model: CausalLM) => AdapterSet), run: Run) {
  const loaded = await openModel(run);
  const isOwn = typeof adapter === "function";
  using model: CausalLM = !isOwn && adapter.method === "qlora" ? quantiseLinearLayers(loaded) : loaded;
  using adapters = isOwn ? adapter(model) : attach(model, adapter, 1);
  using optimizer = new AdamW(adapters.trainables());
  const warnings: string[] = [];
  const graphs =
    run.passes === "plain" ? undefined : new StepGraphs(model, (message) => warnings.push(message));
  const schedule = makeSchedule({ name: "constant", lr: 1e-2, steps: 6 });
  const parts = {
    model,
    adapters,
    optimizer,
    schedule,
    clip: 1,
    graphs,
    recompute: run.recompute ?? false,
    ...(run.observer && { observer: run.observer }),
    ...(run.passes === "computed" && { profiler }),
  };
  const losses: number[] = [];
  const waits: number[] = [];
  for (const [i, batches] of stepBatches.entries()) {
    takeHostWaits();
    losses.push((await trainStep(parts, batches, i + 1)).loss);
    waits.push(takeHostWaits().length);
  }
  const trained = Object.fromEntries(
    [...adapters.state()].map(([name, tensor]) => [name, [...toNumbers(tensor)]]),
  );
  graphs?.dispose();
  const held = torch.deviceMemory(device)?.tensors;
  return { held, losses, trained, waits, warnings, counts: graphs?.counts };
}

const toNumbers = (tensor: torch.Tensor) => torch.scope(() => torch.toDType(tensor, "float64").toFloats());

const ranked = { rank: 2, targetModules: ["q_proj", "down_proj"] };
/** What passes are replayed of the 12: all but the first ones of each shape, and where what is baked in has changed. */
const cases: Record<string, [adapter: AdapterOptions, recordings: number, replays: number]> = {
  full: [{ method: "full" }, 3, 9],
  lora: [{ method: "lora", ...ranked }, 3, 9],
  "lora, output layer": [{ method: "lora", rank: 2, targetModules: ["lm_head", "v_proj"] }, 3, 9],
  "lora, saved modules": [{ method: "lora", ...ranked, modulesToSave: ["lm_head", "embed_tokens"] }, 3, 9],
  "lora+": [{ method: "lora+", ...ranked }, 3, 9],
  "lora-ga": [{ method: "lora-ga", ...ranked }, 3, 7],
  pissa: [{ method: "pissa", ...ranked }, 3, 9],
  qlora: [{ method: "qlora", ...ranked }, 3, 9],
  dora: [{ method: "dora", ...ranked }, 3, 9],
  hira: [{ method: "hira", ...ranked }, 3, 9],
  mora: [{ method: "mora", ...ranked }, 3, 9],
  fourierft: [{ method: "fourierft", frequencies: 12, scaling: 20, targetModules: ["q_proj"] }, 3, 9],
  relora: [{ method: "relora", ...ranked, interval: 3 }, 3, 9],
  "relora, factored": [{ method: "relora", ...ranked, base: "factored", interval: 3 }, 4, 6],
  flora: [{ method: "flora", ...ranked, interval: 3 }, 3, 9],
  "flora, factored": [{ method: "flora", ...ranked, base: "factored", interval: 3 }, 4, 6],
  scalora: [{ method: "scalora", ...ranked }, 3, 9],
  "scalora, magnitude": [{ method: "scalora", ...ranked, magnitude: true }, 3, 9],
  "scalora, factored": [{ method: "scalora", ...ranked, base: "factored" }, 1, 1],
  "scalora-i": [{ method: "scalora-i", ...ranked, interval: 3 }, 3, 9],
  "scalora-i, factored": [{ method: "scalora-i", ...ranked, base: "factored", interval: 4 }, 4, 6],
};

test("every method is tried", () => {
  const tried = new Set(Object.values(cases).map(([{ method }]) => method));
  const all = listMethods().map(({ name }) => name);
  expect([...tried].toSorted()).toEqual(all.toSorted());
});

test.each(Object.entries(cases))(
  "replayed passes of %s give the bits of computed ones",
  async (_, [adapter, recordings, replays]) => {
    const replayed = await steps(adapter, { passes: "replayed" });
    const computed = await steps(adapter, { passes: "computed" });
    expect(replayed.warnings).toEqual([]);
    expect(replayed.losses).toEqual(computed.losses);
    expect(replayed.trained).toEqual(computed.trained);
    expect(computed.counts).toEqual({ passes: 12, recordings: 0, replays: 0 });
    expect(replayed.counts).toEqual({ passes: 12, recordings, replays });
    expect(replayed.held).toBe(computed.held);
    // The host waits where it does without graphs: once a step, and where an event is solved.
    expect(replayed.waits).toEqual(computed.waits);
  },
);

test.each(["full", "lora"] as const)("in bfloat16 padding changes roundings only: %s", async (method) => {
  const adapter: AdapterOptions = method === "full" ? { method } : { method, ...ranked };
  const replayed = await steps(adapter, { passes: "replayed" });
  const plain = await steps(adapter, { passes: "plain" });
  expect(replayed.losses).toBeCloseToAll(plain.losses, tolerances.bfloat16Logits);
  expect(replayed.held).toBe(plain.held);
});

test("recomputed activations are recorded too", async () => {
  const adapter: AdapterOptions = { method: "full" };
  const replayed = await steps(adapter, { passes: "replayed", recompute: true });
  expect(replayed.counts).toEqual({ passes: 12, recordings: 3, replays: 9 });
  expect(replayed.trained).toEqual((await steps(adapter, { passes: "computed" })).trained);
});

test.each([{ tied: true }, { softCap: 3 }])("in float32 padding counts for nothing: %j", async (tiny) => {
  const adapter: AdapterOptions = { method: "full" };
  const replayed = await steps(adapter, { passes: "replayed", tiny });
  const plain = await steps(adapter, { passes: "plain", tiny });
  expect(replayed.counts?.replays).toBe(9);
  expect(replayed.losses).toBeCloseToAll(plain.losses, tolerances.loss);
  for (const [name, values] of Object.entries(plain.trained))
    expect(replayed.trained[name] ?? []).toBeCloseToAll(values, tolerances.trained);
});

test("what cannot be recorded is computed as without graphs, with one warning", async () => {
  const adapter: AdapterOptions = { method: "lora", ...ranked };
  const replayed = await steps(adapter, { passes: "replayed", dtype: "float32" });
  const plain = await steps(adapter, { passes: "plain", dtype: "float32" });
  expect(replayed.warnings).toEqual([expect.stringContaining("lengths of a batch's sequences")]);
  expect(replayed.counts).toEqual({ passes: 3, recordings: 0, replays: 0 });
  expect(replayed.held).toBe(plain.held);
  expect(replayed.losses).toBeCloseToAll(plain.losses, tolerances.loss);
});

test("a recording that fails in the backward pass leaves gradients as they were", async () => {
  writeTinyLlama(join(scratch.path, "tied"), { config: { tie_word_embeddings: true } });
  const gradients = async (canReplay: boolean) => {
    using model = await loadModel(join(scratch.path, "tied"), { device, dtype: "bfloat16" });
    using adapters = attach(model, { method: "full" }, 1);
    const linear = [...model.namedModules()].flatMap(([, module]) =>
      module instanceof Linear ? [module] : [],
    )[1];
    let calls = 0;
    // Waits where a block is computed again.
    if (linear)
      linear.adapter = {
        forward: (x, base) => {
          if (++calls % 2 === 0) torch.noGrad(() => torch.scope(() => torch.sum(x).item()));
          return base.forwardBase(x);
        },
      };
    const warnings: string[] = [];
    using graphs = new StepGraphs(model, (message) => warnings.push(message));
    const parts = { adapters, recompute: true };
    const losses = [1, 1].map((seed) =>
      torch.scope(() => graphs.pass(parts, batchOf([14, 9, 12], seed), 20, canReplay).item()),
    );
    const found = adapters
      .trainables()
      .map(({ name, value, grad }) =>
        torch.scope(() => [name, ...(value.grad?.toFloats() ?? []), ...grad.toFloats()]),
      );
    return { losses, found, warnings: warnings.length };
  };
  const [failed, computed] = [await gradients(true), await gradients(false)];
  expect([failed.warnings, computed.warnings]).toEqual([1, 0]);
  expect(failed.losses).toEqual(computed.losses);
  expect(failed.found).toEqual(computed.found);
});

test("steps in which other tensors collect gradients are computed", async () => {
  const tiny = { tied: false };
  const adapter: AdapterOptions = {
    method: "scalora",
    rank: 2,
    targetModules: ["mix"],
    policy: "svd",
    interval: 3,
  };
  const replayed = await steps(adapter, { passes: "replayed", tiny });
  const computed = await steps(adapter, { passes: "computed", tiny });
  expect(replayed.trained).toEqual(computed.trained);
  // Events in steps 2 and 5: their passes are computed, and the second of the first shape is not recorded before step 3.
  expect(replayed.counts).toEqual({ passes: 12, recordings: 3, replays: 6 });
  let observed = 0;
  const observer: StepObserver = {
    beforeForward: () => {},
    watched: () => [torch.zeros([1], { device })],
    afterBackward: () => {
      observed++;
    },
    afterStep: () => undefined,
  };
  const watched = await steps({ method: "full" }, { passes: "replayed", tiny, observer });
  expect([observed, watched.counts]).toEqual([6, { passes: 12, recordings: 0, replays: 0 }]);
});

/** A change of W by a trained number for each input, times a number that the host computes before each step. */
class RampBank extends Bank {
  factor = 0;

  override linearAdapter(index: number): LinearAdapter {
    const gain = this.leaf("gain", index);
    const scaled = (x: torch.Tensor) => torch.add(x, torch.mul(x, gain), { alpha: this.factor });
    return { forward: (x, base) => base.forwardBase(scaled(x)) };
  }

  override effectiveWeight(index: number, base: torch.Tensor): torch.Tensor {
    return torch.add(base, torch.mul(base, this.leaf("gain", index)), { alpha: this.factor });
  }
}

/** A method of one's own, whose factor is another in every second step, and no counter. */
const ramp =
  (passKey?: (factor: number) => number) =>
  (model: CausalLM): AdapterSet => {
    const [layer] = linearLayers(model);
    if (layer === undefined) return expect.fail("no linear layer");
    const bank = new RampBank("ramp", [{ path: layer[0], linear: layer[1] }], { gain: [8] });
    const hooks = {
      beforeForward: ({ step }: StepContext) => {
        bank.factor = 1 / Math.ceil(step / 2);
      },
      ...(passKey && { passKey: () => passKey(bank.factor) }),
    };
    return adapterSet({ method: "ramp", model, banks: [bank], hooks });
  };

test("a number that a method computes is never that of an earlier step", async () => {
  const tiny = { tied: false };
  const computed = await steps(ramp(), { passes: "computed", tiny });
  // The shape that recurs is recorded in each step in which the factor stays, the others have one pass at each factor.
  const keyed = await steps(
    ramp((factor) => factor),
    { passes: "replayed", tiny },
  );
  expect(keyed.counts).toEqual({ passes: 12, recordings: 3, replays: 3 });
  expect(keyed.trained).toEqual(computed.trained);
  expect(keyed.losses).toEqual(computed.losses);
  // A method that does not say what its passes depend on is computed, whoever asks.
  const silent = await steps(ramp(), { passes: "replayed", tiny });
  expect(silent.counts).toEqual({ passes: 12, recordings: 0, replays: 0 });
  expect(silent.trained).toEqual(computed.trained);
  // The test can fail: what a wrong key gives is another training.
  const wrong = await steps(
    ramp(() => 0),
    { passes: "replayed", tiny },
  );
  expect(wrong.trained).not.toEqual(computed.trained);
});

test("of many shapes those used last are kept", async () => {
  using model = new TinyLM({ device, vocabSize: 250 });
  using adapters = attach(model, { method: "full" }, 1);
  using graphs = new StepGraphs(model, expect.fail, 2);
  const pass = (length: number) =>
    torch.scope(() => graphs.pass({ adapters }, batchOf([length], 1), 1, true).item());
  const once = [8, 16, 32].map(pass);
  const held = torch.deviceMemory(device)?.tensors;
  expect([16, 32, 16].map(pass)).toEqual([once[1], once[2], once[1]]);
  expect(graphs.counts).toEqual({ passes: 6, recordings: 2, replays: 3 });
  expect([8, 8, 32].map(pass)).toEqual([once[0], once[0], once[2]]);
  expect(graphs.counts).toEqual({ passes: 9, recordings: 3, replays: 4 });
  graphs.dispose();
  expect(torch.deviceMemory(device)?.tensors).toBeLessThan(held ?? 0);
});

test("padding computes nothing that the batch does not: a token that is no number stays out", async () => {
  using model = new TinyLM({ device, vocabSize: 250 });
  const { weight } = model.embed_tokens;
  if (!(weight instanceof torch.Tensor)) return expect.fail("no tensor");
  using adapters = attach(model, { method: "lora", rank: 2, targetModules: ["mix"] }, 1);
  torch.noGrad(() => torch.scope(() => void torch.fill_(torch.narrow(weight, 0, 0, 1), Number.NaN)));
  using graphs = new StepGraphs(model, expect.fail);
  const batch = collate([
    {
      ids: Int32Array.from({ length: 21 }, (_, i) => i + 1),
      isLabel: new Uint8Array(21).fill(1),
      source: "row",
    },
  ]);
  expect(shapeFor(batch).tokens).toBe(22);
  for (let i = 0; i < 3; i++) torch.scope(() => void graphs.pass({ adapters }, batch, 20, true));
  expect(
    adapters
      .trainables()
      .flatMap(({ grad }) => [...grad.toFloats()])
      .every(Number.isFinite),
  ).toBe(true);
});
