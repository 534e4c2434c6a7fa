import { expect, test } from "vitest";
import { Linear, Module } from "../nn/index.ts";
import { TinyLM } from "../testing/tiny-lm.ts";
import * as torch from "../torch/index.ts";
import { elementAt, takeFirst } from "../util/elements.ts";
import { type AdapterOptions, attach, type StepContext } from "./index.ts";
import { requireLowRank } from "./testing/low-rank.ts";

const lowRank = { rank: 2, alpha: 6, targetModules: ["mix"] };
/** Every method of two factors, with the scale that alpha 6 and rank 2 make. */
const methods: [string, AdapterOptions, number][] = [
  ["lora", { method: "lora", ...lowRank }, 3],
  ["lora, rsLoRA scale", { method: "lora", ...lowRank, rslora: true }, 6 / Math.SQRT2],
  ["scalora", { method: "scalora", ...lowRank }, 3],
  ["scalora-i", { method: "scalora-i", ...lowRank }, 3],
];

const worst = (a: torch.Tensor, b: torch.Tensor) =>
  torch.scope(() => torch.max(torch.abs(torch.sub(a, b))).item());

test.each(methods)(
  "%s: starts as the base, adds s·A·Bᵀ, keeps the bias, trains only factors",
  (_, options, s) => {
    const live = torch.liveTensorCount();
    const model = new TinyLM({ dtype: "float64" });
    torch.noGrad(() =>
      torch.scope(() => {
        using generator = new torch.Generator(3, "cpu");
        const x = torch.randn([5, 8], { generator, dtype: "float64", device: "cpu" });
        const { bias = expect.fail("no bias") } = model.mix;
        torch.fill_(bias, 0.25);
        const base = torch.clone(model.mix.plainWeight());
        const plain = model.mix.forward(x);
        const adapters = requireLowRank(attach(model, options, 1));
        expect(worst(model.mix.forward(x), plain)).toBeLessThan(1e-15);
        expect(adapters.parameterCounts().trainable).toBe(2 * (8 + 8));
        expect([...model.namedParameters()].every(([, parameter]) => !parameter.requiresGrad)).toBe(true);

        const { A, B } = elementAt(elementAt(adapters.banks, 0).leaves, 0);
        for (const factor of [A, B]) torch.normal_(factor, { generator });
        const merged = torch.add(base, torch.matmul(A, torch.transpose(B, 0, 1)), { alpha: s });
        expect(worst(adapters.mergedWeight("mix", "float64"), merged)).toBeLessThan(1e-14);
        expect(worst(model.mix.forward(x), torch.linear(x, merged, { bias }))).toBeLessThan(1e-13);

        const saved = new Map([...adapters.state()].map(([name, tensor]) => [name, torch.clone(tensor)]));
        for (const tensor of adapters.state().values()) torch.zero_(tensor);
        adapters.loadState((name) => saved.get(name) ?? expect.fail(name));
        expect(worst(adapters.mergedWeight("mix", "float64"), merged)).toBeLessThan(1e-14);
        adapters.dispose();
      }),
    );
    model.dispose();
    expect(torch.liveTensorCount()).toBe(live);
  },
);

/** The steps of 1 to 40 at which the method has an event. */
function eventSteps(options: AdapterOptions, warmupSteps: number): number[] {
  const model = new TinyLM();
  const adapters = requireLowRank(attach(model, options));
  const context = { warmupSteps, peakLr: 0.01, lr: 0.01, moments: () => undefined };
  const steps = Array.from({ length: 40 }, (_, i) => i + 1).filter((step) => {
    const now: StepContext = { ...context, step };
    return "beforeClip" in adapters && typeof adapters.beforeClip === "function" && adapters.beforeClip(now);
  });
  adapters.dispose();
  model.dispose();
  return steps;
}

test("events: the first after warm-up and never at step 1, then every interval steps", () => {
  expect(eventSteps({ method: "scalora-i", ...lowRank }, 3)).toEqual([4, 14, 24, 34]);
  expect(eventSteps({ method: "scalora-i", ...lowRank }, 0)).toEqual([2, 12, 22, 32]);
  expect(eventSteps({ method: "scalora-i", ...lowRank, interval: 15, firstEvent: 7 }, 3)).toEqual([
    7, 22, 37,
  ]);
  expect(eventSteps({ method: "scalora", ...lowRank }, 37)).toEqual([38, 39, 40]);
  expect(eventSteps({ method: "lora", ...lowRank }, 0)).toEqual([]);
});

test("banks of different shape start from different random numbers", () => {
  using generator = new torch.Generator(0, "cpu");
  const layer = (out: number, inner: number) =>
    new Linear(torch.randn([out, inner], { generator, device: "cpu" }).keep());
  class TwoShapes extends Module {
    first = layer(6, 4);
    second = layer(5, 4);
  }
  using model = new TwoShapes();
  const adapters = requireLowRank(attach(model, { method: "lora", rank: 2, targetModules: "all-linear" }, 7));
  const [a, b] = takeFirst(
    adapters.banks.map(({ B }) => B.data()),
    2,
  );
  expect(a).toHaveLength(b.length);
  expect(a).not.toEqual(b);
  adapters.dispose();
});

test.each([
  [{ method: "lora", rnk: 4 }, ["adapter.rnk: unknown key", "did you mean rank?"]],
  [{ method: "lora", rank: 0, alpha: "x" }, ["2 problems", "adapter.rank", "at least 1", "adapter.alpha"]],
  [{ method: "lora", interval: 10 }, ["adapter.interval: unknown key"]],
  [{ method: "full", rank: 4 }, ["adapter.rank: unknown key"]],
  [{ method: "vera", rank: 4 }, ["vera is not supported (yet)"]],
  [
    { method: "relora", interval: 4, restartWarmup: 4 },
    ["adapter.restartWarmup", "less than adapter.interval, 4"],
  ],
  [{ method: "lora", rank: 2, dropout: 0.1 }, ["adapter.dropout: refused", "break the invariance"]],
])("attach refuses options that a recipe would refuse: %o", (options, says) => {
  using model = new TinyLM();
  for (const words of says) expect(() => Reflect.apply(attach, null, [model, options])).toThrow(words);
});

class Block extends Module {
  readonly inner = new TinyLM();
}

test.each([
  [
    ["embed_tokens"],
    /"inner\.embed_tokens" is an embedding[\s\S]*only linear[\s\S]*modulesToSave: \[embed_tokens\]/,
  ],
  [
    ["mix", "/norm$/"],
    /"inner\.norm" is a layer of another kind[\s\S]*adapter\.targetModules[\s\S]*inner\.mix/,
  ],
  [
    ["inner"],
    /"inner" is a block of layers[\s\S]*found: +inner[\s\S]*match the layers within it: \/inner\\\.\//,
  ],
  [["mixx"], /"mixx" matches no linear layer[\s\S]*did you mean "mix"/],
])("targetModules that name no linear layer are refused, with what they name: %o", (targetModules, says) => {
  using model = new Block();
  const live = torch.liveTensorCount();
  expect(() => attach(model, { method: "lora", rank: 2, targetModules })).toThrow(says);
  const refusal = (options: object) => {
    try {
      attach(model, { method: "lora", rank: 2, ...options });
    } catch (error) {
      return String(error);
    }
    return "nothing";
  };
  const rankPattern = Object.fromEntries(targetModules.map((pattern) => [pattern, 1]));
  for (const [key, said] of [
    ["adapter.exclude", refusal({ exclude: targetModules })],
    ["adapter.rankPattern", refusal({ rankPattern })],
  ] as const) {
    expect(said).toContain(key);
    expect(said).not.toContain("modulesToSave");
  }
  expect(torch.liveTensorCount()).toBe(live);
});
