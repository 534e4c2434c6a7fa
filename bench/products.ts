// GFLOP/s of two products of SmolLM2-135M's layers in float32 and bfloat16, one thread, by the least CPU time of 25 calls:
// npx tsx bench/products.ts
import {
  cpuCapability,
  fastLinear,
  Generator,
  noGrad,
  randn,
  scope,
  setThreads,
  type Tensor,
  toDType,
} from "../src/torch/index.ts";

const calls = 25;

function leastMilliseconds(x: Tensor, weight: Tensor): number {
  const times = Array.from({ length: calls }, () => {
    const started = process.cpuUsage();
    scope(() => void fastLinear(x, weight));
    const { user, system } = process.cpuUsage(started);
    return (user + system) / 1000;
  });
  return Math.min(...times);
}

setThreads(1);
console.log(cpuCapability());
for (const [rows, inner, columns] of [
  [512, 576, 1536],
  [128, 576, 49152],
] as const)
  for (const dtype of ["float32", "bfloat16"] as const)
    scope(() => {
      using generator = new Generator(0, "cpu");
      const draw = (shape: number[]) => toDType(randn(shape, { generator, device: "cpu" }), dtype);
      const [x, weight] = [draw([rows, inner]), draw([columns, inner])];
      const rate = (2 * rows * inner * columns) / noGrad(() => leastMilliseconds(x, weight)) / 1e6;
      console.log(`${rows} x ${inner} x ${columns}  ${dtype}  ${rate.toFixed(0)} GFLOP/s`);
    });
