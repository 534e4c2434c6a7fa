import type { ChatMessage, ChatTemplate } from "../data/index.ts";
import type { Tokenizer } from "../tokenizer/index.ts";
import { elementAt } from "../util/elements.ts";
import type { Choice, TaskExample, TextTask } from "./tasks/index.ts";

/** A text with the tokens that the model expects before it, and none after it. */
export async function encodePrompt(tokenizer: Tokenizer, text: string): Promise<number[]> {
  const { ids } = await tokenizer.encode(text);
  const { ids: bare } = await tokenizer.encode(text, { addSpecialTokens: false });
  const endsWithEos = ids.at(-1) !== bare.at(-1) && ids.at(-1) === tokenizer.special.eos?.id;
  return endsWithEos ? ids.slice(0, -1) : ids;
}

/** What an example's prompt is made with. */
export interface PromptOptions {
  /** Solved examples that come before it. */
  readonly shots: readonly TaskExample[];
  /** The prompt as a conversation in this template; as plain text without one. */
  readonly template: ChatTemplate | undefined;
}

/** The text that a model goes on with to answer an example. */
export function promptText(
  task: TextTask,
  { prompt, message }: TaskExample,
  { shots, template }: PromptOptions,
): string {
  if (template === undefined) {
    return [...shots.map((shot) => shot.prompt + shot.completion), prompt].join(task.separator);
  }
  const turns = shots.flatMap((shot): ChatMessage[] => [
    { role: "user", content: shot.message },
    { role: "assistant", content: shot.completion.trim() },
  ]);
  return template.render([...turns, { role: "user", content: message }], { addGenerationPrompt: true });
}

/** The tokens of a prompt; a template has written every special token itself. */
export async function promptTokens(text: string, tokenizer: Tokenizer, isChat: boolean): Promise<number[]> {
  return isChat
    ? (await tokenizer.encode(text, { addSpecialTokens: false })).ids
    : encodePrompt(tokenizer, text);
}

/** What stands before a choice's context: the shots with their right choices. */
export function fewShotPrefix(task: TextTask, shots: readonly TaskExample[]): string {
  const solved = shots.map(({ choices = [], right = 0 }) => {
    const { context, continuation } = elementAt(choices, right);
    return context + continuation + task.separator;
  });
  return solved.join("");
}

/**
 * A context and what follows it, in tokens, cut as lm-evaluation-harness cuts them: spaces at the context's end belong to
 * the continuation, both are tokenised together, and what the context alone has tokens for is the context.
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
