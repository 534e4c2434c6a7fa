// A run within a real limit of memory: refused where it cannot fit, and what the refusal says would fit does.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, expect, test } from "vitest";
import { stringify } from "yaml";
import { runsTypeScript } from "../src/testing/child-process.ts";
import { makeMemoryGroup } from "../src/testing/memory-group.ts";
import { writeTinyLlama } from "../src/testing/tiny-llama.ts";
import { temporaryFolder } from "../src/testing/tiny-run.ts";

const scratch = temporaryFolder();
afterAll(scratch.remove);
const main = fileURLToPath(new URL("../src/cli/testing/run-main.ts", import.meta.url));

test("a run that cannot fit into its container is refused, and trains with the budget that is named", (context) => {
  const folder = scratch.fresh("project");
  const at = (name: string) => join(folder, name);
  mkdirSync(folder);
  using group = makeMemoryGroup(480 * 2 ** 20);
  if (group === undefined)
    return context.skip("this process may make no control group with a limit of memory");
  writeTinyLlama(at("model"), {
    config: { hidden_size: 48, intermediate_size: 128, num_hidden_layers: 16 },
  });
  const row = { prompt: "p".repeat(50), completion: "c".repeat(50) };
  writeFileSync(at("rows.jsonl"), `${JSON.stringify(row)}\n`.repeat(100));
  const recipe = {
    model: { path: at("model"), device: "cpu" },
    adapter: { method: "lora", rank: 8 },
    data: { train: at("rows.jsonl"), eval: "none" },
    train: { steps: 2, batchTokens: 9000 },
    run: { name: "limited", folder: at("runs"), samples: 0 },
  };
  writeFileSync(at("recipe.yaml"), stringify(recipe));
  const train = (...options: string[]) =>
    group.run([process.execPath, ...runsTypeScript, main, "train", at("recipe.yaml"), ...options]);
  const refused = train("--set", "train.recompute=none");
  expect(refused.output).toContain("all that this process may take of the control group (container)");
  expect(refused.output).toContain("train.recompute: all takes about");
  expect(refused.code).toBe(2);
  const fitting = /train\.batchTokens: (\d+) fits/.exec(refused.output)?.[1];
  expect(Number(fitting)).toBeGreaterThan(100);
  const options = ["--set", "train.recompute=none", "--set", `train.batchTokens=${fitting}`];
  const trained = train(...options);
  expect([trained.code, trained.signal], trained.output).toEqual([0, null]);
  const recomputed = train("--set", "run.name=recomputed");
  expect([recomputed.code, recomputed.signal], recomputed.output).toEqual([0, null]);
  expect(recomputed.output).toContain("runs the model's blocks again (train.recompute: auto)");
});

test("a row much too long for its container is refused, and the process lives", (context) => {
  const folder = scratch.fresh("project");
  const at = (name: string) => join(folder, name);
  mkdirSync(folder);
  using group = makeMemoryGroup(480 * 2 ** 20);
  if (group === undefined)
    return context.skip("this process may make no control group with a limit of memory");
  writeTinyLlama(at("long-model"), {
    config: {
      hidden_size: 48,
      intermediate_size: 128,
      num_hidden_layers: 16,
      max_position_embeddings: 16_384,
    },
  });
  const row = { prompt: "p".repeat(6000), completion: "c".repeat(6000) };
  writeFileSync(at("long-rows.jsonl"), `${JSON.stringify(row)}\n`.repeat(4));
  const recipe = {
    model: { path: at("long-model"), device: "cpu" },
    adapter: { method: "lora", rank: 8 },
    data: { train: at("long-rows.jsonl"), eval: "none" },
    train: { steps: 2, batchSize: 1, recompute: "none" },
    run: { name: "long", folder: at("runs"), samples: 0 },
  };
  writeFileSync(at("long.yaml"), stringify(recipe));
  const refused = group.run([process.execPath, ...runsTypeScript, main, "train", at("long.yaml")]);
  expect([refused.code, refused.signal], refused.output).toEqual([2, null]);
  expect(refused.output).toContain("The run does not fit into memory");
});
