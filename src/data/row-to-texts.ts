import type { DataRow } from "../data-files/jsonl.ts";
import { type ColumnMapping, type RowFormat, readString } from "./column-mapping.ts";
import { readConversation } from "./conversation.ts";
import type { ConversationRenderer } from "./conversation-renderer.ts";
import { alpacaPrompt, gsm8kPrompt } from "./prompt-templates.ts";
import type { DroppedRow, FormatConfig, MarkedText } from "./types.ts";

/** The texts of a row (several where a chat is split into turns), or the reason why it was dropped. */
export type ReadRow = MarkedText[] | DroppedRow;

/** Converts one row of a file to texts whose trained characters are marked. */
export function rowToTexts(
  row: DataRow,
  plan: ColumnMapping,
  config: FormatConfig & { path: string },
  marker: () => ConversationRenderer,
): ReadRow {
  const source = `${config.path}:${row.line}`;
  const column = (name: string) => readString(row.value, plan, name, source);
  if (plan.format === "messages") return readChat(row, plan, source, marker());
  if (plan.format === "text") return readText(column("text"), source);
  const [prompt, completion] = readPair(plan.format, column, config.render);
  if (completion.trim() === "") return { source, reason: "its completion is empty" };
  if (config.render === "chat") return markChatPair(prompt, completion, source, marker());
  return [markPair(prompt + (config.separator ?? ""), completion, source)];
}

/** Prompt and completion of a row. */
function readPair(
  format: RowFormat,
  column: (name: string) => string,
  render: FormatConfig["render"],
): [prompt: string, completion: string] {
  switch (format) {
    case "alpaca":
    case "commonsense":
      return [alpacaPrompt(column("instruction"), column("input"), render), column("output")];
    case "gsm8k":
      if (render === "chat") return [column("question"), column("answer")];
      return [gsm8kPrompt(column("question")), ` ${column("answer")}`];
    default:
      return [column("prompt"), column("completion")];
  }
}

function readChat(row: DataRow, plan: ColumnMapping, source: string, marker: ConversationRenderer): ReadRow {
  const value = (column: string) => row.value[plan.fileColumns.get(column) ?? column];
  const conversation = readConversation(value("messages"), value("tools"), source);
  if (conversation.messages.length === 0) return { source, reason: "it has no messages" };
  marker.checkRoles(conversation, source);
  if (!conversation.trained.includes(true)) return { source, reason: "none of its messages is trained on" };
  return marker.renderTrainedTurns(conversation, source);
}

function readText(text: string, source: string): ReadRow {
  if (text.trim() === "") return { source, reason: "its text is empty" };
  return [{ text, spans: [[0, text.length]], kind: "document", source }];
}

function markPair(prompt: string, completion: string, source: string): MarkedText {
  const text = prompt + completion;
  return { text, spans: [[prompt.length, text.length]], kind: "document", source };
}

function markChatPair(
  prompt: string,
  completion: string,
  source: string,
  marker: ConversationRenderer,
): MarkedText[] {
  const messages = [
    { role: "user", content: prompt },
    { role: "assistant", content: completion },
  ];
  return marker.renderTrainedTurns({ messages, trained: [false, true], tools: undefined }, source);
}
