import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, expect, test } from "vitest";
import { type ChatMessage, ChatTemplate } from "../data/index.ts";
import { chatTemplates } from "../testing/chat-templates.ts";
import { refusal } from "../testing/refusal.ts";
import { temporaryFolder } from "../testing/tiny-run.ts";
import { chatFiles, writeTogether } from "./chat-files.ts";
import type { ChatSetup } from "./chat-setup.ts";
import { templateParts } from "./template-parts.ts";

const scratch = temporaryFolder();
afterAll(scratch.remove);

const special = { bos: { id: 0, content: "<|bos|>" }, eos: { id: 1, content: "<|eos|>" } };
const end = (text: string, isSpecial = true) => ({ id: 2, text, isSpecial });

function setup(template: string, more: Partial<ChatSetup> = {}): ChatSetup {
  return {
    template: new ChatTemplate(template, special),
    specialTokens: { bos_token: "<|bos|>", eos_token: "<|eos|>" },
    endTokens: [end("<|im_end|>")],
    addedToken: undefined,
    systemPrompt: undefined,
    contextLength: 4096,
    longestContext: 8192,
    ...more,
  };
}

const prompt = (text: string) => ({ text, chats: 1, allChats: 1 });

/** The Modelfile of an export. */
function modelfile(chat: ChatSetup, base?: string): string {
  const [, file] = chatFiles(join(scratch.path, "new", "support.gguf"), base, chat);
  return file?.content ?? "";
}

const names = (files: ReturnType<typeof chatFiles>) =>
  files.map(({ path }) => path.slice(scratch.path.length + 1));

function makeFolder(name: string, files: Readonly<Record<string, string>>): string {
  const folder = join(scratch.path, name);
  mkdirSync(folder);
  for (const [file, text] of Object.entries(files)) writeFileSync(join(folder, file), text);
  return folder;
}

test("a template is what it writes around the messages", () => {
  const parts = (source: string) => templateParts(new ChatTemplate(source, special));
  expect(parts(chatTemplates.chatml)).toEqual({
    start: "<|im_start|>system\nYou are tiny.<|im_end|>\n<|im_start|>user\n",
    system: { before: "<|im_start|>system\n", after: "<|im_end|>\n<|im_start|>user\n" },
    toAnswer: "<|im_end|>\n<|im_start|>assistant\n",
    toQuestion: "<|im_end|>\n<|im_start|>user\n",
  });
  expect(parts(chatTemplates.gemma)).toMatchObject({
    start: "<|bos|><|im_start|>user\n",
    system: { before: "<|bos|><|im_start|>user\n", after: "\n\n" },
    toAnswer: "<|im_end|>\n<|im_start|>model\n",
  });
  // The day is that of the training.
  expect(parts(chatTemplates.llama3)?.start).toContain("Today: 26 Jul 2024");
  expect(parts("{% for m in messages %}{{ m.content }}{% endfor %}")).toMatchObject({ toAnswer: "" });
});

test.each([
  ["numbers its messages", "{% for m in messages %}{{ loop.index }}{{ m.content }}|{% endfor %}"],
  ["writes messages twice", "{% for m in messages %}{{ m.content + m.content }}|{% endfor %}"],
  ["rewrites them", "{% for m in messages %}{{ m.content | upper }}|{% endfor %}"],
  ["drops earlier ones", "{{ messages[-1].content }}"],
  ["drops the reasoning of earlier answers", chatTemplates.thinking],
  ["refuses all", "{{ raise_exception('no') }}"],
])("a template that %s is not", (_, source) => {
  expect(templateParts(new ChatTemplate(source, special))).toBeUndefined();
});

test("a template that refuses system messages has no text for them", () => {
  const plain =
    "{% for m in messages %}{% if m.role == 'system' %}{{ raise_exception('none') }}{% endif %}{{ m.content }}|{% endfor %}";
  expect(templateParts(new ChatTemplate(plain, special))).toMatchObject({ system: undefined, toAnswer: "|" });
});

// Made by tools/reference/ollama with Ollama's own parser and templates, of the Modelfiles that are the snapshots here.
const ollama = (name: string) => new URL(`../../test/golden/ollama/${name}`, import.meta.url);
const inOllama: Record<string, { commands: [string, string][]; prompts: string[] }> = JSON.parse(
  readFileSync(ollama("prompts.json"), "utf8"),
);
const conversations: ChatMessage[][] = JSON.parse(readFileSync(ollama("conversations.json"), "utf8"));

test.each([
  { name: "chatml", systemPrompt: undefined, addedToken: undefined },
  { name: "llama3", systemPrompt: 'Say """{{ x }}""".', addedToken: "<|bos|>" },
  { name: "gemma", systemPrompt: 'Be brief.\n\n  Say "x"', addedToken: "<|bos|>" },
] as const)(
  "Ollama reads the Modelfile with the template $name, and makes the template's prompts",
  async (chosen) => {
    const { name, systemPrompt, addedToken } = chosen;
    const chat = setup(chatTemplates[name], {
      addedToken,
      systemPrompt: systemPrompt && prompt(systemPrompt),
      endTokens: [end("<|im_end|>"), end('a"b'), end("\n"), end("word", false)],
    });
    await expect(modelfile(chat)).toMatchFileSnapshot(fileURLToPath(ollama(`${name}.Modelfile`)));
    expect(inOllama[name]?.commands).toEqual([
      ["model", "./support.gguf"],
      ...(systemPrompt === undefined ? [] : [["system", systemPrompt]]),
      ["temperature", "0"],
      ["repeat_penalty", "1"],
      ["num_ctx", "4096"],
      ["stop", "<|im_end|>"],
      ["stop", 'a"b'],
    ]);
    // Ollama puts BOS before a prompt itself.
    const rendered = conversations.map((messages) => {
      const isGiven = systemPrompt === undefined || messages[0]?.role === "system";
      const all = isGiven ? messages : [{ role: "system", content: systemPrompt }, ...messages];
      const text = chat.template.render(all, { addGenerationPrompt: true });
      return addedToken === undefined ? text : text.replace(/^<\|bos\|>/, "");
    });
    expect(inOllama[name]?.prompts).toEqual(rendered);
  },
);

test("an adapter's files name its model", () => {
  const folder = join(scratch.path, "new");
  expect(modelfile(setup(chatTemplates.chatml), join(folder, "base.gguf"))).toContain(
    "FROM ./base.gguf\nADAPTER ./support.gguf\n",
  );
  expect(modelfile(setup(chatTemplates.chatml), "/models/base.gguf")).toContain("FROM /models/base.gguf\n");
});

test("a system message that a Modelfile has no way to write is left out, with a word", () => {
  const of = (text: string) => modelfile(setup(chatTemplates.chatml, { systemPrompt: prompt(text) }));
  expect(of('Say """a""".')).toContain('SYSTEM "Say """a"""."\n');
  const none = of('Say """a""".\nAlways.');
  expect(none).not.toMatch(/^SYSTEM/m);
  expect(none).toContain("it is in chat.mjs");
});

test("a template that Go's language cannot say is left to Ollama, with a word", () => {
  const text = modelfile(setup("{{ messages[-1].content }}"));
  expect(text).not.toMatch(/^TEMPLATE/m);
  expect(text).toContain("chat.mjs renders the template itself");
});

test("no file that is there is overwritten: they are named after the model, or refused", () => {
  const chat = setup(chatTemplates.chatml);
  const files = (folder: string) => chatFiles(join(folder, "support.gguf"), undefined, chat);
  const empty = makeFolder("empty", {});
  expect(names(files(empty))).toEqual(["empty/chat.mjs", "empty/Modelfile"]);
  const taken = makeFolder("taken", { Modelfile: "FROM scratch\n" });
  expect(names(files(taken))).toEqual(["taken/support.chat.mjs", "taken/support.Modelfile"]);
  expect(files(taken)[1]?.content).toContain("-f support.Modelfile");
  // What an earlier export of the same wrote is the same.
  const [same] = files(empty);
  writeFileSync(join(empty, "chat.mjs"), same?.content ?? "");
  expect(names(files(empty))).toEqual(["empty/chat.mjs", "empty/Modelfile"]);
  const full = makeFolder("full", { "chat.mjs": "", "support.Modelfile": "" });
  expect(() => files(full)).toThrow(
    refusal("usage", { where: full, found: "chat.mjs, support.Modelfile", fix: "another name" }),
  );
});

test("files of an earlier export of that name are neither used nor lost", () => {
  const folder = makeFolder("again", {});
  const files = (system: string) => {
    const chat = setup(chatTemplates.chatml, { systemPrompt: prompt(system) });
    return chatFiles(join(folder, "support.gguf"), undefined, chat);
  };
  for (const { path, content } of files("Be kind.")) writeFileSync(path, content);
  expect(() => files("Be brief.")).toThrow(
    refusal("usage", { where: folder, found: "chat.mjs, Modelfile", fix: "remove or rename them" }),
  );
  // Another model's files are others.
  const other = chatFiles(join(folder, "other.gguf"), undefined, setup(chatTemplates.chatml));
  expect(names(other)).toEqual(["again/other.chat.mjs", "again/other.Modelfile"]);
  rmSync(join(folder, "chat.mjs"));
  mkdirSync(join(folder, "chat.mjs"));
  expect(names(files("Be kind."))).toEqual(["again/support.chat.mjs", "again/support.Modelfile"]);
});

test("a name that is no plain word is quoted, and stays on its line", () => {
  const out = join(scratch.path, "new", "my\nmodel.gguf");
  const [program, file] = chatFiles(out, undefined, setup(chatTemplates.chatml));
  expect(file?.content).toMatch(
    /^# ollama create 'my\\x0amodel' -f Modelfile, then: ollama run 'my\\x0amodel' /,
  );
  expect(program?.content.split("\n")[0]).toContain("Chats with my\\x0amodel.gguf as");
});

test("nothing stays of an export that fails", async () => {
  const parent = makeFolder("fails", {});
  const folder = join(parent, "a", "b");
  const out = join(folder, "m.gguf");
  const files = [{ path: join(folder, "chat.mjs"), content: "a" }];
  const fail = () => {
    expect(readFileSync(join(folder, "chat.mjs"), "utf8")).toBe("a");
    throw new Error("disk full");
  };
  await expect(writeTogether(files, out, fail)).rejects.toThrow("disk full");
  expect(readdirSync(parent)).toEqual([]);
  expect(await writeTogether(files, out, () => 5)).toBe(5);
  // What was there before stays.
  await expect(writeTogether(files, out, fail)).rejects.toThrow("disk full");
  expect(readdirSync(folder)).toEqual(["chat.mjs"]);
});
