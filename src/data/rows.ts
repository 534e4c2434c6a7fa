import type { ChatMarker } from "./chat-spans.js";
import { type ColumnPlan, readString } from "./columns.js";
import type { JsonRow } from "./lines.js";
import { readConversation } from "./messages.js";
import type { DroppedRow, FormatConfig, MarkedText } from "./types.js";

/** A row as text to be tokenised (several where a chat is cut into turns), or why it was left out. */
export type ReadRow = MarkedText[] | DroppedRow;

/** Turns one row of a file into text with its trained characters marked. */
export function readRow(
  row: JsonRow,
  plan: ColumnPlan,
  config: FormatConfig & { path: string },
  marker: () => ChatMarker,
): ReadRow {
  const source = `${config.path}:${row.line}`;
  const column = (name: string) => readString(row.value, plan, name, source);
  if (plan.format === "messages") return readChat(row, plan, source, marker());
  if (plan.format === "text") return readText(column("text"), source);
  const [prompt, completion] =
    plan.format === "alpaca"
      ? [alpacaPrompt(column("instruction"), column("input"), config.render), column("output")]
      : [column("prompt"), column("completion")];
  if (completion.trim() === "") return { source, reason: "its completion is empty" };
  if (config.render === "chat") return markChatPair(prompt, completion, source, marker());
  return [markPair(prompt + (config.separator ?? ""), completion, source)];
}

function readChat(row: JsonRow, plan: ColumnPlan, source: string, marker: ChatMarker): ReadRow {
  const value = (column: string) => row.value[plan.names.get(column) ?? column];
  const conversation = readConversation(value("messages"), value("tools"), source);
  if (conversation.messages.length === 0) return { source, reason: "it has no messages" };
  marker.checkRoles(conversation, source);
  if (!conversation.trained.includes(true)) return { source, reason: "no message of it is trained on" };
  return marker.mark(conversation, source);
}

function readText(text: string, source: string): ReadRow {
  if (text.trim() === "") return { source, reason: "its text is empty" };
  return [{ text, spans: [[0, text.length]], kind: "document", source }];
}

function markPair(prompt: string, completion: string, source: string): MarkedText {
  const text = prompt + completion;
  return { text, spans: [[prompt.length, text.length]], kind: "document", source };
}

function markChatPair(prompt: string, completion: string, source: string, marker: ChatMarker): MarkedText[] {
  const messages = [
    { role: "user", content: prompt },
    { role: "assistant", content: completion },
  ];
  return marker.mark({ messages, trained: [false, true], tools: undefined }, source);
}

const alpacaTask = "Below is an instruction that describes a task";
const alpacaWish = "Write a response that appropriately completes the request.";

/** Alpaca's prompt (github.com/tatsu-lab/stanford_alpaca), or for chat templates the bare instruction and input. */
function alpacaPrompt(instruction: string, input: string, render: FormatConfig["render"]): string {
  const hasInput = input.trim() !== "";
  if (render === "chat") return hasInput ? `${instruction}\n\n${input}` : instruction;
  return hasInput
    ? `${alpacaTask}, paired with an input that provides further context. ${alpacaWish}\n\n### Instruction:\n${instruction}\n\n### Input:\n${input}\n\n### Response:\n`
    : `${alpacaTask}. ${alpacaWish}\n\n### Instruction:\n${instruction}\n\n### Response:\n`;
}
