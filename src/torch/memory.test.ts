import { expect, test, vi } from "vitest";
import { runChild } from "../testing/child-process.ts";
import { measureMemory, memory, residentMemory, scope, zeros } from "./index.ts";
import { peakResident } from "./system.ts";

const megabyte = 2 ** 20;
const make = (megabytes: number) => {
  zeros([megabytes, megabyte / 4], { dtype: "float32", device: "cpu" });
};

test("the tensors of an action count while they live, older ones and those of an earlier action do not", () => {
  scope(() => {
    make(7);
    const { tensors } = measureMemory(() => {
      scope(() => make(5));
      make(2);
      scope(() => make(4));
    });
    expect(tensors).toBe(6 * megabyte);
    expect(measureMemory(() => make(1)).tensors).toBe(megabyte);
  });
});

test("an action that throws ends the count", () => {
  expect(() =>
    measureMemory(() => {
      throw new Error("its own");
    }),
  ).toThrow("its own");
  expect(measureMemory(() => {}).tensors).toBe(0);
});

test("without a peak in /proc, the peak is that of the system's accounts", () => {
  const accounts = process.resourceUsage().maxRSS * 1024;
  for (const file of ["/proc/absent", import.meta.filename])
    expect(peakResident(file)).toBeGreaterThanOrEqual(accounts);
});

test("without /proc the memory is not known to be below its peak", () => {
  using _ = vi.spyOn(process.memoryUsage, "rss").mockImplementation(() => {
    throw new Error("ENOENT");
  });
  expect(residentMemory()).toBeGreaterThan(megabyte);
  expect(memory().resident).toBeGreaterThan(megabyte);
});

test.skipIf(process.platform !== "linux")("the resident memory is that at the tensors' peak", () => {
  const before = memory().resident;
  const { resident } = measureMemory(() => scope(() => make(200)));
  expect(resident - before).toBeGreaterThan(190 * megabyte);
});

test.skipIf(process.platform !== "linux")(
  "the peak is of this process, not of the one that started it",
  async () => {
    const large = Buffer.alloc(400 * megabyte, 1);
    const { stdout } = await runChild(new URL("testing/print-peak.ts", import.meta.url));
    expect(Number(stdout)).toBeGreaterThan(20 * megabyte);
    expect(Number(stdout)).toBeLessThan(large.length);
  },
);
