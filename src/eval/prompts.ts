import type { ChatMessage, ChatTemplate } from "../data/index.ts";
import type { Tokenizer } from "../tokenizer/index.ts";
import { elementAt } from "../util/elements.ts";
import type { Choice, TaskExample, TextTask } from "./tasks/index.ts";

/** Encodes a text with the special tokens before it, without those after it. */
export async function encodePrompt(tokenizer: Tokenizer, text: string): Promise<number[]> {
  const { ids } = await tokenizer.encode(text);
  const { ids: bare } = await tokenizer.encode(text, { addSpecialTokens: false });
  const endsWithEos = ids.at(-1) !== bare.at(-1) && ids.at(-1) === tokenizer.special.eos?.id;
  return endsWithEos ? ids.slice(0, -1) : ids;
}

/** Options of `promptText`. */
export interface PromptOptions {
  /** Solved examples before it. */
  readonly shots: readonly TaskExample[];
  /** Chat template to render the prompt as a conversation; without one it is plain text. */
  readonly template: ChatTemplate | undefined;
  /** Puts a bare instruction into another prompt than the task's own. */
  readonly scriptPrompt?: ((instruction: string) => string) | undefined;
}

/** The prompt of an example. */
export function promptText(
  task: TextTask,
  example: TaskExample,
  { shots, template, scriptPrompt }: PromptOptions,
): string {
  if (template === undefined) {
    const prompt = (one: TaskExample) => scriptPrompt?.(one.message) ?? one.prompt;
    return [...shots.map((shot) => prompt(shot) + shot.completion), prompt(example)].join(task.separator);
  }
  const turns = shots.flatMap((shot): ChatMessage[] => [
    { role: "user", content: shot.message },
    { role: "assistant", content: shot.completion.trim() },
  ]);
  return template.render([...turns, { role: "user", content: example.message }], {
    addGenerationPrompt: true,
  });
}

/** The tokens of a prompt; one from a template contains all special tokens already. */
export async function promptTokens(text: string, tokenizer: Tokenizer, isChat: boolean): Promise<number[]> {
  return isChat
    ? (await tokenizer.encode(text, { addSpecialTokens: false })).ids
    : encodePrompt(tokenizer, text);
}

/** The shots with their correct choices, as a prefix of a choice's context. */
export function fewShotPrefix(task: TextTask, shots: readonly TaskExample[]): string {
  const solved = shots.map(({ choices = [], right = 0 }) => {
    const { context, continuation } = elementAt(choices, right);
    return context + continuation + task.separator;
  });
  return solved.join("");
}

/**
 * Tokenises a context and its continuation as lm-evaluation-harness does: trailing spaces of the context are moved to the
 * continuation, both are tokenised together, and as many tokens as the context alone has are the context.
 */
export async function encodeChoice(
  tokenizer: Tokenizer,
  { context, continuation }: Choice,
): Promise<{ prefix: number[]; tokens: number[] }> {
  const before = context.trimEnd();
  const after = context.slice(before.length) + continuation;
  const [prefix, whole] = [
    await encodePrompt(tokenizer, before),
    await encodePrompt(tokenizer, before + after),
  ];
  const tokens = whole.slice(prefix.length);
  if (tokens.length > 0) return { prefix, tokens };
  return { prefix, tokens: (await tokenizer.encode(after, { addSpecialTokens: false })).ids };
}
