import { type ChatFormat, loadChatFormat } from "../assemble/chat-format.ts";
import { eosTokenIds } from "../assemble/eos-token-ids.ts";
import { type OpenLanguageModel, openLanguageModel } from "../assemble/open-model.ts";
import { trainedSystemPrompt } from "../assemble/trained-system-prompt.ts";
import { type UsedCheckpoint, usedCheckpoint } from "../assemble/used-checkpoint.ts";
import { encodePrompt, streamText, type TextOptions } from "../eval/index.ts";
import type { CausalLM, KeyValueCache } from "../nn/index.ts";
import type { Tokenizer } from "../tokenizer/index.ts";
import { ScaloraError } from "../util/errors.ts";
import { requireAwaited } from "../util/require-awaited.ts";
import type {
  ChatMessage,
  GenerationSummary,
  OpenGenerator,
  SamplingSettings,
  TextGenerator,
} from "./text-generator.ts";

/** Opens a model, by its path or name, or a run for text generation; `dispose()` frees it. */
export const openGenerator: OpenGenerator = async (target) =>
  await generatorOf(await openLanguageModel(typeof target === "string" ? { path: target } : target));

/** A generator that owns an opened model. */
export async function generatorOf(open: OpenLanguageModel): Promise<TextGenerator> {
  try {
    const speech = await loadChatFormat(open.tokenizer, eosTokenIds(open.baseFolder, open.tokenizer));
    return new LoadedGenerator({
      ...open,
      where: open.baseFolder,
      chatFormat: speech,
      checkpoint: usedCheckpoint(open),
      systemPrompt: trainedSystemPrompt(open)?.text,
    });
  } catch (error) {
    open.dispose();
    throw error;
  }
}

/**
 * Continues a prompt, or answers messages, with a model in memory and its installed adapters; streams pieces of text.
 * @param options the settings of `TextGenerator.generate`, a signal, and the EOS token ids (default: the tokenizer's EOS
 * token; with messages also the end-of-turn token of its chat template)
 * @throws ScaloraError `usage` for invalid settings, a prompt longer than the model's context, or messages without a chat
 * template
 */
export async function* generateText(
  model: CausalLM,
  tokenizer: Tokenizer,
  input: string | readonly ChatMessage[],
  options: Partial<SamplingSettings> & { signal?: AbortSignal; endTokens?: Iterable<number> } = {},
): AsyncGenerator<string, GenerationSummary> {
  requireAwaited({ model, tokenizer });
  const { signal, endTokens: given, ...settings } = options;
  const { eos } = tokenizer.special;
  const ends = new Set(given ?? (eos ? [eos.id] : []));
  using generator = new LoadedGenerator({
    model,
    tokenizer,
    where: "the tokenizer",
    chatFormat: await loadChatFormat(tokenizer, ends),
    dispose: () => {},
  });
  return yield* generator.generate(input, settings, signal);
}

/** The parts of a generator. */
interface GeneratorParts {
  readonly model: CausalLM;
  readonly tokenizer: Tokenizer;
  /** Where the chat template would be, for error messages. */
  readonly where: string;
  readonly chatFormat: ChatFormat;
  readonly checkpoint?: UsedCheckpoint | undefined;
  readonly systemPrompt?: string | undefined;
  /** Frees model and adapters. */
  dispose(): void;
}

const defaults: SamplingSettings = { maxTokens: 256, temperature: 0, seed: 0, stop: [] };

/** The key-value cache of the last output: the next prompt of a conversation begins with the same tokens. */
interface CachedPrefix {
  readonly cache: KeyValueCache;
  /** The tokens in the cache. */
  readonly tokens: readonly number[];
}

class LoadedGenerator implements TextGenerator {
  private readonly parts: GeneratorParts;
  private cachedPrefix: CachedPrefix | undefined;

  constructor(parts: GeneratorParts) {
    this.parts = parts;
  }

  get hasChatTemplate(): boolean {
    return this.parts.chatFormat.template !== undefined;
  }

  get checkpoint(): UsedCheckpoint | undefined {
    return this.parts.checkpoint;
  }

  get systemPrompt(): string | undefined {
    return this.parts.systemPrompt;
  }

  async *generate(
    input: string | readonly ChatMessage[],
    settings: Partial<SamplingSettings> = {},
    signal = new AbortController().signal,
  ): AsyncGenerator<string, GenerationSummary> {
    const started = performance.now();
    const { model, tokenizer, chatFormat } = this.parts;
    const isText = typeof input === "string";
    const prompt = isText ? await encodePrompt(tokenizer, input) : await this.chatPrompt(input);
    const endTokens = isText ? chatFormat.textEosIds : chatFormat.chatEosIds;
    const options: TextOptions = { ...defaults, ...settings, endTokens, signal };
    const cache = this.takeCache(prompt);
    try {
      const decode = (ids: readonly number[]) => tokenizer.decode(ids);
      const { tokens, reason } = yield* streamText(model, cache, prompt, decode, options);
      this.cachedPrefix?.cache.dispose();
      this.cachedPrefix = { cache, tokens: [...prompt, ...tokens].slice(0, cache.length) };
      const seconds = (performance.now() - started) / 1000;
      return { promptTokens: prompt.length, tokens: tokens.length, reason, seconds };
    } finally {
      if (this.cachedPrefix?.cache !== cache) cache.dispose();
    }
  }

  dispose(): void {
    this.cachedPrefix?.cache.dispose();
    this.cachedPrefix = undefined;
    this.parts.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  /** Takes the cache, cut to the longest prefix that it shares with the prompt; the caller owns it. */
  private takeCache(prompt: readonly number[]): KeyValueCache {
    const { cachedPrefix } = this;
    this.cachedPrefix = undefined;
    if (!cachedPrefix) return this.parts.model.newCache();
    let common = 0;
    while (common < prompt.length - 1 && cachedPrefix.tokens[common] === prompt[common]) common++;
    cachedPrefix.cache.truncate(common);
    return cachedPrefix.cache;
  }

  private async chatPrompt(messages: readonly ChatMessage[]): Promise<number[]> {
    const { template } = this.parts.chatFormat;
    if (!template) {
      throw new ScaloraError("usage", "This model has no chat template", {
        where: this.parts.where,
        fix: "give a plain prompt instead of messages",
      });
    }
    const rendered = messages.map(({ role, content }) => ({ role, content }));
    const text = template.render(rendered, { addGenerationPrompt: true, date: new Date() });
    return (await this.parts.tokenizer.encode(text, { addSpecialTokens: false })).ids;
  }
}
