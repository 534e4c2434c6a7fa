// Operators that share work of microseconds between threads of their own (native/operators/short_work.cpp).
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, expect, test } from "vitest";
import * as torch from "./index.ts";

const before = torch.threads();
afterEach(() => torch.setThreads(before));

/** Products and attention of a decoding step, some with more parts than threads, one with a single part. */
function step(): string {
  return torch.scope(() => {
    using generator = new torch.Generator(1, "cpu");
    const random = (...shape: number[]) => torch.randn(shape, { generator, device: "cpu" });
    const x = random(3, 256);
    const [codes, scales] = torch.q8Pack(torch.ggufQuantize(random(1500, 256), "Q8_0"));
    const caches = [random(40, 5, 32), random(40, 5, 32)] as const;
    const heads = [random(1, 10 * 32), random(1, 5 * 32), random(1, 5 * 32)] as const;
    const [cos, sin] = [random(1, 32), random(1, 32)];
    const results = [
      torch.fastLinear(x, random(1500, 256)),
      torch.fastLinear(x, random(8, 256)),
      torch.q8Linear(x, codes, scales, 1500),
      torch.decodeAttention(...heads, cos, sin, [caches[0]], [caches[1]], [30], 0.1),
    ];
    return results.map((result) => [...result.toFloats()].join()).join(";");
  });
}

test("the result is that of one thread, bit for bit: in turns, after a pause, and with another number of threads", async () => {
  torch.setThreads(1);
  const alone = torch.noGrad(step);
  for (const count of [2, 5, 3, 2]) {
    torch.setThreads(count);
    for (let i = 0; i < 5; i++) expect(torch.noGrad(step) === alone).toBe(true);
    // Longer than helpers stay awake.
    await sleep(5);
    expect(torch.noGrad(step) === alone).toBe(true);
  }
});
