import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterAll, expect, test } from "vitest";
import { attach } from "../../src/adapters/index.ts";
import { loadModel } from "../../src/models/index.ts";
import { runChild, runsTypeScript } from "../../src/testing/child-process.ts";
import { writeTinyLlama } from "../../src/testing/tiny-llama.ts";
import { compare } from "./compare.ts";
import { peerPython } from "./environment.ts";
import { readResults, withRow, writeResults } from "./results.ts";
import { sideAnswer } from "./side-files.ts";
import { measuredRow } from "./testing/measured-row.ts";

const folder = mkdtempSync(join(tmpdir(), "scalora-bench-test-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const run = (...args: string[]) => runChild(new URL("run.ts", import.meta.url), ...args);

test("rows that were measured before are only shown again, without Python", async () => {
  const file = join(folder, "results.json");
  writeResults(file, withRow(readResults(file), "rows", measuredRow()));
  const { code, stdout } = await run("S-float32-1", "--out", folder, "--python", "/nowhere/python");
  expect({ code, table: stdout.includes("| S, a random Llama |") }).toEqual({ code: 0, table: true });
  expect(readFileSync(join(folder, "table.md"), "utf8")).toBe(stdout);
  expect(readFileSync(join(folder, "speed.svg"), "utf8")).toMatch(/^<svg/);
});

test("an unknown row and a Python without the packages end it before anything runs", async () => {
  expect(await run("L", "--out", folder)).toMatchObject({ code: 2, stdout: "" });
  await expect(peerPython("/nowhere/python")).rejects.toMatchObject({
    code: "setup",
    what: expect.stringContaining("transformers=="),
    found: "/nowhere/python",
  });
});

test("our side gives the loss and the gradients of its first batch without changing anything, then trains", async () => {
  const model = join(folder, "model");
  const adapter = join(folder, "adapter");
  writeTinyLlama(model);
  const loaded = await loadModel(model);
  attach(loaded, { method: "lora", rank: 2, targetModules: "all-linear" }).saveAdapter(adapter, model);
  const batches = join(folder, "batches.json");
  const rows = [
    { ids: [1, 2, 3, 4, 5], prompt: 2 },
    { ids: [6, 7, 8], prompt: 1 },
  ];
  writeFileSync(batches, JSON.stringify([rows, rows]));
  const job = join(folder, "job.json");
  writeFileSync(job, JSON.stringify({ model, adapter, batches, task: "chat", dtype: "float32" }));
  const gradients = ["first", "second"].map((name) => join(folder, name));
  mkdirSync(folder, { recursive: true });
  const lines = await askOurs(job, [...gradients.map((path) => `check ${path}`), "warm", "time"]);
  const losses = lines.map((line) => sideAnswer.parse(JSON.parse(line)).losses);
  expect(losses.map(({ length }) => length)).toEqual([1, 1, 1, 2]);
  const [first, second] = gradients.map((path, i) => ({
    loss: losses[i]?.[0] ?? Number.NaN,
    gradients: path,
  }));
  if (first === undefined || second === undefined) throw new Error("two checks");
  expect(compare(first, second)).toMatchObject({ loss: 0, gradient: 0 });
  expect(losses[2]?.[0]).toBe(first.loss);
  expect(losses[3]?.[1]).toBeLessThan(first.loss);
});

async function askOurs(job: string, commands: readonly string[]): Promise<string[]> {
  const program = fileURLToPath(new URL("ours.ts", import.meta.url));
  const child = spawn(process.execPath, [...runsTypeScript, program, job], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  child.stdin.end(`${commands.join("\n")}\n`);
  const lines: string[] = [];
  for await (const line of createInterface({ input: child.stdout })) lines.push(line);
  return lines;
}
