import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { eventsOfType } from "../run/events.ts";
import { readEvents } from "../run/read-events.ts";
import { runChild, runsTypeScript } from "../testing/child-process.ts";
import { writeTinyLlama } from "../testing/tiny-llama.ts";
import { temporaryFolder } from "../testing/tiny-run.ts";

const scratch = temporaryFolder();
const at = (...parts: string[]) => join(scratch.path, ...parts);
beforeAll(() => {
  // Activations are most of what a run of it takes: a wrong figure for them is a wrong estimate.
  const config = { hidden_size: 48, intermediate_size: 128, num_hidden_layers: 16 };
  writeTinyLlama(at("model"), { config });
  const rows = Array.from({ length: 60 }, (_, i) =>
    JSON.stringify({
      prompt: "p".repeat(20 + ((i * 37) % 40)),
      completion: "c".repeat(40 + ((i * 61) % 100)),
    }),
  );
  writeFileSync(at("uneven.jsonl"), rows.join("\n"));
  const words = (i: number, length: number) =>
    Array.from({ length }, (_, j) => "cat sat on mat two birds went house".split(" ")[(i * 7 + j) % 8]).join(
      " ",
    );
  const short = Array.from({ length: 200 }, (_, i) =>
    JSON.stringify({ prompt: words(i, 15 + (i % 5)), completion: words(i, 25 + (i % 10)) }),
  );
  writeFileSync(at("short.jsonl"), short.join("\n"));
});
afterAll(scratch.remove);

// More models, methods and sizes: `bench/memory.ts`, with figures in docs/performance.md.
test.skipIf(process.platform !== "linux").each([
  { as: "command", method: { method: "lora", rank: 8 }, recompute: "none" },
  { as: "program", method: { method: "full" }, recompute: "none" },
  { as: "command", method: { method: "full" }, recompute: "all" },
])("the estimate is within a tenth of the peak: $as, $method.method, recompute: $recompute", (row) => {
  const { as, method, recompute } = row;
  const [model, rows, batchTokens] =
    recompute === "all"
      ? [fileURLToPath(new URL("../../assets/tiny", import.meta.url)), "short.jsonl", 12000]
      : [at("model"), "uneven.jsonl", 3000];
  const recipe = {
    model: { path: model, device: "cpu" },
    adapter: method,
    data: { train: at(rows), eval: "none" },
    train: { steps: 4, batchTokens, recompute },
    run: { name: `${as}-${recompute}`, folder: at("runs"), samples: 0 },
  };
  const child = fileURLToPath(new URL("testing/memory-child.ts", import.meta.url));
  const args = [...runsTypeScript, child, JSON.stringify(recipe), row.as];
  const { announced, peak } = JSON.parse(
    execFileSync(process.execPath, args, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }),
  );
  expect(peak).toBeGreaterThan(350 * 2 ** 20);
  expect(Math.abs(announced / peak - 1), `${announced} for ${peak}`).toBeLessThan(0.1);
});

test.skipIf(process.platform !== "linux")(
  "so is that of ranks, which exchange all gradients",
  async () => {
    writeTinyLlama(at("wide"), {
      config: { hidden_size: 512, intermediate_size: 1408, num_hidden_layers: 4 },
    });
    const recipe = {
      model: { path: at("wide"), device: "cpu" },
      adapter: { method: "full" },
      data: { train: at("uneven.jsonl"), eval: "none" },
      train: { steps: 3, batchSize: 4 },
      run: { name: "ranks", folder: at("runs"), samples: 0 },
    };
    writeFileSync(at("ranks.yaml"), JSON.stringify(recipe));
    const program = new URL("../cli/testing/run-main.ts", import.meta.url);
    const { code, stderr } = await runChild(program, "launch", "--nproc", "2", "train", at("ranks.yaml"));
    expect(code, stderr).toBe(0);
    const events = readEvents(at("runs", "ranks"));
    const announced = eventsOfType(events, "start")[0]?.environment.estimatedMemory ?? 0;
    const peak = Math.max(...eventsOfType(events, "step").map(({ memory }) => memory));
    expect(Math.abs(announced / peak - 1), `${announced} for ${peak}`).toBeLessThan(0.1);
  },
  60_000,
);
