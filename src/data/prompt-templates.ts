import type { FormatConfig } from "./types.ts";

const alpacaTask = "Below is an instruction that describes a task";
const alpacaWish = "Write a response that appropriately completes the request.";

/** Alpaca's prompt (github.com/tatsu-lab/stanford_alpaca), or the bare instruction and input for chat templates. */
export function alpacaPrompt(instruction: string, input: string, render: FormatConfig["render"]): string {
  const hasInput = input.trim() !== "";
  if (render === "chat") return hasInput ? `${instruction}\n\n${input}` : instruction;
  return hasInput
    ? `${alpacaTask}, paired with an input that provides further context. ${alpacaWish}\n\n### Instruction:\n${instruction}\n\n### Input:\n${input}\n\n### Response:\n`
    : `${alpacaTask}. ${alpacaWish}\n\n### Instruction:\n${instruction}\n\n### Response:\n`;
}

/** lm-evaluation-harness' prompt of a GSM8K question; a space and the answer follow. */
export function gsm8kPrompt(question: string): string {
  return `Question: ${question}\nAnswer:`;
}
