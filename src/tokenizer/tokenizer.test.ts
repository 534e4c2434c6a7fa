import { describe, expect, test } from "vitest";
import { loadTokenizer } from "../model-files/load-tokenizer.ts";
import { mapTuple } from "../util/elements.ts";
import { checkVocabulary, type Tokenizer } from "./index.ts";
import { copyGoldenTokenizer, type Files, loadingError, writeTokenizerFolder } from "./testing/folders.ts";

async function tokens(tokenizer: Tokenizer, text: string, addSpecialTokens = true): Promise<string[]> {
  const { ids } = await tokenizer.encode(text, { addSpecialTokens });
  return Promise.all(ids.map((id) => tokenizer.decode([id], { skipSpecialTokens: false })));
}

describe("encoding", () => {
  test("offsets count UTF-16 code units and give the text back", async () => {
    const text = "the 👍🏽 and é 漢字 𝔘";
    for (const name of ["llama", "gemma", "t5", "deberta", "bert-cased", "gpt2", "llama3"]) {
      const tokenizer = await loadTokenizer(copyGoldenTokenizer(name));
      const { ids, offsets } = await tokenizer.encode(text, { addSpecialTokens: false });
      expect(offsets).toHaveLength(ids.length);
      const covered = new Set(offsets.flatMap(([start, end]) => range(start, end)));
      for (const [i, unit] of [...text.split("").entries()]) {
        if (unit !== " ") expect(covered.has(i), `${name} covers ${i}`).toBe(true);
      }
      expect(offsets[0]?.[0]).toBe(0);
      expect(offsets.at(-1)?.[1]).toBe(text.length);
    }
  });

  test("half a surrogate pair counts as one replacement character", async () => {
    for (const name of ["llama", "t5"]) {
      const tokenizer = await loadTokenizer(copyGoldenTokenizer(name));
      const options = { addSpecialTokens: false };
      const broken = await tokenizer.encode("a\ud800b👍c", options);
      const replaced = await tokenizer.encode("a\ufffdb👍c", options);
      expect(broken.ids).toEqual(replaced.ids);
      expect(broken.offsets).toEqual(replaced.offsets);
      expect(broken.offsets.at(-1)).toEqual([5, 6]);
    }
  });

  test("characters become others as a character map says, but no special token comes of it", async () => {
    const t5 = await loadTokenizer(
      copyGoldenTokenizer("t5", { "tokenizer_config.json": { additional_special_tokens: ["[fi]"] } }),
    );
    const plain = { addSpecialTokens: false };
    const made = await t5.encode("a[ﬁ]b", plain);
    const special = await t5.encode("a[fi]b", plain);
    expect(special.ids).toContain(t5.idOf("[fi]"));
    expect(made.ids).not.toContain(t5.idOf("[fi]"));
    expect(made.ids).toEqual(
      (await (await loadTokenizer(copyGoldenTokenizer("t5"))).encode("a[fi]b", plain)).ids,
    );
    expect(made.offsets.at(-1)).toEqual([4, 5]);
    expect(special.offsets).toContainEqual([1, 5]);
    const pair = await t5.encodePairs([["ﬁn Ａ", "½"]], 64);
    expect(pair[0]?.ids).toEqual((await t5.encodePairs([["fin A", "1/2"]], 64))[0]?.ids);
  });

  test("a lower-casing DeBERTa lowers before its character map", async () => {
    const config = (lower: boolean) => ({ tokenizer_class: "DebertaV2Tokenizer", do_lower_case: lower });
    const [lower, kept] = await Promise.all(
      mapTuple([true, false], (each) =>
        loadTokenizer(copyGoldenTokenizer("t5", { "tokenizer_config.json": config(each) })),
      ),
    );
    const { ids, offsets } = await lower.encode("HELLO ™ İ!");
    expect(ids).toEqual((await kept.encode("hello TM i\u0307!")).ids);
    expect(offsets.slice(-2)).toEqual([
      [9, 10],
      [0, 0],
    ]);
  });

  test("a batch equals its texts one by one, and may be empty", async () => {
    const tokenizer = await loadTokenizer(copyGoldenTokenizer("gpt2"));
    const texts = ["the answer", "", "👍 42"];
    const single = await Promise.all(texts.map((text) => tokenizer.encode(text)));
    const batch = await tokenizer.encodeBatch(texts);
    expect(batch.map(({ ids }) => ids)).toEqual(single.map(({ ids }) => ids));
    expect(await tokenizer.encodeBatch([])).toEqual([]);
  });

  test("special tokens stand around the text only when asked for", async () => {
    const llama = await loadTokenizer(copyGoldenTokenizer("llama"));
    expect(await tokens(llama, "a")).toEqual(["<s>", "a"]);
    expect(await tokens(llama, "a", false)).toEqual(["a"]);
    expect((await llama.encode("a")).offsets[0]).toEqual([0, 0]);
    expect(await tokens(await loadTokenizer(copyGoldenTokenizer("t5")), "a")).toEqual(["a", "</s>"]);
    expect(await tokens(await loadTokenizer(copyGoldenTokenizer("deberta")), "a")).toEqual([
      "[CLS]",
      "a",
      "[SEP]",
    ]);
  });

  test("special tokens written in the text are those tokens", async () => {
    const tokenizer = await loadTokenizer(copyGoldenTokenizer("llama"));
    const { ids } = await tokenizer.encode("<|im_start|>a<|im_end|>", { addSpecialTokens: false });
    expect(ids[0]).toBe(tokenizer.idOf("<|im_start|>"));
    expect(ids.at(-1)).toBe(tokenizer.idOf("<|im_end|>"));
    expect(await tokenizer.decode(ids)).toBe("a");
    expect(await tokenizer.decode(ids, { skipSpecialTokens: false })).toBe("<|im_start|> a<|im_end|>");
  });

  test("decode refuses what is no token number and leaves unknown numbers out", async () => {
    const tokenizer = await loadTokenizer(copyGoldenTokenizer("gpt2"));
    const { ids } = await tokenizer.encode("the");
    expect(await tokenizer.decode(Int32Array.of(...ids, 1_000_000))).toBe("the");
    for (const id of [-1, 1.5, Number.NaN, 2 ** 32]) {
      await expect(tokenizer.decode([id])).rejects.toThrow(`found:    ${id}`);
    }
  });
});

function range(start: number, end: number): number[] {
  return Array.from({ length: end - start }, (_, i) => start + i);
}

describe("settings", () => {
  test("names of special tokens: tokenizer_config.json, or special_tokens_map.json in older folders", async () => {
    const named = await loadTokenizer(
      copyGoldenTokenizer("llama", {
        "tokenizer_config.json": { pad_token: { content: "</s>" }, unk_token: null },
      }),
    );
    expect(named.special).toEqual({
      bos: { id: 1, content: "<s>" },
      eos: { id: 2, content: "</s>" },
      pad: { id: 2, content: "</s>" },
    });
    const old = await loadTokenizer(
      copyGoldenTokenizer("llama", {
        "tokenizer_config.json": { eos_token: "</s>" },
        "special_tokens_map.json": { eos_token: "<|im_end|>" },
      }),
    );
    expect(old.special.eos?.content).toBe("<|im_end|>");
  });

  test("new tokens get the next numbers", async () => {
    const base = await loadTokenizer(copyGoldenTokenizer("gpt2"));
    const config = {
      pad_token: "<pad>",
      additional_special_tokens: ["<a>", { content: "<b>", lstrip: true }],
    };
    const tokenizer = await loadTokenizer(copyGoldenTokenizer("gpt2", { "tokenizer_config.json": config }));
    expect(["<a>", "<b>", "<pad>"].map((token) => tokenizer.idOf(token))).toEqual(
      [0, 1, 2].map((i) => base.size + i),
    );
    expect(tokenizer.size).toBe(base.size + 3);
    expect(tokenizer.special.pad).toEqual({ id: base.size + 2, content: "<pad>" });
    expect((await tokenizer.encode("x  <b>")).ids.at(-1)).toBe(base.size + 1);
  });

  test("added_tokens_decoder and added_tokens.json give numbers", async () => {
    const { size } = await loadTokenizer(copyGoldenTokenizer("gpt2"));
    const tool = { content: "<tool>", special: false };
    const files: Files[] = [
      { "tokenizer_config.json": { added_tokens_decoder: { [size]: tool } } },
      { "added_tokens.json": { "<tool>": size } },
    ];
    for (const file of files) {
      const tokenizer = await loadTokenizer(copyGoldenTokenizer("gpt2", file));
      expect((await tokenizer.encode("<tool>")).ids).toEqual([size]);
      expect(await tokenizer.decode([size])).toBe("<tool>");
    }
  });

  test.each([
    [{ add_bos_token: false }, ["a"]],
    [{ add_bos_token: true, add_eos_token: true }, ["<s>", "a", "</s>"]],
    [{ tokenizer_class: "LlamaTokenizerFast", add_eos_token: true }, ["<s>", "a", "</s>"]],
    [{ tokenizer_class: "LlamaTokenizer", bos_token: null }, ["a"]],
  ])("%j around a text", async (config, expected) => {
    const tokenizer = await loadTokenizer(copyGoldenTokenizer("llama", { "tokenizer_config.json": config }));
    expect(await tokens(tokenizer, "a")).toEqual(expected);
  });

  test("with tokenizer.json add_bos_token counts in the Llama classes only, as in transformers", async () => {
    const roles = { bos_token: "<|begin_of_text|>", eos_token: "<|eot_id|>", add_bos_token: false };
    const generic = { ...roles, tokenizer_class: "PreTrainedTokenizerFast" };
    const llama = { ...roles, tokenizer_class: "LlamaTokenizerFast", add_eos_token: true };
    const load = (config: object) =>
      loadTokenizer(copyGoldenTokenizer("llama3", { "tokenizer_config.json": config }));
    expect(await tokens(await load(generic), "a")).toEqual(["<|begin_of_text|>", "a"]);
    expect(await tokens(await load(llama), "a")).toEqual(["a", "<|eot_id|>"]);
  });

  test("legacy: after a control piece the prefix comes again unless legacy is false", async () => {
    const ids = async (config: object, text: string) => {
      const tokenizer = await loadTokenizer(
        copyGoldenTokenizer("llama", { "tokenizer_config.json": config }),
      );
      return (await tokenizer.encode(text, { addSpecialTokens: false })).ids;
    };
    const [end] = await ids({}, "</s>");
    const prefixed = await ids({}, "the");
    const plain = await ids({ add_prefix_space: false }, "the");
    expect(plain).not.toEqual(prefixed);
    expect(await ids({}, "the</s>the")).toEqual([...prefixed, end, ...prefixed]);
    expect(await ids({ legacy: false }, "the</s>the")).toEqual([...prefixed, end, ...plain]);
  });

  test("T5 has sentinels, DeBERTa a mask, at the end of the vocabulary", async () => {
    const base = await loadTokenizer(copyGoldenTokenizer("t5"));
    const t5 = await loadTokenizer(copyGoldenTokenizer("t5", { "config.json": { model_type: "t5" } }));
    expect([t5.size, t5.idOf("<extra_id_0>"), t5.idOf("<extra_id_99>")]).toEqual([
      base.size + 100,
      base.size + 99,
      base.size,
    ]);
    const config = { tokenizer_class: "DebertaV2TokenizerFast", do_lower_case: true };
    const deberta = await loadTokenizer(copyGoldenTokenizer("deberta", { "tokenizer_config.json": config }));
    expect(deberta.idOf("[MASK]")).toBe(deberta.size - 1);
    expect((await deberta.encode("THE")).ids).toEqual((await deberta.encode("the")).ids);
  });

  test("BERT: lower case, accents, Chinese characters, cleaning up", async () => {
    const load = (config: object) =>
      loadTokenizer(copyGoldenTokenizer("bert-cased", { "tokenizer_config.json": config }));
    const cased = await load({ do_lower_case: false });
    expect(await cased.decode((await cased.encode("Les élèves")).ids)).toBe("Les élèves");
    const stripped = await load({ do_lower_case: false, strip_accents: true });
    expect(await stripped.decode((await stripped.encode("Les élèves")).ids)).toBe("Les eleves");
    const whole = await load({ do_lower_case: false, tokenize_chinese_chars: false });
    expect((await whole.encode("我爱北京")).ids).not.toEqual((await cased.encode("我爱北京")).ids);
    const ids = (await cased.encode("it's fine!")).ids;
    expect(await cased.decode(ids)).toBe("it's fine!");
    expect(await (await load({ clean_up_tokenization_spaces: false })).decode(ids)).toBe("it ' s fine!");
  });

  test("Qwen 2 cuts digits and words its own way", async () => {
    const gpt2 = await loadTokenizer(copyGoldenTokenizer("gpt2"));
    const qwen = await loadTokenizer(
      copyGoldenTokenizer("gpt2", { "tokenizer_config.json": { tokenizer_class: "Qwen2Tokenizer" } }),
    );
    const ids = (await qwen.encode("1999 e\u0301")).ids;
    expect(await qwen.decode(ids)).toBe("1999 é");
    const digits = await Promise.all(["1", "9"].map(async (digit) => (await gpt2.encode(digit)).ids[0]));
    expect(ids.slice(0, 4)).toEqual([digits[0], digits[1], digits[1], digits[1]]);
  });

  test("chat template: text, list, file", async () => {
    const load = async (files: Files) =>
      (await loadTokenizer(copyGoldenTokenizer("gpt2", files))).chatTemplate;
    const list = [
      { name: "tool_use", template: "T" },
      { name: "default", template: "D" },
    ];
    expect(await load({})).toBeUndefined();
    expect(await load({ "tokenizer_config.json": { chat_template: "C" } })).toBe("C");
    expect(await load({ "tokenizer_config.json": { chat_template: list } })).toBe("D");
    expect(await load({ "tokenizer_config.json": { chat_template: list }, "chat_template.jinja": "F" })).toBe(
      "F",
    );
    const error = await loadingError(
      copyGoldenTokenizer("gpt2", { "tokenizer_config.json": { chat_template: list.slice(0, 1) } }),
    );
    expect(error.found).toBe('"tool_use"');
  });
});

test("names of the language's own properties are tokens like others", async () => {
  const vocab = { a: 0, ["__proto__"]: 1, constructor: 2, _: 3 };
  const model = { type: "WordLevel", vocab, unk_token: "a" };
  const tokenizer = await loadTokenizer(
    writeTokenizerFolder({
      "tokenizer.json": {
        version: "1.0",
        added_tokens: [],
        pre_tokenizer: { type: "WhitespaceSplit" },
        model,
      },
    }),
  );
  expect((await tokenizer.encode("__proto__ constructor")).ids).toEqual([1, 2]);
});

describe("checkVocabulary", () => {
  const sized = (size: number) => ({ size });

  test.each([
    [32_000, 32_000],
    [151_669, 151_936],
    [50_295, 51_200],
    [300, 512],
  ])("%i tokens fit %i rows", (size, rows) => {
    expect(() => checkVocabulary(sized(size), rows, "here")).not.toThrow();
  });

  test.each([
    [49_152, 32_000],
    [32_000, 49_152],
    [513, 512],
  ])("%i tokens do not fit %i rows", (size, rows) => {
    const check = () => checkVocabulary(sized(size), rows, "models/x");
    expect(check).toThrow(`found:    ${size} tokens`);
    expect(check).toThrow(`at most ${rows} tokens`);
    expect(check).toThrow("models/x");
  });

  test("special tokens at the end that nothing names need no rows", async () => {
    const { size } = await loadTokenizer(copyGoldenTokenizer("gpt2"));
    const image = { additional_special_tokens: ["<image>"] };
    const unused = await loadTokenizer(copyGoldenTokenizer("gpt2", { "tokenizer_config.json": image }));
    expect([unused.size, unused.requiredRows]).toEqual([size + 1, size]);
    expect(() => checkVocabulary(unused, size, "here")).not.toThrow();
    const used = { ...image, chat_template: "{{ '<image>' }}" };
    const tokenizer = await loadTokenizer(copyGoldenTokenizer("gpt2", { "tokenizer_config.json": used }));
    expect(() => checkVocabulary(tokenizer, size, "here")).toThrow(`found:    ${size + 1} tokens`);
  });
});
