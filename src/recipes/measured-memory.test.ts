import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { runsTypeScript } from "../testing/child-process.ts";
import { temporaryFolder } from "../testing/tiny-run.ts";
import { writeTinyProject } from "../testing/tiny-trained-run.ts";

const scratch = temporaryFolder();
const at = (...parts: string[]) => join(scratch.path, ...parts);
beforeAll(() => {
  writeTinyProject(scratch.path);
  // Rows of many lengths: for each length of a batch there are other kernels in bfloat16.
  const rows = Array.from({ length: 200 }, (_, i) =>
    JSON.stringify({ prompt: "p".repeat(1 + ((i * 37) % 40)), completion: "c".repeat(1 + ((i * 61) % 150)) }),
  );
  writeFileSync(at("uneven.jsonl"), rows.join("\n"));
});
afterAll(scratch.remove);

// Larger models and all methods: docs/training.md has the figures.
test.skipIf(process.platform !== "linux").each([
  { method: { method: "lora", rank: 2 }, dtype: "float32", batchSize: 4 },
  { method: { method: "full" }, dtype: "bfloat16", batchSize: 3 },
])("the estimate is within a tenth of the peak: $method, $dtype, $batchSize rows", (row) => {
  const recipe = {
    model: { path: at("model"), dtype: row.dtype, device: "cpu" },
    adapter: row.method,
    data: { train: at("uneven.jsonl"), eval: "none" },
    train: { steps: 20, batchSize: row.batchSize },
    run: { name: `${row.dtype}`, folder: at("runs"), samples: 0 },
  };
  const child = fileURLToPath(new URL("testing/memory-child.ts", import.meta.url));
  const args = [...runsTypeScript, child, JSON.stringify(recipe)];
  const { estimated, peak } = JSON.parse(
    execFileSync(process.execPath, args, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }),
  );
  expect(Math.abs(estimated / peak - 1), `${estimated} for ${peak}`).toBeLessThan(0.1);
});
