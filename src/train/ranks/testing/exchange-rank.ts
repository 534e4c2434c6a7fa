// One rank that adds up made-up gradients with others, and compares them with those of one process: prints the steps in which
// they differ. node … exchange-rank.ts <port> <rank> <size>
import { setTimeout as sleep } from "node:timers/promises";
import type { Trainable } from "../../../adapters/core/adapter-set.ts";
import {
  add,
  type DType,
  foreachZero_,
  fromData,
  mul,
  noGrad,
  scope,
  setThreads,
  sum,
  type Tensor,
  toDType,
  transpose,
  zeros,
  zerosLike,
} from "../../../torch/index.ts";
import { joinAsRank } from "../../../torch/testing/join-as-rank.ts";
import { elementAt, zip } from "../../../util/elements.ts";
import { messageOf } from "../../../util/errors.ts";
import { DeviceExchange } from "../device-exchange.ts";
import type { GradientExchange } from "../gradient-exchange.ts";
import { HostExchange } from "../host-exchange.ts";

const [port = "", rankText = "", sizeText = ""] = process.argv.slice(2);
const [rank, size] = [Number(rankText), Number(sizeText)];
setThreads(1);

/** Bytes of a bucket; the last of the parameters is as large. */
const bucketBytes = 64;
const shapes: readonly (readonly [number[], DType])[] = [
  [[], "float32"],
  [[7, 3], "float32"],
  [[9], "bfloat16"],
  [[50], "float32"],
  [[16], "float32"],
];

/** @param isTransposed whether those with two dimensions are not contiguous */
function makeTrainables(isTransposed = false): Trainable[] {
  return shapes.map(([shape, dtype], index) => {
    const value = scope(() => {
      const whole = zeros(isTransposed ? shape.toReversed() : shape, { dtype, device: "cpu" });
      return (isTransposed && shape.length === 2 ? transpose(whole, 0, 1) : whole).keep();
    });
    const grad = zerosLike(value).keep();
    value.setRequiresGrad(true).setGrad(grad);
    return { name: `${index}`, value, grad, decay: true };
  });
}

/** Numbers of an item whose sums depend on their order. */
const factorsOf = ({ shape, dtype, numel }: Tensor, item: number) => {
  const numbers = Float32Array.from({ length: numel }, (_, i) => Math.sin(7 * i + item) * 10 ** (item % 5));
  return toDType(fromData(numbers, shape, { device: "cpu" }), dtype);
};

/** The backward pass of an item, of some of the trainables. */
function backward(trainables: readonly Trainable[], item: number): void {
  scope(() => {
    const terms = trainables.map(({ value }) => toDType(sum(mul(value, factorsOf(value, item))), "float32"));
    terms.reduce((total, term) => add(total, term)).backward();
  });
}

const gradients = (trainables: readonly Trainable[]) => trainables.map(({ grad }) => [...grad.toFloats()]);

function zeroGrad(trainables: readonly Trainable[]): void {
  noGrad(() => foreachZero_(trainables.map(({ grad }) => grad)));
}

const isSame = (some: readonly number[], others: readonly number[]) =>
  zip(some, others).every(([a, b]) => Object.is(a, b));

/** One process. */
function expected(count: number): number[][] {
  const trainables = makeTrainables();
  for (let item = 0; item < count; item++) backward(trainables, item);
  return gradients(trainables);
}

using group = await joinAsRank({ port: Number(port), rank, size, timeout: 30 });
let trainables = makeTrainables();
const owner = { trainables: () => trainables, zeroGrad: () => zeroGrad(trainables) };

/** Adds up those of `count` items. @returns the trainables whose gradients are not those of one process */
async function addUp(exchange: GradientExchange, count: number, compute = backward): Promise<number[]> {
  zeroGrad(trainables);
  const rounds = Math.ceil(count / size);
  for (let round = 0; round < rounds; round++) {
    const item = round * size + rank;
    const own = () => (item < count ? compute(trainables, item) : undefined);
    if (round + 1 < rounds) {
      own();
      await exchange.beginRound();
    } else await exchange.finish(Math.min(size, count - round * size), own);
  }
  const found = gradients(trainables);
  return expected(count).flatMap((values, i) => (isSame(values, elementAt(found, i)) ? [] : [i]));
}

/** The last gradient is added up while the backward pass of the others waits. */
function inParts(all: readonly Trainable[], item: number): void {
  backward(all.slice(-1), item);
  const sums = elementAt(expected(size).slice(-1), 0);
  const end = performance.now() + 10_000;
  while (!isSame(elementAt(gradients(all.slice(-1)), 0), sums)) {
    if (performance.now() > end) throw new Error("nothing is added up before the end of the backward pass");
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10);
  }
  backward(all.slice(0, -1), item);
}

const differing: unknown[] = [];
const exchanges = [
  () => new HostExchange(group, owner, { canOverlap: true, bucketBytes }),
  () => new HostExchange(group, owner, { canOverlap: false, bucketBytes }),
  () => new DeviceExchange(group, owner, bucketBytes),
];
for (const make of exchanges) {
  using exchange = make();
  for (const count of [1, size, size + 1, 3 * size, 1]) differing.push(await addUp(exchange, count));
}
const contiguous = trainables;
trainables = makeTrainables(true);
for (const make of exchanges) {
  using exchange = make();
  for (const count of [size, size + 1]) differing.push(await addUp(exchange, count));
}
trainables = contiguous;
using overlapping = new HostExchange(group, owner, { canOverlap: true, bucketBytes });
differing.push(await addUp(overlapping, size, inParts));
await group.barrier();
const failing = async () => {
  await addUp(overlapping, size, () => {
    throw new Error("no memory");
  });
};
const messages: string[] = [];
for (const call of [failing, () => group.barrier()])
  await call().catch((error: unknown) => messages.push(messageOf(error).split("\n")[0] ?? ""));
console.log(JSON.stringify({ differing, messages }));
await sleep(100);
