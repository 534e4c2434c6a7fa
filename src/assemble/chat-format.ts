import { ChatTemplate } from "../data/index.ts";
import type { Tokenizer } from "../tokenizer/index.ts";
import { ScaloraError } from "../util/errors.ts";

/** A model's chat template and the tokens that end its outputs. */
export interface ChatFormat {
  readonly template: ChatTemplate | undefined;
  /** The token with which the template ends an answer, where it has one. */
  readonly endOfTurnId: number | undefined;
  readonly textEosIds: ReadonlySet<number>;
  readonly chatEosIds: ReadonlySet<number>;
}

/**
 * @param ends token ids that end any output
 * @throws ScaloraError `model` for a template that cannot be parsed
 */
export async function loadChatFormat(tokenizer: Tokenizer, ends: ReadonlySet<number>): Promise<ChatFormat> {
  const { chatTemplate, chatTemplateFile, special } = tokenizer;
  if (chatTemplate === undefined)
    return { template: undefined, endOfTurnId: undefined, textEosIds: ends, chatEosIds: ends };
  const template = new ChatTemplate(chatTemplate, special, chatTemplateFile);
  const closing = await endOfTurnToken(template, tokenizer);
  return {
    template,
    endOfTurnId: closing,
    textEosIds: ends,
    chatEosIds: new Set(closing === undefined ? ends : [...ends, closing]),
  };
}

/**
 * The special token with which a chat template ends the assistant's turn, if any: a chat model writes it even if its config
 * does not list it as an EOS token.
 */
async function endOfTurnToken(template: ChatTemplate, tokenizer: Tokenizer): Promise<number | undefined> {
  const { asked, answered } = renderedTurn(template) ?? {};
  if (asked === undefined || !answered?.startsWith(`${asked}b`)) return undefined;
  const { ids } = await tokenizer.encode(answered.slice(asked.length + 1), { addSpecialTokens: false });
  const isSpecial = ids.length > 0 && (await tokenizer.decode(ids.slice(0, 1))) === "";
  return isSpecial ? ids[0] : undefined;
}

/** A question, and with its answer; undefined where the template refuses it, after a system message too. */
function renderedTurn(template: ChatTemplate): { asked: string; answered: string } | undefined {
  const question = { role: "user", content: "a" };
  for (const messages of [[question], [{ role: "system", content: "s" }, question]]) {
    try {
      const asked = template.render(messages, { addGenerationPrompt: true });
      return { asked, answered: template.render([...messages, { role: "assistant", content: "b" }]) };
    } catch (error) {
      if (!(error instanceof ScaloraError && error.code === "data")) throw error;
    }
  }
  return undefined;
}
