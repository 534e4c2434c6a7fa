import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { required } from "../util/elements.ts";
import { type ChatMessage, ChatTemplate, strftime, trainingDate } from "./chat-template.ts";

interface Golden {
  templates: Record<string, string>;
  chats: Record<string, { messages: ChatMessage[]; tools: unknown[] | null }>;
  renderings: {
    template: string;
    chat: string;
    addGenerationPrompt: boolean;
    text?: string;
    error?: string;
  }[];
}

// Made by tools/reference/chat_templates.py with transformers.
const golden: Golden = JSON.parse(
  readFileSync(new URL("../../test/golden/chat-templates.json", import.meta.url), "utf8"),
);
const special = { bos: { id: 0, content: "<s>" }, eos: { id: 1, content: "</s>" } };

test.each(Object.entries(golden.templates))("template %s renders as in transformers", (name, source) => {
  const template = new ChatTemplate(source, special);
  const renderings = golden.renderings.filter((rendering) => rendering.template === name);
  expect(renderings).toHaveLength(2 * Object.keys(golden.chats).length);
  for (const { chat, addGenerationPrompt, text, error } of renderings) {
    const { messages, tools } = required(golden.chats[chat], chat);
    const render = () => template.render(messages, { ...(tools && { tools }), addGenerationPrompt });
    if (error === undefined) expect(render(), chat).toBe(text);
    else expect(render, chat).toThrow(error);
  }
});

test("strftime writes Python's directives in English", () => {
  const date = new Date(2026, 10, 4, 15, 6, 7);
  expect(strftime(date, "%Y-%m-%d %y %b %B %a %A %H:%M:%S %I %p 100%% %Q")).toBe(
    "2026-11-04 26 Nov November Wed Wednesday 15:06:07 03 PM 100% %Q",
  );
  expect(strftime(trainingDate, "%d %b %Y %I %p")).toBe("26 Jul 2024 12 AM");
});

test("the date is fixed while training and can be given", () => {
  const template = new ChatTemplate("{{ strftime_now('%Y') }}", {});
  expect(template.render([])).toBe("2024");
  expect(template.render([], { date: new Date(2031, 0, 1) })).toBe("2031");
});
