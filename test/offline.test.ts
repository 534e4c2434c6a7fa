import { writeFileSync } from "node:fs";
import { Socket } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { runScalora } from "../src/cli/testing/scalora.ts";
import { temporaryFolder } from "../src/testing/tiny-run.ts";
import { writeTinyProject } from "../src/testing/tiny-trained-run.ts";

const scratch = temporaryFolder();
afterAll(scratch.remove);
const place = (name: string) => join(scratch.path, name);

beforeAll(() => {
  writeTinyProject(scratch.path);
  writeFileSync(
    place("recipe.yaml"),
    JSON.stringify({
      model: { path: place("model") },
      adapter: { method: "lora", rank: 2 },
      data: { train: place("train.jsonl"), eval: { holdOut: 4 } },
      train: { steps: 2, batchSize: 4 },
      run: { folder: place("runs"), name: "one" },
    }),
  );
});

test("training, evaluation, generation and export connect to nothing", async () => {
  const connect = vi.spyOn(Socket.prototype, "connect");
  for (const command of [
    ["train", place("recipe.yaml")],
    ["eval", place("runs/one"), "--data", place("test.jsonl")],
    ["generate", place("runs/one"), "abc=", "--max-tokens", "2"],
    ["export", place("runs/one"), "--as", "adapter", "--out", place("adapter")],
    ["ls", "runs", place("runs")],
  ])
    expect(await runScalora(...command), command[0]).toMatchObject({ code: 0 });
  expect(connect).not.toHaveBeenCalled();
  connect.mockRestore();
});
