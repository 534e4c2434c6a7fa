import { describe, expect, test } from "vitest";
import { tokenStream } from "../nn/index.ts";
import { SafetensorsFile } from "../safetensors/index.ts";
import { goldenGguf } from "../testing/golden-gguf.ts";
import "../testing/close-to.ts";
import { tolerances } from "../testing/tolerances.ts";
import { liveTensorCount, noGrad, scope } from "../torch/index.ts";
import { loadModel } from "./index.ts";

const cases = [
  "llama",
  "llama-biases",
  "llama3-rope",
  "llama-q4_0",
  "qwen2",
  "qwen3",
  "gemma2",
  "gemma3",
] as const;

describe("a model from llama.cpp's format computes what transformers does", () => {
  test.each(cases)("%s", async (name) => {
    using file = SafetensorsFile.open(goldenGguf("models", `${name}.safetensors`));
    const numbers = (tensor: string) => scope(() => file.tensor(tensor).toFloats());
    const before = liveTensorCount();
    {
      using model = await loadModel(goldenGguf("models", `${name}.gguf`), { dtype: "float32" });
      const stream = { tokens: [...numbers("tokens")], offsets: [...numbers("offsets")] };
      const logits = noGrad(() =>
        scope(() =>
          model.lm_head
            .forward(model.hiddenStates(tokenStream(stream.tokens, stream.offsets, { device: "cpu" })))
            .toFloats(),
        ),
      );
      expect(logits).toBeCloseToAll(numbers("logits"), tolerances.logits);
    }
    expect(liveTensorCount()).toBe(before);
  });
});
