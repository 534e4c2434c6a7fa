import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, expect, test } from "vitest";
import { add, fromData, Generator, liveTensorCount, MappedFile, randn, scope } from "../src/torch/index.ts";

const local = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** The executable compiles the sources when they have changed. */
beforeAll(() => {
  spawnSync(process.execPath, [local("../bin/scalora.mjs"), "--version"]);
}, 60_000);

async function runProgram(mode: string) {
  const child = spawn(process.execPath, [local("stress-program.mjs"), mode]);
  const output = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const)
    child[name].on("data", (text) => {
      output[name] += text;
    });
  const [code, signal] = await once(child, "close");
  return { code, signal, ...output };
}

test.concurrent("worker threads and the main one compute at once, each the same numbers", async () => {
  const { code, signal, stdout, stderr } = await runProgram("all");
  expect({ code, signal, stderr }).toEqual({ code: 0, signal: null, stderr: "" });
  const { own, others, live } = JSON.parse(stdout);
  expect(others).toEqual([own, own, own]);
  expect(Number.isFinite(Number(own))).toBe(true);
  expect(live).toBe(0);
});

test.concurrent.each([
  ["exit", 7, /^$/],
  ["throw", 1, /Error: ends with its workers busy/],
] as const)(
  "a process that ends while its workers compute ends by %s, not by a crash",
  async (mode, expected, says) => {
    const { code, signal, stderr } = await runProgram(mode);
    expect({ code, signal }).toEqual({ code: expected, signal: null });
    // A program that does not even start has the exit status 1 too.
    expect(stderr).toMatch(says);
  },
);

test("thousands of generators, nested scopes and maps leave nothing behind", () => {
  const folder = mkdtempSync(join(tmpdir(), "stress-"));
  const path = join(folder, "ones");
  writeFileSync(path, new Uint8Array(new Float32Array(64).fill(1).buffer));
  const before = liveTensorCount();
  const drawn = new Set<number>();
  for (let i = 0; i < 2000; i++) {
    using generator = new Generator(i);
    drawn.add(scope(() => randn([1], generator).item()));
    const file = new MappedFile(path);
    const total = scope(() => add(file.tensor(0, [64], "float32"), fromData(new Float32Array(64), [64])));
    file.dispose();
    expect(total.data()).toHaveLength(64);
    total.dispose();
  }
  const nested = (depth: number): number =>
    scope(() => {
      const here = fromData(new Float32Array([depth]), [1]);
      return depth === 0 ? here.item() : nested(depth - 1) + here.item();
    });
  expect(nested(1000)).toBe(500500);
  expect(drawn.size).toBeGreaterThan(1990);
  expect(liveTensorCount()).toBe(before);
  rmSync(folder, { recursive: true });
});
