import { encodePrompt, generateText, type TextOptions } from "../eval/index.js";
import type { KeyValueCache } from "../nn/index.js";
import { ScaloraError } from "../util/errors.js";
import type {
  ChatMessage,
  GenerationSummary,
  OpenGenerator,
  SamplingSettings,
  TextGenerator,
} from "./api.js";
import { type Speech, speechOf } from "./end-tokens.js";
import { type OpenModel, openModel } from "./open-model.js";

/** Opens a model for writing text. */
export const openGenerator: OpenGenerator = async (target) => {
  const open = await openModel(target);
  try {
    return new LoadedGenerator(open, await speechOf(open));
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
  private readonly open: OpenModel;
  private readonly speech: Speech;
  private past: Past | undefined;

  constructor(open: OpenModel, speech: Speech) {
    this.open = open;
    this.speech = speech;
  }

  get hasChatTemplate(): boolean {
    return this.speech.template !== undefined;
  }

  async *generate(
    input: string | readonly ChatMessage[],
    settings: SamplingSettings,
    signal: AbortSignal,
  ): AsyncGenerator<string, GenerationSummary> {
    const started = performance.now();
    const { model, tokenizer } = this.open;
    const isText = typeof input === "string";
    const prompt = isText ? await encodePrompt(tokenizer, input) : await this.chatPrompt(input);
    const { textEnds, chatEnds } = this.speech;
    const options: TextOptions = { ...settings, endTokens: isText ? textEnds : chatEnds, signal };
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
    const { template } = this.speech;
    if (!template) {
      throw new ScaloraError("usage", "This model has no chat template", {
        where: this.open.baseFolder,
        fix: "give a text to go on with instead of messages",
      });
    }
    const rendered = messages.map(({ role, content }) => ({ role, content }));
    const text = template.render(rendered, { addGenerationPrompt: true, date: new Date() });
    return (await this.open.tokenizer.encode(text, { addSpecialTokens: false })).ids;
  }
}
