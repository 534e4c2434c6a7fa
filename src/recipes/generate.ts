import { ChatTemplate } from "../data/index.js";
import { generateText, type TextOptions } from "../eval/index.js";
import type { Tokenizer } from "../hub/tokenizer/index.js";
import type { KeyValueCache } from "../nn/index.js";
import { ScaloraError } from "../util/errors.js";
import type {
  ChatMessage,
  GenerationSummary,
  OpenGenerator,
  SamplingSettings,
  TextGenerator,
} from "./api.js";
import { endTokens, turnEnd } from "./end-tokens.js";
import { type OpenLanguageModel, openLanguageModel } from "./open-model.js";

/** Opens a model for writing text. */
export const openGenerator: OpenGenerator = async (target) => {
  const open = await openLanguageModel(target);
  try {
    const { chatTemplate, special } = open.tokenizer;
    const ends = endTokens(open.baseFolder, open.tokenizer);
    if (chatTemplate === undefined) return new LoadedGenerator(open, undefined, ends, ends);
    const template = new ChatTemplate(chatTemplate, special);
    const closing = await turnEnd(template, open.tokenizer);
    const chatEnds = new Set(closing === undefined ? ends : [...ends, closing]);
    return new LoadedGenerator(open, template, ends, chatEnds);
  } catch (error) {
    open.dispose();
    throw error;
  }
};

/** What was computed for the last output: the next prompt of a conversation begins with the same tokens. */
interface Past {
  readonly cache: KeyValueCache;
  /** The tokens in the cache. */
  readonly tokens: readonly number[];
}

class LoadedGenerator implements TextGenerator {
  private readonly open: OpenLanguageModel;
  private readonly template: ChatTemplate | undefined;
  private readonly textEnds: ReadonlySet<number>;
  private readonly chatEnds: ReadonlySet<number>;
  private past: Past | undefined;

  constructor(
    open: OpenLanguageModel,
    template: ChatTemplate | undefined,
    textEnds: ReadonlySet<number>,
    chatEnds: ReadonlySet<number>,
  ) {
    this.open = open;
    this.template = template;
    this.textEnds = textEnds;
    this.chatEnds = chatEnds;
  }

  get hasChatTemplate(): boolean {
    return this.template !== undefined;
  }

  async *generate(
    input: string | readonly ChatMessage[],
    settings: SamplingSettings,
    signal: AbortSignal,
  ): AsyncGenerator<string, GenerationSummary> {
    const started = performance.now();
    const { model, tokenizer } = this.open;
    const isText = typeof input === "string";
    const prompt = isText ? await textPrompt(tokenizer, input) : await this.chatPrompt(input);
    const options: TextOptions = { ...settings, endTokens: isText ? this.textEnds : this.chatEnds, signal };
    const cache = this.takeCache(prompt);
    try {
      const decode = (ids: readonly number[]) => tokenizer.decode(ids);
      const { tokens, reason } = yield* generateText(model, cache, prompt, decode, options);
      this.past?.cache.dispose();
      this.past = { cache, tokens: [...prompt, ...tokens].slice(0, cache.length) };
      const seconds = (performance.now() - started) / 1000;
      return { promptTokens: prompt.length, tokens: tokens.length, reason, seconds };
    } finally {
      if (this.past?.cache !== cache) cache.dispose();
    }
  }

  dispose(): void {
    this.past?.cache.dispose();
    this.past = undefined;
    this.open.dispose();
  }

  /** A cache of this caller's own, holding as much of the prompt's beginning as was computed before. */
  private takeCache(prompt: readonly number[]): KeyValueCache {
    const { past } = this;
    this.past = undefined;
    if (!past) return this.open.model.newCache();
    let common = 0;
    while (common < prompt.length - 1 && past.tokens[common] === prompt[common]) common++;
    past.cache.truncate(common);
    return past.cache;
  }

  private async chatPrompt(messages: readonly ChatMessage[]): Promise<number[]> {
    if (!this.template) {
      throw new ScaloraError("usage", "This model has no chat template", {
        where: this.open.baseFolder,
        fix: "give a text to go on with instead of messages",
      });
    }
    const rendered = messages.map(({ role, content }) => ({ role, content }));
    const text = this.template.render(rendered, { addGenerationPrompt: true, date: new Date() });
    return (await this.open.tokenizer.encode(text, { addSpecialTokens: false })).ids;
  }
}

/** A text with the tokens that the model expects before it, and none after it. */
async function textPrompt(tokenizer: Tokenizer, text: string): Promise<number[]> {
  const { ids } = await tokenizer.encode(text);
  const { ids: bare } = await tokenizer.encode(text, { addSpecialTokens: false });
  const isClosed = ids.at(-1) !== bare.at(-1) && ids.at(-1) === tokenizer.special.eos?.id;
  return isClosed ? ids.slice(0, -1) : ids;
}
