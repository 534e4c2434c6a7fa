// The peak of the device's matrix products, in bfloat16: `time-peak.ts --device cuda:0 [--tiny]` prints a line of JSON.
import { parseArgs } from "node:util";
import * as torch from "../../src/torch/index.ts";
import { shapeOf } from "./shapes.ts";

const { values } = parseArgs({
  options: { device: { type: "string", default: "cuda:0" }, tiny: { type: "boolean", default: false } },
});
const { device, tiny } = values;
const { peakSize: size } = shapeOf(tiny);
const [rounds, products] = tiny ? [2, 2] : [5, 20];
using generator = new torch.Generator(0, device);
const square = () => torch.randn([size, size], { generator, device, dtype: "bfloat16" });

const rates = torch.noGrad(() =>
  torch.scope(() => {
    const [left, right] = [square(), square()];
    const round = () =>
      torch.scope(() => {
        const began = performance.now();
        for (let i = 0; i < products; i++) torch.scope(() => torch.matmul(left, right));
        torch.zeros([], { device }).item(); // waits for the products
        return (2 * size ** 3 * products) / ((performance.now() - began) / 1000);
      });
    round();
    return Array.from({ length: rounds }, round);
  }),
);
console.log(JSON.stringify({ operationsPerSecond: Math.max(...rates), rounds: rates, size }));
