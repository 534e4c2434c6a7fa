import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { add, fromData, Generator, liveTensorCount, MappedFile, randn, scope } from "../src/torch/index.ts";
import { buildPackage, runProgram } from "./support/programs.ts";

beforeAll(buildPackage);

async function reportOf(...mode: string[]) {
  const { code, signal, stdout, stderr } = await runProgram("stress-program.ts", ...mode);
  expect({ code, signal, stderr }).toEqual({ code: 0, signal: null, stderr: "" });
  return JSON.parse(stdout);
}

test.concurrent("the addon loads in four worker threads and the main one at once; each computes the same", async () => {
  const { own, others, live } = await reportOf("all");
  expect(others).toEqual([own, own, own, own]);
  expect(Number.isFinite(Number(own))).toBe(true);
  expect(live).toBe(0);
});

test.concurrent("a worker thread has its own tensors, frees them when it ends, and refuses another's", async () => {
  const { reports, growth, data, live } = await reportOf("own");
  for (const { use, dispose, ...own } of reports) {
    expect(own).toEqual({ isDisposed: true, item: 7, live: 1 });
    expect(use).toEqual(["tensor", expect.stringMatching(/^other is a tensor of another thread/)]);
    expect(dispose).toEqual(["tensor", expect.stringMatching(/^this is a tensor of another thread/)]);
  }
  expect(reports).toHaveLength(3);
  expect({ data, live }).toEqual({ data: [1, 2], live: 1 });
  // Each leaves 256 MiB behind. The first one brings more than tensors.
  for (const mebibytes of growth.slice(1)) expect(mebibytes).toBeLessThan(128);
});

test.concurrent.each([
  ["exit", 7, /^$/],
  ["throw", 1, /Error: ends with its workers busy/],
] as const)(
  "a process that ends while its workers compute ends by %s, not by a crash",
  async (mode, expected, says) => {
    const { code, signal, stderr } = await runProgram("stress-program.ts", mode);
    expect({ code, signal }).toEqual({ code: expected, signal: null });
    // A program that does not even start has the exit status 1 too.
    expect(stderr).toMatch(says);
  },
);

test.concurrent("a second copy of the addon in a process is refused, whichever comes first", async () => {
  const refused = ["setup", expect.stringMatching(/^This process has loaded the addon of another scalora/)];
  expect(await reportOf("copy")).toEqual({ copy: refused, own: "loaded", again: 0 });
  expect(await reportOf("copy", "first")).toEqual({ copy: "loaded", own: refused });
});

test("thousands of generators, nested scopes and maps leave nothing behind", () => {
  const folder = mkdtempSync(join(tmpdir(), "stress-"));
  const path = join(folder, "ones");
  writeFileSync(path, new Uint8Array(new Float32Array(64).fill(1).buffer));
  const before = liveTensorCount();
  const drawn = new Set<number>();
  for (let i = 0; i < 2000; i++) {
    using generator = new Generator(i, "cpu");
    drawn.add(scope(() => randn([1], { generator, device: "cpu" }).item()));
    const file = new MappedFile(path);
    const total = scope(() =>
      add(file.tensor(0, [64], "float32"), fromData(new Float32Array(64), [64], { device: "cpu" })),
    );
    file.dispose();
    expect(total.data()).toHaveLength(64);
    total.dispose();
  }
  const nested = (depth: number): number =>
    scope(() => {
      const here = fromData(new Float32Array([depth]), [1], { device: "cpu" });
      return depth === 0 ? here.item() : nested(depth - 1) + here.item();
    });
  expect(nested(1000)).toBe(500500);
  expect(drawn.size).toBeGreaterThan(1990);
  expect(liveTensorCount()).toBe(before);
  rmSync(folder, { recursive: true });
});
