import { expect, test } from "vitest";
import { AdamW } from "../../optim/index.ts";
import * as torch from "../../torch/index.ts";
import { elementAt, mapTuple } from "../../util/elements.ts";
import { type GivenRun, OneLayer, readRun, stepThrough } from "../testing/reference-run.ts";
import { attachRelora } from "./attach-relora.ts";
import { reloraSchema } from "./options.ts";
import { pruneMoments } from "./prune-moments.ts";

interface ReloraRun extends GivenRun {
  readonly scale: number;
  readonly restartWarmup: number;
  readonly prune: number;
  /** Numbers that each restart kept of m and v of A, and of B. */
  readonly kept: number[][];
  /** The base weight at the end. */
  readonly base: number[][];
}

const run = readRun<ReloraRun>("relora");
const relora = (options: object) =>
  reloraSchema.parse({ method: "relora", targetModules: ["layer"], ...options });

test("a run with two restarts is the paper's: base, weights, pruned moments and rates", () => {
  using model = new OneLayer(run.weight);
  const { rank, scale, interval, restartWarmup, prune } = run;
  const options = { rank, alpha: scale * rank, interval, restartWarmup, prune };
  const adapters = attachRelora(model, relora(options), run);
  const optimizer = new AdamW(adapters.trainables());
  const kept: number[][] = [];
  const { beforeForward } = adapters;
  adapters.beforeForward = (context) => {
    beforeForward.call(adapters, context);
    if (adapters.beforeClip(context) === undefined) return;
    const averages = adapters.trainables().flatMap(({ name }) => {
      const { expAvg, expAvgSq } = optimizer.moments(name) ?? expect.fail(name);
      return [expAvg, expAvgSq ?? expect.fail(name)];
    });
    kept.push(averages.map((average) => average.toFloats().filter((x) => x !== 0).length));
  };
  stepThrough(run, adapters, optimizer, (step, effective) => {
    effective.forEach((x, i) => {
      expect(x, `step ${step}`).toBeCloseTo(elementAt(elementAt(run.effective, step - 1).flat(), i), 12);
    });
  });
  expect(kept).toEqual(run.kept);
  expect(adapters.counters()).toEqual({ restarts: 2 });
  const base = model.layer.denseWeight().toFloats();
  base.forEach((x, i) => {
    expect(x).toBeCloseTo(elementAt(run.base.flat(), i), 12);
  });
  expect(Math.max(...base.map((x, i) => Math.abs(x - elementAt(run.weight.flat(), i))))).toBeGreaterThan(
    0.01,
  );
  optimizer.dispose();
  adapters.dispose();
});

test("the rate warms up again after each restart", () => {
  using model = new OneLayer(run.weight);
  const adapters = attachRelora(model, relora({ rank: 1, interval: 5, restartWarmup: 3 }), { seed: 0 });
  const factors = Array.from({ length: 11 }, (_, i) => adapters.lrFactor(i + 1));
  expect(factors).toEqual([1, 1, 1, 1, 1, 0.25, 0.5, 0.75, 1, 1, 0.25]);
  adapters.dispose();
});

test.each([0, 0.5, 0.9, 0.99])(
  "pruning a share of %d leaves the largest means of each slice with their squares",
  (share) => {
    torch.scope(() => {
      using generator = new torch.Generator(1, "cpu");
      const [expAvg, expAvgSq] = mapTuple([1, 2], () =>
        torch.randn([2, 10, 10], { generator, dtype: "float64", device: "cpu" }),
      );
      const slices = (stack: torch.Tensor) => [0, 1].map((i) => [...torch.select(stack, 0, i).toFloats()]);
      const [means, squares] = [slices(expAvg), slices(expAvgSq)];
      pruneMoments({ expAvg, expAvgSq }, share);
      slices(expAvg).forEach((left, i) => {
        const count = share === 0 ? 100 : 100 - Math.floor(share * 99) - 1;
        const bySize = elementAt(means, i).toSorted((a, b) => Math.abs(b) - Math.abs(a));
        const smallest = Math.abs(elementAt(bySize, count - 1));
        const kept = elementAt(means, i).map((x) => count > 0 && Math.abs(x) >= smallest);
        expect(kept.filter(Boolean)).toHaveLength(count);
        expect(left).toEqual(elementAt(means, i).map((x, at) => (kept[at] ? x : 0 * x)));
        expect(slices(expAvgSq)[i]).toEqual(elementAt(squares, i).map((x, at) => (kept[at] ? x : 0 * x)));
      });
    });
  },
);
