import { type ChatFormat, loadChatFormat } from "../assemble/chat-format.ts";
import { eosTokenIds } from "../assemble/eos-token-ids.ts";
import type { OpenModel } from "../assemble/open-model.ts";
import { type TrainedSystemPrompt, trainedSystemPrompt } from "../assemble/trained-system-prompt.ts";
import type { ChatTemplate } from "../data/index.ts";
import { encodePrompt } from "../eval/index.ts";

/** A system message; of a run, with how many of its training's chats begin with it. */
export type SystemPrompt = Pick<TrainedSystemPrompt, "text"> & Partial<TrainedSystemPrompt>;

/** A token that ends an answer. */
export interface EndToken {
  readonly id: number;
  readonly text: string;
  /** Whether it is no part of any text, so that its text stands for the token. */
  readonly isSpecial: boolean;
}

/** What a program needs to chat with a model as it was trained to, and as `scalora chat` does. */
export interface ChatSetup {
  readonly template: ChatTemplate;
  /** Texts of the special tokens, under the names that templates use: `bos_token`. */
  readonly specialTokens: Readonly<Record<string, string>>;
  /** Tokens that end an answer. */
  readonly endTokens: readonly EndToken[];
  /** Text of the token that the tokenizer puts before a text. */
  readonly addedToken: string | undefined;
  readonly systemPrompt: SystemPrompt | undefined;
  /** Most tokens of a conversation: by default, and that the model can take. */
  readonly contextLength: number;
  readonly longestContext: number;
}

/** Tokens of a conversation that programs keep memory for: enough for most, and affordable with any model. */
const usualContext = 4096;

/** The chat template of a model, and the tokens that end its answers. */
export function chatFormatOf({
  tokenizer,
  baseFolder,
}: Pick<OpenModel, "tokenizer" | "baseFolder">): Promise<ChatFormat> {
  return loadChatFormat(tokenizer, eosTokenIds(baseFolder, tokenizer));
}

/**
 * @param systemPrompt in place of that of the training; empty for none
 * @returns undefined for a model without a chat template
 */
export async function chatSetup(
  open: Pick<OpenModel, "model" | "tokenizer" | "baseFolder" | "recipe" | "checkpoint">,
  systemPrompt: string | undefined,
): Promise<ChatSetup | undefined> {
  const { template, chatEosIds } = await chatFormatOf(open);
  if (template === undefined) return undefined;
  const { tokenizer, recipe } = open;
  const { bos } = tokenizer.special;
  const [first] = await encodePrompt(tokenizer, "a");
  const named = Object.entries(tokenizer.special).flatMap(([role, token]) =>
    token === undefined ? [] : [[`${role}_token`, token.content] as const],
  );
  const endToken = async (id: number): Promise<EndToken> => ({
    id,
    text: await tokenizer.decode([id], { skipSpecialTokens: false }),
    isSpecial: (await tokenizer.decode([id])) === "",
  });
  const longestContext = open.model.info.maxPositions;
  return {
    template,
    specialTokens: Object.fromEntries(named),
    endTokens: await Promise.all([...chatEosIds].map(endToken)),
    addedToken: bos !== undefined && first === bos.id ? bos.content : undefined,
    systemPrompt: chosenSystemPrompt(open, systemPrompt),
    contextLength: Math.min(longestContext, Math.max(usualContext, recipe?.data.maxLength ?? 0)),
    longestContext,
  };
}

function chosenSystemPrompt(
  open: Pick<OpenModel, "checkpoint">,
  given: string | undefined,
): SystemPrompt | undefined {
  if (given === undefined) return trainedSystemPrompt(open);
  return given === "" ? undefined : { text: given };
}
