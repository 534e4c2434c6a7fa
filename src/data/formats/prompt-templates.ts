import type { FormatConfig } from "./types.ts";

const alpacaTask = "Below is an instruction that describes a task";
const alpacaWish = "Write a response that appropriately completes the request.";

/** Whether a prompt is put into a chat template or the prompt of another project's scripts, and so must be bare. */
export const takesBarePrompt = (render: FormatConfig["render"]) => render !== undefined && render !== "plain";

/** Alpaca's prompt (github.com/tatsu-lab/stanford_alpaca), or the bare instruction and input. */
export function alpacaPrompt(instruction: string, input: string, render: FormatConfig["render"]): string {
  const hasInput = input.trim() !== "";
  if (takesBarePrompt(render)) return hasInput ? `${instruction}\n\n${input}` : instruction;
  return hasInput
    ? `${alpacaTask}, paired with an input that provides further context. ${alpacaWish}\n\n### Instruction:\n${instruction}\n\n### Input:\n${input}\n\n### Response:\n`
    : `${alpacaTask}. ${alpacaWish}\n\n### Instruction:\n${instruction}\n\n### Response:\n`;
}

/** The prompts of other projects' scripts, byte for byte, by the values of `render` that choose them; an answer follows directly. */
export const scriptPrompts = {
  /** LLM-Adapters' evaluation on commonsense (github.com/AGI-Edgerunners/LLM-Adapters), with the margin of its source code. */
  "llm-adapters": (instruction: string) =>
    `${alpacaTask}. ${alpacaWish} \n\n${margin}### Instruction:\n${margin}${instruction}\n\n${margin}### Response:\n${margin}`,
  /** MetaMath's, for training and evaluation (github.com/meta-math/MetaMath). */
  metamath: (instruction: string) =>
    `${alpacaTask}. ${alpacaWish}\n\n### Instruction:\n${instruction}\n\n### Response: Let's think step by step.`,
} as const;

const margin = " ".repeat(16);

/** The prompt that `render` names; undefined for plain text and chat templates. */
export function scriptPrompt(render: FormatConfig["render"]): ((instruction: string) => string) | undefined {
  return render === undefined || render === "plain" || render === "chat" ? undefined : scriptPrompts[render];
}

/** lm-evaluation-harness' prompt of a GSM8K question; a space and the answer follow. */
export function gsm8kPrompt(question: string): string {
  return `Question: ${question}\nAnswer:`;
}
