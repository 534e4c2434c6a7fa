import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { loadTokenizer } from "../model-files/load-tokenizer.ts";
import { goldenGguf } from "../testing/golden-gguf.ts";
import { refusal } from "../testing/refusal.ts";
import { temporaryFolder } from "../testing/tiny-run.ts";
import { boolItem, int32ArrayItem, stringArrayItem as list, stringItem } from "./encode-metadata.ts";
import { writeGguf } from "./write-gguf.ts";

const folder = fileURLToPath(new URL("../../test/golden/tokenizers", import.meta.url));
const { texts } = z
  .object({ texts: z.array(z.string()) })
  .parse(JSON.parse(readFileSync(join(folder, "texts.json"), "utf8")));

describe("the tokenizer of a GGUF file is that of the files it was made from", () => {
  test.each(["gpt2", "llama3", "llama", "gemma"])("%s", async (name) => {
    const [found, expected] = await Promise.all([
      loadTokenizer(goldenGguf("tokenizers", `${name}.gguf`)),
      loadTokenizer(join(folder, name)),
    ]);
    const options = { addSpecialTokens: false };
    const encodings = await found.encodeBatch(texts, options);
    for (const [i, { ids, offsets }] of (await expected.encodeBatch(texts, options)).entries()) {
      expect(encodings[i]?.ids, JSON.stringify(texts[i])).toEqual(ids);
      expect(encodings[i]?.offsets, JSON.stringify(texts[i])).toEqual(offsets);
      expect(await found.decode(ids)).toBe(await expected.decode(ids));
    }
    expect(found.size).toBe(expected.size);
  });
});

test("bos stands before a text where the format says so", async () => {
  const llama = await loadTokenizer(goldenGguf("tokenizers", "llama.gguf"));
  expect((await llama.encode("a")).ids[0]).toBe(llama.special.bos?.id);
  const llama3 = await loadTokenizer(goldenGguf("tokenizers", "llama3.gguf"));
  expect((await llama3.encode("a")).ids[0]).toBe(llama3.idOf("<|begin_of_text|>"));
  const gpt2 = await loadTokenizer(goldenGguf("tokenizers", "gpt2.gguf"));
  expect((await gpt2.encode("a")).ids).toEqual([gpt2.idOf("a")]);
});

test("spaces of user-defined pieces are found as written, and ▁ in the text is another character", async () => {
  const scratch = temporaryFolder();
  const path = join(scratch.path, "spaces.gguf");
  writeGguf(
    path,
    [
      stringItem("general.architecture", "gemma3"),
      stringItem("tokenizer.ggml.model", "llama"),
      list("tokenizer.ggml.tokens", ["<unk>", "<eos>", "<bos>", "  ", "▁", "a"]),
      int32ArrayItem("tokenizer.ggml.token_type", [2, 3, 3, 4, 1, 1]),
      boolItem("tokenizer.ggml.add_space_prefix", false),
    ],
    [],
  );
  const tokenizer = await loadTokenizer(path);
  const ids = async (input: string) => (await tokenizer.encode(input, { addSpecialTokens: false })).ids;
  expect(await ids("a  a")).toEqual([5, 3, 5]);
  expect(await ids("a▁▁a")).toEqual([5, 4, 4, 5]);
  scratch.remove();
});

test("pieces so long that their merges would fill the memory are refused", async () => {
  const scratch = temporaryFolder();
  const path = join(scratch.path, "long.gguf");
  const long = Array.from({ length: 1200 }, (_, i) => "a".repeat(i + 1));
  writeGguf(
    path,
    [
      stringItem("general.architecture", "llama"),
      stringItem("tokenizer.ggml.model", "llama"),
      list("tokenizer.ggml.tokens", ["<unk>", "<eos>", "<bos>", ...long]),
      int32ArrayItem("tokenizer.ggml.token_type", [2, 3, 3, ...long.map(() => 1)]),
    ],
    [],
  );
  await expect(loadTokenizer(path)).rejects.toThrow(
    refusal("format", { expected: "134,217,728", found: "576,720,200" }),
  );
  scratch.remove();
});
