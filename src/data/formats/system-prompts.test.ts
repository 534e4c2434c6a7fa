import { expect, test } from "vitest";
import { SystemPromptCount } from "./system-prompts.ts";

/** Counts chats by their system messages; undefined: a chat without one. */
function common(prompts: readonly (string | undefined)[]) {
  const counted = new SystemPromptCount();
  for (const content of prompts) {
    const messages = [
      ...(content === undefined ? [] : [{ role: "system", content }]),
      { role: "user", content: "a" },
    ];
    counted.add({ messages, trained: messages.map(() => false), tools: undefined });
  }
  return counted.common();
}

const times = (count: number, text: string | undefined) => Array.from({ length: count }, () => text);

test("the system message of more than half of the chats is found, wherever they are", () => {
  expect(common([])).toBeUndefined();
  expect(common(times(3, undefined))).toBeUndefined();
  expect(common(times(3, "a"))).toEqual({ text: "a", chats: 3, allChats: 3 });
  expect(common([...times(2, undefined), ...times(3, "a")])).toEqual({ text: "a", chats: 3, allChats: 5 });
  const others = Array.from({ length: 2000 }, (_, i) => `other ${i}`);
  expect(common([...others, ...times(2001, "a")])).toEqual({ text: "a", chats: 2001, allChats: 4001 });
  expect(common([...times(2001, "a"), ...others])).toEqual({ text: "a", chats: 2001, allChats: 4001 });
});

test("half of the chats is not most", () => {
  expect(common([...times(2, "a"), ...times(2, "b")])).toBeUndefined();
  expect(common([...times(2, "a"), ...times(2, undefined)])).toBeUndefined();
  expect(common(["a", "b", "c"])).toBeUndefined();
});
