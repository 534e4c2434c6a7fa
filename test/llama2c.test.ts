import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { loadTokenizer } from "../src/model-files/load-tokenizer.ts";
import { loadModel } from "../src/models/index.ts";
import { tokenStream } from "../src/nn/index.ts";
import { writeSafetensors } from "../src/safetensors/index.ts";
import { sharedPath } from "../src/testing/shared-folder.ts";
import { argmax, fromData, indices, linearCrossEntropy, narrow, noGrad, scope } from "../src/torch/index.ts";
import { readLlama2c, readLlama2cTokenizer } from "../tools/llama2c.ts";

const source = sharedPath("data", "checkpoints", "stories260K");
const folder = mkdtempSync(join(tmpdir(), "scalora-llama2c-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** What llama2.c's own test expects of this model at temperature 0. */
const story =
  "Once upon a time, there was a little girl named Lily. She loved to play outside in the park. One day, she saw a big, red ball.";

function convert(from: string): void {
  const { config, tensors } = readLlama2c(readFileSync(join(from, "stories260K.bin")));
  const tokenizer = readLlama2cTokenizer(
    readFileSync(join(from, "tok512.bin")),
    Number(config["vocab_size"]),
  );
  writeFileSync(join(folder, "config.json"), JSON.stringify(config));
  writeFileSync(join(folder, "tokenizer.json"), JSON.stringify(tokenizer));
  const made = [...tensors].map(
    ([name, { shape, data }]) => [name, fromData(data, shape, { device: "cpu" })] as const,
  );
  writeSafetensors(join(folder, "model.safetensors"), made);
  for (const [, tensor] of made) tensor.dispose();
}

test.skipIf(!source)(
  "stories260K, converted, tells its story (needs ../shared/data/checkpoints)",
  async () => {
    convert(source ?? "");
    using model = await loadModel(folder);
    const tokenizer = await loadTokenizer(folder);
    const { ids } = await tokenizer.encode(story);
    expect(ids[0]).toBe(1);
    expect(await tokenizer.decode(ids)).toBe(story);
    const loss = noGrad(() =>
      scope(() => {
        const hidden = model.hiddenStates(tokenStream(ids, undefined, { device: "cpu" }));
        const rows = narrow(hidden, 0, 0, ids.length - 1);
        return (
          linearCrossEntropy(
            rows,
            model.lm_head.denseWeight(),
            indices(ids.slice(1), { device: "cpu" }),
          ).item() /
          (ids.length - 1)
        );
      }),
    );
    expect(loss).toBeLessThan(0.8);
    using cache = model.newCache();
    const told = [1];
    while (told.length < ids.length) {
      told.push(
        noGrad(() =>
          scope(() => {
            const hidden = model.hiddenStates(
              tokenStream(told.slice(-1), undefined, { device: "cpu", caches: [cache] }),
            );
            return argmax(model.lm_head.forward(hidden)).item();
          }),
        ),
      );
    }
    expect(await tokenizer.decode(told)).toBe(story);
  },
);

test("files that are not of llama2.c are refused", () => {
  expect(() => readLlama2c(new Uint8Array(10))).toThrow("cut short: 10 bytes, 12 needed");
  expect(() => readLlama2c(new Uint8Array(28))).toThrow("not a legacy llama2.c export");
  const header = new Uint8Array(Int32Array.of(4, 4, 1, 2, 1, 3, 8).buffer);
  expect(() => readLlama2c(header)).toThrow("cut short");
});
