import { join } from "node:path";
import { afterAll, beforeEach, expect, test, vi } from "vitest";
import { temporaryFolder } from "../testing/tiny-run.ts";
import { fromData } from "../torch/index.ts";
import { stringItem, uint32Item } from "./encode-metadata.ts";
import * as headers from "./header.ts";
import { ggufChatTemplate, ggufConfig, ggufGenerationConfig, ggufWeights } from "./index.ts";
import { tensorTypeByName } from "./tensor-types.ts";
import { writeGguf } from "./write-gguf.ts";

vi.mock("./header.ts", async (original) => {
  const actual = await original<typeof headers>();
  return { ...actual, readGgufHeader: vi.fn(actual.readGgufHeader) };
});
const read = vi.mocked(headers.readGgufHeader);
beforeEach(() => void read.mockClear());

const scratch = temporaryFolder();
afterAll(scratch.remove);

/** A Llama of one layer with a chat template. */
function writeModel(name: string, template: string): string {
  const path = join(scratch.path, name);
  const type = tensorTypeByName("F32");
  const tensor = (stored: string, shape: number[]) => ({
    name: stored,
    type,
    shape,
    load: () => fromData(new Float32Array(shape.reduce((a, b) => a * b, 1)), shape, { device: "cpu" }),
  });
  const keys = [
    stringItem("general.architecture", "llama"),
    ...["embedding_length", "feed_forward_length", "context_length"].map((key) =>
      uint32Item(`llama.${key}`, 8),
    ),
    ...["attention.head_count", "block_count"].map((key) => uint32Item(`llama.${key}`, 1)),
    stringItem("tokenizer.chat_template", template),
  ];
  writeGguf(path, keys, [tensor("token_embd.weight", [3, 8]), tensor("blk.0.attn_norm.weight", [8])]);
  return path;
}

test("the header of a file is read once for all that is asked of it, and again once the file has changed", () => {
  const path = writeModel("model.gguf", "one");
  expect(ggufConfig(path)).toMatchObject({ num_hidden_layers: 1 });
  expect(ggufChatTemplate(path)).toBe("one");
  ggufGenerationConfig(path);
  using weights = ggufWeights(path);
  expect(weights.entries.size).toBe(2);
  expect(read).toHaveBeenCalledTimes(1);
  writeModel("model.gguf", "two");
  expect(ggufChatTemplate(path)).toBe("two");
  expect(ggufChatTemplate(writeModel("other.gguf", "three"))).toBe("three");
  expect(read).toHaveBeenCalledTimes(3);
});

test("a file that is not there is an error each time", () => {
  const path = join(scratch.path, "none.gguf");
  for (let i = 0; i < 2; i++) expect(() => ggufConfig(path)).toThrow("Cannot open the GGUF file");
});
