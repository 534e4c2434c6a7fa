import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { refusal } from "../testing/refusal.ts";
import { required } from "../util/elements.ts";
import { ScaloraError } from "../util/errors.ts";
import { parseJson } from "../util/strict-json.ts";
import { type ChatMessage, ChatTemplate, strftime, trainingDate } from "./chat-template.ts";

interface Golden {
  templates: Record<string, string>;
  chats: Record<string, { messages: ChatMessage[]; tools: unknown[] | null }>;
  /** JSON text of the message of the snippets. */
  message: string;
  snippets: { source: string; text?: string; fails?: true }[];
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

/** A snippet's text for the message, whose numbers are as written. */
function renderSnippet(source: string): string {
  const message = parseJson(golden.message);
  if (!(message instanceof Map)) throw new Error("the message is no object");
  return new ChatTemplate(source, {}).render([{ role: "user", ...Object.fromEntries(message) }]);
}

test.each(golden.snippets.filter(({ text }) => text !== undefined))(
  "$source writes what Python's Jinja does",
  ({ source, text }) => {
    expect(renderSnippet(source)).toBe(text);
  },
);

test.each(golden.snippets.filter(({ fails }) => fails))(
  "$source fails, as in Python's Jinja",
  ({ source }) => {
    expect(() => renderSnippet(source)).toThrow(ScaloraError);
  },
);

test.each([
  ["{{ 'a' + messages }}", "+ between a text and a list, which Python refuses"],
  ["{{ x.y.z }}", "x is undefined, so nothing can be read of it"],
  ["{{ messages[0].tool.name }}", "tool is undefined, so nothing can be read of it"],
  ["{{ 9007199254740992 }}", "the integer 9007199254740992, which is not exact"],
  ["{{ messages[0].big + 1 }}", "Cannot mix BigInt"],
  ["{{ messages[0].copy }}", "the method copy of a mapping"],
  ["{{ messages[0].items }}", "a function cannot be written"],
  ["{{ x | tojson }}", "tojson: an undefined value is no JSON"],
  ["{{ [1] | tojson(x=1) }}", "tojson: an argument x that is not known"],
  ["{{ '1_0' | int }}", "int: the number 1_0"],
])("%s is refused rather than written otherwise", (source, found) => {
  const message = { role: "user", big: 9007199254740993n };
  expect(() => new ChatTemplate(source, {}).render([message])).toThrow(refusal("data", { found }));
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
