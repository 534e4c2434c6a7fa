import { expect, test } from "vitest";
import {
  copy_,
  fill_,
  fromData,
  narrow,
  noGrad,
  reshape,
  scope,
  type Tensor,
  viewDType,
} from "../torch/index.ts";
import { elementAt } from "../util/elements.ts";
import { ScaloraError } from "../util/errors.ts";
import { ShardedTensor } from "./sharded-tensor.ts";
import { type ShardGroup, WeightShards } from "./weight-shards.ts";

const bytesOf = (tensor: Tensor) => viewDType(reshape(tensor, [-1]), "uint8");

/** Two ranks with equal slices, of which this process is the first; bytes move when they are awaited. */
class FakeGroup implements ShardGroup {
  readonly rank = 0;
  readonly size = 2;
  /** The first value of each slice that was gathered. */
  begun: number[] = [];
  isLost = false;
  private readonly work = new Map<number, () => void>();

  beginGather(slices: readonly Tensor[], outputs: readonly Tensor[]): number {
    this.begun.push(...slices.map((slice) => elementAt(slice.toFloats(), 0)));
    const pairs = slices.map(
      (slice, i) =>
        [
          narrow(slice, 0, 0, slice.size(0)).keep(),
          narrow(elementAt(outputs, i), 0, 0, elementAt(outputs, i).numel).keep(),
        ] as const,
    );
    const gather = this.work.size;
    this.work.set(gather, () => {
      for (const [slice, output] of pairs) {
        const own = bytesOf(slice);
        for (const rank of [0, 1]) copy_(narrow(output, 0, rank * own.numel, own.numel), own);
        slice.dispose();
        output.dispose();
      }
    });
    return gather;
  }

  awaitGather(gather: number): void {
    if (this.isLost) throw new ScaloraError("run", "the connection to another rank is lost");
    noGrad(() => scope(() => this.work.get(gather)?.()));
  }

  /** What was begun since the last call. */
  take(): number[] {
    const { begun } = this;
    this.begun = [];
    return begun;
  }
}

const width = 64;

/** A model of an embedding, three blocks of two weights and an output layer; each weight's values are its number. */
function makeModel(isTied = false) {
  const group = new FakeGroup();
  const shards = new WeightShards(group);
  const blocks = [1, 2, 3].flatMap((block) =>
    ["q_proj", "o_proj"].map((name) => `model.layers.${block}.self_attn.${name}.weight`),
  );
  const names = ["model.embed_tokens.weight", ...blocks, ...(isTied ? [] : ["lm_head.weight"])];
  const weights = names.map((name, i) => {
    using whole = fromData(new Float32Array(17 * width).fill(10 * i + 1), [17, width], { device: "cpu" });
    return new ShardedTensor(shards, name, shards.sliceOf(whole), [17, width]);
  });
  const use = (index: number) =>
    scope(() => elementAt(elementAt(weights, index).dense().toFloats(), 16 * width - 1));
  const dispose = () => {
    for (const weight of weights) weight.dispose();
    shards[Symbol.dispose]();
  };
  return { group, shards, weights, use, names, [Symbol.dispose]: dispose };
}

test("a rank keeps its rows and zeros; the whole has the shape of the weight", () => {
  using model = makeModel();
  const weight = elementAt(model.weights, 1);
  expect(weight.own).toEqual({ rows: 17, first: 0, count: 9, perRank: 9 });
  expect([weight.slice.shape, weight.shape, weight.numel]).toEqual([[9, width], [17, width], 17 * width]);
  expect(scope(() => weight.dense().shape)).toEqual([17, width]);
  const { size, beginGather, awaitGather } = model.group;
  const last = new WeightShards({ rank: 1, size, beginGather, awaitGather });
  expect(last.rowsOf(17)).toEqual({ rows: 17, first: 9, count: 8, perRank: 9 });
  expect(last.rowsOf(1)).toEqual({ rows: 1, first: 1, count: 0, perRank: 1 });
});

test("each block is gathered once on the way forward, a block ahead, and the last two not again on the way back", () => {
  using model = makeModel();
  const { group, use } = model;
  const steps = [0, 1, 2, 3, 4, 5, 6, 7, 5, 6, 3, 4, 1, 2].map((index) => {
    expect(use(index)).toBe(10 * index + 1);
    return group.take();
  });
  expect(steps).toEqual([
    [1, 11, 21],
    [31, 41],
    [],
    [51, 61],
    [],
    [71],
    [],
    [],
    [],
    [],
    [11, 21],
    [],
    [1],
    [],
  ]);
  // The next pass finds the first two blocks.
  expect([0, 1, 3, 5].map((index) => [use(index), group.take()])).toEqual([
    [1, []],
    [11, []],
    [31, [51, 61]],
    [51, [71]],
  ]);
});

test("an output layer that is the embedding is gathered once; evaluations one after another begin with the first block", () => {
  using tied = makeModel(true);
  const pass = [0, 1, 3, 5, 0, 5, 3, 1].map((index) => [tied.use(index), tied.group.take()].flat());
  expect(pass).toEqual([[1, 1, 11, 21], [11, 31, 41], [31, 51, 61], [51], [1], [51], [31, 11, 21], [11]]);
  using model = makeModel();
  for (const index of [0, 1, 3, 5, 7]) model.use(index);
  model.group.take();
  expect([model.use(0), model.group.take()]).toEqual([1, [1, 11, 21]]);
});

test("weights that change are gathered again", () => {
  using model = makeModel();
  model.use(1);
  model.shards.forget([elementAt(model.weights, 1)]);
  noGrad(() => fill_(elementAt(model.weights, 1).slice, 5));
  model.group.take();
  expect([model.use(1), model.use(2)]).toEqual([5, 21]);
  expect(model.group.take()).toEqual([5, 21]);
});

test("an error of the ranks is thrown where the weight is used", () => {
  using model = makeModel();
  model.group.isLost = true;
  expect(() => model.use(1)).toThrow(expect.objectContaining({ code: "run" }));
  model.group.isLost = false;
  expect(model.use(1)).toBe(11);
});
