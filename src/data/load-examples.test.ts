import { expect, test } from "vitest";
import { loadTokenizer } from "../model-files/load-tokenizer.ts";
import { fileRefusal, refusal } from "../testing/refusal.ts";
import { copyGoldenTokenizer } from "../tokenizer/testing/folders.ts";
import type { Tokenizer } from "../tokenizer/tokenizer.ts";
import { elementAt, required } from "../util/elements.ts";
import { loadExamples } from "./load-examples.ts";
import { maskPreview } from "./mask-preview.ts";
import { jsonl, temporaryFile } from "./testing/files.ts";
import { bare, chatml, thinking, withTools } from "./testing/templates.ts";
import { WordTokenizer } from "./testing/word-tokenizer.ts";
import type { DataConfig, Example } from "./types.ts";

const limits = { maxLength: 4096 };
const load = (train: string, tokenizer: Tokenizer, config: Partial<DataConfig> = {}) =>
  loadExamples({ train, ...config }, tokenizer, limits);

/** The example with its labels in brackets. */
async function marked(example: Example, tokenizer: Tokenizer): Promise<string> {
  const segments = await maskPreview(example, tokenizer);
  return segments.map(({ text, isLabel }) => (isLabel ? `[${text}]` : text)).join("");
}

async function only(train: string, tokenizer: Tokenizer, config?: Partial<DataConfig>): Promise<string> {
  const { examples } = await load(train, tokenizer, config);
  expect(examples).toHaveLength(1);
  return marked(elementAt(examples, 0), tokenizer);
}

const turn = (role: string, content: string, more = {}) => ({ role, content, ...more });

test("a text is trained on whole, but for its first token, and ends with EOS", async () => {
  expect(await only(jsonl({ text: "once upon a time" }), new WordTokenizer())).toBe("once[ upon a time</s>]");
  const withBos = new WordTokenizer({ addsBos: true });
  expect(await only(jsonl({ text: "once upon" }), withBos)).toBe("<s>[once upon</s>]");
});

test("BOS and EOS that the data spells out are not doubled", async () => {
  const tokenizer = new WordTokenizer({ addsBos: true });
  expect(await only(jsonl({ text: "<s>once</s>" }), tokenizer)).toBe("<s>[once</s>]");
});

test("prompt and completion: the completion and EOS are labels, a shared token too, and it is counted", async () => {
  const tokenizer = new WordTokenizer();
  const { examples, report } = await load(
    jsonl({ prompt: "2+2=", completion: "4" }, { prompt: "Answer: ", completion: "yes" }),
    tokenizer,
  );
  expect(await marked(elementAt(examples, 0), tokenizer)).toBe("2+2=[4</s>]");
  expect(await marked(elementAt(examples, 1), tokenizer)).toBe("Answer:[ yes</s>]");
  expect(report.straddling).toBe(1);
  expect(report.notes).toContainEqual(expect.stringMatching(/^in 1 row one token .* data\.separator$/));
  expect(report.labelTokens).toBe(4);
  expect(report.tokens).toBe(10);
});

test("columns can be named, a separator set, and unread columns are reported", async () => {
  const path = jsonl({ question: "Why?", answer: "So.", level: 3 });
  const config: Partial<DataConfig> = {
    columns: { prompt: "question", completion: "answer" },
    separator: "\n",
  };
  expect(await only(path, new WordTokenizer(), config)).toBe("Why?\n[So.</s>]");
  const { report } = await load(path, new WordTokenizer(), config);
  expect(report.files).toMatchObject([
    { path, format: "prompt-completion", rows: 1, ignoredColumns: ["level"] },
  ]);
});

test("alpaca rows take Alpaca's prompt, or the chat template", async () => {
  const path = jsonl({ instruction: "Add.", input: "1 2", output: "3" });
  expect(await only(path, new WordTokenizer())).toMatch(
    /### Instruction:\nAdd\.\n\n### Input:\n1 2\n\n### Response:\n\[3<\/s>\]$/,
  );
  const tokenizer = new WordTokenizer({ chatTemplate: chatml, eos: "<|im_end|>" });
  expect(await only(path, tokenizer, { render: "chat" })).toBe(
    "<|im_start|>system\nBe kind<|im_end|>\n<|im_start|>user\nAdd.\n\n1 2<|im_end|>\n<|im_start|>assistant\n[3<|im_end|>]\n",
  );
});

test("rows of MetaMathQA take MetaMath's prompt; without its columns they are refused", async () => {
  const path = jsonl({ type: "GSM_SV", query: "1+1?", response: "Two. The answer is: 2" });
  const own = await only(path, new WordTokenizer(), { format: "metamathqa" });
  expect(own).toMatch(
    /### Instruction:\n1\+1\?\n\n### Response: Let's think step by step\.\[Two\. .*<\/s>\]$/,
  );
  expect(await only(path, new WordTokenizer(), { format: "metamathqa", render: "metamath" })).toBe(own);
  const other = jsonl({ question: "1+1?", answer: "2" });
  await expect(load(other, new WordTokenizer(), { format: "metamathqa" })).rejects.toThrow(
    refusal("data", {
      expected: "query + response",
      found: "columns question, answer",
      fix: "{ query: NAME, response: NAME }",
    }),
  );
});

test("render names the prompt of LLM-Adapters' or MetaMath's scripts, for every format", async () => {
  const alpaca = jsonl({ instruction: "Add.", input: "", output: "3" });
  expect(await only(alpaca, new WordTokenizer(), { render: "llm-adapters" })).toMatch(
    /request\. \n\n {16}### Instruction:\n {16}Add\.\n\n {16}### Response:\n {15}\[ 3<\/s>\]$/,
  );
  const gsm8k = jsonl({ question: "1+1?", answer: "#### 2" });
  expect(await only(gsm8k, new WordTokenizer(), { format: "gsm8k", render: "metamath" })).toMatch(
    /request\.\n\n### Instruction:\n1\+1\?\n\n### Response: Let's think step by step\.\[#### 2<\/s>\]$/,
  );
});

test("a chat trains on every answer and its end token, but for turns with train: false", async () => {
  const tokenizer = new WordTokenizer({ chatTemplate: chatml, eos: "<|im_end|>" });
  const messages = [
    turn("system", "S"),
    turn("user", "one"),
    turn("assistant", "first answer"),
    turn("user", "two"),
    turn("assistant", "second answer", { train: false }),
    turn("user", "three"),
    turn("assistant", "third answer", { train: true }),
  ];
  expect(await only(jsonl({ messages }), tokenizer)).toBe(
    "<|im_start|>system\nS<|im_end|>\n<|im_start|>user\none<|im_end|>\n<|im_start|>assistant\n[first answer<|im_end|>]\n" +
      "<|im_start|>user\ntwo<|im_end|>\n<|im_start|>assistant\nsecond answer<|im_end|>\n" +
      "<|im_start|>user\nthree<|im_end|>\n<|im_start|>assistant\n[third answer<|im_end|>]\n",
  );
});

test("labels come from the structure: an answer that repeats the question and the end token's text", async () => {
  const tokenizer = new WordTokenizer({ chatTemplate: chatml, eos: "<|im_end|>" });
  const messages = [turn("user", "same"), turn("assistant", "same"), turn("user", "assistant\nsame")];
  expect(await only(jsonl({ messages }), tokenizer)).toMatch(
    /user\nsame<\|im_end\|>\n<\|im_start\|>assistant\n\[same<\|im_end\|>\]\n<\|im_start\|>user\nassistant\nsame<\|im_end\|>\n$/,
  );
});

test("a template that rewrites earlier turns gives one example a turn, as the model meets it", async () => {
  const tokenizer = new WordTokenizer({ chatTemplate: thinking, eos: "<|im_end|>" });
  const messages = [
    turn("user", "a"),
    turn("assistant", "b", { reasoning: "hm" }),
    turn("user", "c"),
    turn("assistant", "d", { reasoning: "oh" }),
  ];
  const { examples, report } = await load(jsonl({ messages }), tokenizer);
  expect(await Promise.all(examples.map((example) => marked(example, tokenizer)))).toEqual([
    "<|im_start|>user\na<|im_end|>\n<|im_start|>assistant\n[<think>\nhm\n</think>\nb<|im_end|>]\n",
    "<|im_start|>user\na<|im_end|>\n<|im_start|>assistant\nb<|im_end|>\n<|im_start|>user\nc<|im_end|>\n" +
      "<|im_start|>assistant\n[<think>\noh\n</think>\nd<|im_end|>]\n",
  ]);
  expect(report.splitChats).toBe(1);
  expect(report.rows).toBe(1);
});

test("a template with BOS and without an end token: BOS once, the line end and EOS are labels", async () => {
  const tokenizer = new WordTokenizer({ chatTemplate: bare, addsBos: true });
  const messages = [turn("user", "hi"), turn("assistant", "hello")];
  expect(await only(jsonl({ messages }), tokenizer)).toBe("<s>user: hi\nassistant:[ hello\n</s>]");
});

test("a template whose generation prompt does not begin its answers is refused", async () => {
  const tokenizer = new WordTokenizer({
    chatTemplate: chatml.replace("'<|im_start|>assistant", "'<|im_start|>model"),
  });
  const path = jsonl({ messages: [turn("user", "hi"), turn("assistant", "hello")] });
  await expect(load(path, tokenizer)).rejects.toThrow(
    fileRefusal("data", path, {
      where: ":1, message 2",
      expected: expect.stringContaining("<|im_start|>model"),
      found: expect.stringContaining("<|im_start|>assistant"),
    }),
  );
});

test("a template's own refusal names the row", async () => {
  const tokenizer = new WordTokenizer({ chatTemplate: bare });
  const good = { messages: [turn("user", "hi"), turn("assistant", "hello")] };
  const path = jsonl(good, { messages: [turn("system", "x"), ...good.messages] });
  await expect(load(path, tokenizer)).rejects.toThrow(
    fileRefusal("data", path, { where: ":2", found: "System role not supported" }),
  );
});

test("tools and tool calls reach the template; call arguments as an object", async () => {
  const call = { id: "1", type: "function", function: { name: "sum", arguments: '{"a": 1}' } };
  const messages = [
    turn("user", "add"),
    { role: "assistant", content: null, tool_calls: [call] },
    turn("tool", "2"),
    turn("assistant", "two"),
  ];
  const path = jsonl({ messages, tools: JSON.stringify([{ name: "sum" }]) });
  const tokenizer = new WordTokenizer({ chatTemplate: withTools, eos: "<|im_end|>" });
  expect(await only(path, tokenizer)).toBe(
    '<|im_start|>system\n{"type": "function", "function": {"name": "sum"}}\n<|im_end|>\n<|im_start|>user\nadd<|im_end|>\n' +
      '<|im_start|>assistant\n[<call>sum {"a": 1}<|im_end|>]\n<|im_start|>tool\n2<|im_end|>\n<|im_start|>assistant\n[two<|im_end|>]\n',
  );
  const plain = new WordTokenizer({ chatTemplate: chatml, eos: "<|im_end|>" });
  const { examples, report } = await load(path, plain);
  expect(await marked(elementAt(examples, 0), plain)).toContain(
    '[{"name":"sum","arguments":{"a":1}}<|im_end|>]',
  );
  expect(report.notes).toEqual([
    "the chat template has no tool calls: they are rendered as JSON text",
    "the chat template does not render the tools column",
  ]);
});

/** As DeepSeek's: calls are seen by a content that is none, and their arguments put together with texts. */
const argumentsAsText = `{% for m in messages %}<{{ m.role }}>{% if m.role == 'assistant' and m.content is none %}{% for c in m.tool_calls %}{{ c.function.name + '\\n\`\`\`json\\n' + c.function.arguments + '\\n\`\`\`' }}{% endfor %}{% else %}{{ m.content }}{% endif %}{{ eos_token }}{% endfor %}{% if add_generation_prompt %}<assistant>{% endif %}`;
const rawArguments =
  '{"id": 9007199254740993, "price": 1.0, "z": 1, "10": 2, "9": 3, "e": 1e-07, "deep": {"b": [2.50, "é"]}}';
/** A line of JSONL: its numbers are in the text only. */
const callLine = (callArguments: string, content = "null") =>
  `{"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": ${content}, "tool_calls": [{"type": "function", "function": {"name": "f", "arguments": ${callArguments}}}]}], "tools": [{"name": "f", "parameters": {"2": 1.0, "1": 12345678901234567890}}]}\n`;
const exactArguments = rawArguments.replace("2.50", "2.5");

test.each([
  ["text", "null"],
  ["text", '""'],
  ["object", "null"],
])(
  "arguments given as an %s, with content %s, are text where the template puts them together with texts",
  async (form, content) => {
    const path = temporaryFile(
      "calls.jsonl",
      callLine(form === "text" ? JSON.stringify(rawArguments) : rawArguments, content),
    );
    const tokenizer = new WordTokenizer({ chatTemplate: argumentsAsText, eos: "</s>" });
    const written = form === "text" ? rawArguments : exactArguments;
    expect(await only(path, tokenizer)).toBe(`<user>a</s><assistant>[f\n\`\`\`json\n${written}\n\`\`\`</s>]`);
  },
);

test.each(["calls.jsonl", "calls.json"])(
  "%s: numbers and the order of keys reach the template as they are written",
  async (name) => {
    for (const given of [rawArguments, JSON.stringify(rawArguments)]) {
      const path = temporaryFile(name, callLine(given));
      const text = await only(path, new WordTokenizer({ chatTemplate: withTools, eos: "<|im_end|>" }));
      expect(text).toContain(`<call>f ${exactArguments}<|im_end|>]`);
      expect(text).toContain('"parameters": {"2": 1.0, "1": 12345678901234567890}');
    }
  },
);

test("an integer in arguments that is not exact is refused with its row", async () => {
  // A key that is there twice keeps the row from being read exactly.
  const line = callLine('{"a": 1, "a": 9007199254740993}').replace("12345678901234567890", "1");
  const path = temporaryFile("calls.jsonl", line);
  const tokenizer = new WordTokenizer({ chatTemplate: withTools, eos: "<|im_end|>" });
  await expect(load(path, tokenizer)).rejects.toThrow(
    refusal("data", { where: `${path}:1, message 2`, found: "9007199254740992" }),
  );
});

test("ShareGPT rows are messages too", async () => {
  const tokenizer = new WordTokenizer({ chatTemplate: withTools, eos: "<|im_end|>" });
  const conversations = [
    { from: "human", value: "add" },
    { from: "function_call", value: '{"name": "sum", "arguments": {}}' },
    { from: "observation", value: "2" },
    { from: "gpt", value: "two" },
  ];
  expect(await only(jsonl({ conversations }), tokenizer)).toBe(
    "<|im_start|>user\nadd<|im_end|>\n<|im_start|>assistant\n[<call>sum {}<|im_end|>]\n" +
      "<|im_start|>tool\n2<|im_end|>\n<|im_start|>assistant\n[two<|im_end|>]\n",
  );
});

test("longer rows are cut, dropped or refused, as asked, and counted", async () => {
  const path = jsonl(
    { prompt: "a b c d", completion: " e f g" },
    { prompt: "a b c d e f", completion: " g" },
    { prompt: "a", completion: " b" },
  );
  const tokenizer = new WordTokenizer();
  const cut = await load(path, tokenizer, { maxLength: 5 });
  expect(await Promise.all(cut.examples.map((example) => marked(example, tokenizer)))).toEqual([
    "a b c d[ e]",
    "a[ b</s>]",
  ]);
  expect(cut.report).toMatchObject({
    rows: 3,
    truncated: 1,
    labelTokens: 3,
    tokens: 8,
    dropped: [{ source: `${path}:2`, reason: "its labels are beyond 5 tokens" }],
  });
  const dropped = await load(path, tokenizer, { maxLength: 5, tooLong: "drop" });
  expect(dropped.report.dropped.map(({ reason }) => reason)).toEqual([
    "it has 8 tokens, more than 5",
    "it has 8 tokens, more than 5",
  ]);
  await expect(loadExamples({ train: path }, tokenizer, { maxLength: 6 })).rejects.toThrow(
    fileRefusal("data", path, {
      where: ":1",
      expected: "at most 6 tokens",
      found: `8 tokens, and 1 more row like it: ${path}:2`,
    }),
  );
  await expect(load(path, tokenizer, { maxLength: 5000 })).rejects.toThrow(
    refusal("config", { message: "data.maxLength", expected: "at most 4096", found: "5000" }),
  );
});

test("rows without a label are dropped and named; none left is an error that names them", async () => {
  const tokenizer = new WordTokenizer({ chatTemplate: chatml });
  const silent = { messages: [turn("user", "hi"), turn("assistant", "hello", { train: false })] };
  const path = jsonl(silent, { messages: [] }, silent);
  await expect(load(path, tokenizer)).rejects.toThrow(
    refusal("data", {
      where: path,
      found: `3 rows dropped: ${path}:1 (none of its messages is trained on), ${path}:2 (it has no messages), ${path}:3`,
    }),
  );
  const { report } = await load(
    jsonl({ prompt: "a", completion: " " }, { prompt: "a", completion: " b" }),
    tokenizer,
  );
  expect(report.dropped).toEqual([
    { source: expect.stringMatching(/:1$/), reason: "its completion is empty" },
  ]);
});

test("a .txt file becomes windows that predict every token once", async () => {
  const words = Array.from({ length: 23 }, (_, i) => `w${i}`);
  const path = temporaryFile("story.txt", `\uFEFF${words.join(" ")}\r\n`);
  for (const addsBos of [false, true]) {
    const tokenizer = new WordTokenizer({ addsBos });
    const { examples } = await load(path, tokenizer, { maxLength: 8 });
    const labels = examples.flatMap(({ ids, isLabel }) => [...ids].filter((_, i) => isLabel[i] === 1));
    const all = ["w0", ...words.slice(1).map((word) => ` ${word}`), "\n", "</s>"];
    expect(tokenizer.tokensOf(labels)).toEqual(addsBos ? all : all.slice(1));
    expect(examples.every(({ ids }) => ids.length <= 8)).toBe(true);
    if (addsBos) expect(examples.every(({ ids }) => ids[0] === tokenizer.special.bos?.id)).toBe(true);
    expect(examples[1]?.source).toBe(`${path}:window 2`);
  }
});

test("a .txt file longer than a piece loses and repeats nothing", async () => {
  const text = `${"😀".repeat(400_000)} the end ${"x".repeat(400_000)}\n`.repeat(2);
  const tokenizer = new WordTokenizer();
  const { examples } = await load(temporaryFile("long.txt", text), tokenizer, { maxLength: 2048 });
  const ids = examples.flatMap(({ ids }, i) => [...ids.subarray(i === 0 ? 0 : 1)]);
  expect((await tokenizer.decode(ids, { skipSpecialTokens: true })) === text).toBe(true);
});

test("a .txt file longer than a piece has the tokens of the whole text, also where a tokenizer puts a space before texts", async () => {
  const tokenizer = await loadTokenizer(copyGoldenTokenizer("llama"));
  const text = "the lake\nand a hill\n".repeat(60_000);
  const { examples } = await load(temporaryFile("lines.txt", text), tokenizer, { maxLength: 4096 });
  const labels = examples.flatMap(({ ids, isLabel }) => [...ids].filter((_, i) => isLabel[i] === 1));
  const { ids } = await tokenizer.encode(text, { addSpecialTokens: false });
  const eos = required(tokenizer.special.eos, "EOS").id;
  expect(labels.length).toBeGreaterThan(100_000);
  const expected = [...ids, eos];
  expect(labels.length).toBe(expected.length);
  expect(labels.findIndex((id, i) => id !== expected[i])).toBe(-1);
}, 240_000);
