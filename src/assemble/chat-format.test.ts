import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { loadTokenizer } from "../model-files/load-tokenizer.ts";
import { writeTinyLlama } from "../testing/tiny-llama.ts";
import { temporaryFolder } from "../testing/tiny-run.ts";
import { loadChatFormat } from "./chat-format.ts";

const scratch = temporaryFolder();
afterAll(scratch.remove);

const turns =
  "{% for message in messages %}<|bos|>{{ message.role }}:{{ message.content }}<|eos|>{% endfor %}" +
  "{% if add_generation_prompt %}<|bos|>assistant:{% endif %}";
const demand = (role: string) =>
  `{% if messages[0].role != '${role}' %}{{ raise_exception('Begin with ${role}') }}{% endif %}`;

test.each([
  ["any conversation", turns, 257],
  ["those with a system message", demand("system") + turns, 257],
  ["no conversation of these", demand("tool") + turns, undefined],
])("a template that takes %s: its end token is found without others being refused", async (_, text, end) => {
  const folder = scratch.fresh("model");
  writeTinyLlama(folder);
  writeFileSync(join(folder, "chat_template.jinja"), text);
  const format = await loadChatFormat(await loadTokenizer(folder), new Set([7]));
  expect(format).toMatchObject({ endOfTurnId: end, textEosIds: new Set([7]) });
  expect(format.chatEosIds).toEqual(new Set(end === undefined ? [7] : [7, end]));
});
