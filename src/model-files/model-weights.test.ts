import { copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { goldenGguf } from "../testing/golden-gguf.ts";
import { refusal } from "../testing/refusal.ts";
import { temporaryFolder } from "../testing/tiny-run.ts";
import { ModelWeights } from "./model-weights.ts";

const scratch = temporaryFolder();
afterAll(scratch.remove);

const outside = join(scratch.path, "model.safetensors");
copyFileSync(goldenGguf("models", "llama.safetensors"), outside);

test.each(["../model.safetensors", outside, "..", "config.json", ""])(
  "an index that names %j, outside the model's folder or no weights, is refused",
  (name) => {
    const folder = join(scratch.path, "model");
    mkdirSync(folder, { recursive: true });
    writeFileSync(
      join(folder, "model.safetensors.index.json"),
      JSON.stringify({ weight_map: { "a.weight": name } }),
    );
    expect(() => ModelWeights.open(folder)).toThrow(refusal("format", { found: JSON.stringify(name) }));
  },
);
