import { beforeAll, describe, expect, test } from "vitest";
import { buildPackage, runProgram } from "./support/programs.ts";

/** As bits of the masks in /proc. */
const [interrupt, busError, profiler] = [1n << 1n, 1n << 6n, 1n << 26n];
const contains = (mask: string, signals: bigint) => (BigInt(`0x${mask}`) & signals) === signals;

beforeAll(buildPackage);

async function guest(...args: string[]) {
  const { code, stdout, stderr } = await runProgram("guest-program.ts", ...args);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  return JSON.parse(stdout);
}

describe.runIf(process.platform === "linux")("in the process of a program", () => {
  test("import and operators change no signal, no thread and no setting of malloc", async () => {
    const report = await guest();
    expect(report.afterOperator).toEqual(report.start);
    const { threads: _, ...signals } = report.start;
    expect(report.afterProduct).toEqual(signals);
    // 128 MiB are mapped, as is malloc's default.
    expect(report.heapGrowth).toBeLessThan(2 ** 20);
    // No signal but a fault reaches a thread that computes part of a product, though it was started before.
    expect(report.workerMasks).toEqual(["0000000000000000"]);
    const [mask] = report.productMasks;
    expect(contains(mask, interrupt | profiler)).toBe(true);
    expect(contains(mask, busError)).toBe(false);
    // SIGBUS is handled while a file is mapped.
    expect(contains(report.start.handled, busError)).toBe(false);
    expect(contains(report.whileMapped, busError)).toBe(true);
    expect(report.afterClose).toBe(report.start.handled);
    expect(report.passedOn).toBe("SIGBUS");
  });

  test("keepFreedMemory makes the settings of malloc", async () => {
    const report = await guest("keep");
    expect(report.afterOperator).toEqual(report.start);
    // Of the 128 MiB at most 64 were there: malloc extends the heap by so much more than it needs.
    expect(report.heapGrowth).toBeGreaterThanOrEqual(2 ** 26);
  });
});
