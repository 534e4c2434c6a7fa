import type { ModelTarget } from "../assemble/model-target.ts";
import type { UsedCheckpoint } from "../assemble/used-checkpoint.ts";

/** One message of a conversation. */
export interface ChatMessage {
  role: string;
  content: string;
}

/** Sampling settings. Temperature 0 is greedy. */
export interface SamplingSettings {
  /** Maximum number of new tokens. */
  maxTokens: number;
  temperature: number;
  topK?: number | undefined;
  topP?: number | undefined;
  seed: number;
  /** Stop strings. */
  stop: readonly string[];
}

/** How a generated text ended. */
export interface GenerationSummary {
  promptTokens: number;
  tokens: number;
  reason: "end" | "length" | "stop" | "interrupted";
  seconds: number;
}

/** A loaded model that generates text. */
export interface TextGenerator extends Disposable {
  readonly hasChatTemplate: boolean;
  /** The run's checkpoint; undefined for a model. */
  readonly checkpoint: UsedCheckpoint | undefined;
  /** Of a run: the system message with which most of its training's chats begin. `generate` adds none. */
  readonly systemPrompt: string | undefined;
  /**
   * Streams pieces of text; a list of messages is rendered with the model's chat template.
   * @param settings default: greedy, at most 256 tokens, seed 0, no stop texts
   * @param signal ends the output before the next token
   */
  generate(
    input: string | readonly ChatMessage[],
    settings?: Partial<SamplingSettings>,
    signal?: AbortSignal,
  ): AsyncGenerator<string, GenerationSummary>;
  /** Frees the model. */
  dispose(): void;
}

/** `src/inference/generate.ts`; a text is the target's path or name. */
export type OpenGenerator = (target: string | ModelTarget) => Promise<TextGenerator>;
