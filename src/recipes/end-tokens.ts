import { ChatTemplate } from "../data/index.js";
import { type JsonValue, plainJson } from "../hub/json.js";
import { generationConfigs } from "../hub/model-folder.js";
import type { Tokenizer } from "../hub/tokenizer/index.js";
import { ScaloraError } from "../util/errors.js";

/** How a model speaks: its chat template, and the tokens that end its outputs. */
export interface Speech {
  readonly template: ChatTemplate | undefined;
  readonly textEnds: ReadonlySet<number>;
  readonly chatEnds: ReadonlySet<number>;
}

/**
 * @param ends tokens that end any output
 * @throws ScaloraError `model` for a template that cannot be parsed
 */
export async function speechOf(tokenizer: Tokenizer, ends: ReadonlySet<number>): Promise<Speech> {
  const { chatTemplate, special } = tokenizer;
  if (chatTemplate === undefined) return { template: undefined, textEnds: ends, chatEnds: ends };
  const template = new ChatTemplate(chatTemplate, special);
  const closing = await turnEnd(template, tokenizer);
  return { template, textEnds: ends, chatEnds: new Set(closing === undefined ? ends : [...ends, closing]) };
}

/**
 * The tokens that end a model's output: `eos_token_id` of generation_config.json, else of config.json, one or several;
 * the tokenizer's own end token where they name none.
 * @throws ScaloraError `model` for an entry that is no token number
 */
export function endTokens(folder: string, tokenizer: Tokenizer): Set<number> {
  for (const [where, config] of generationConfigs(folder)) {
    const value = config.get("eos_token_id");
    if (value !== undefined && value !== null) return new Set(tokenNumbers(value, where));
  }
  const { eos } = tokenizer.special;
  return new Set(eos ? [eos.id] : []);
}

function tokenNumbers(value: JsonValue, where: string): number[] {
  const plain = plainJson(value);
  const numbers: unknown[] = Array.isArray(plain) ? plain : [plain];
  return numbers.map((number) => {
    if (typeof number === "number" && Number.isSafeInteger(number) && number >= 0) return number;
    throw new ScaloraError("model", "An end token is not a token number", {
      where: `${where}: eos_token_id`,
      expected: "a whole number from 0, or a list of them",
      found: JSON.stringify(plain),
    });
  });
}

/**
 * The special token with which a chat template closes the assistant's turn, if it does: a model trained on chats writes it
 * whatever its config names.
 */
async function turnEnd(template: ChatTemplate, tokenizer: Tokenizer): Promise<number | undefined> {
  const question = { role: "user", content: "a" };
  const asked = template.render([question], { addGenerationPrompt: true });
  const answered = template.render([question, { role: "assistant", content: "b" }]);
  if (!answered.startsWith(`${asked}b`)) return undefined;
  const { ids } = await tokenizer.encode(answered.slice(asked.length + 1), { addSpecialTokens: false });
  const isSpecial = ids.length > 0 && (await tokenizer.decode(ids.slice(0, 1))) === "";
  return isSpecial ? ids[0] : undefined;
}
