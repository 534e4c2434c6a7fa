import type { DataRow } from "../../data-files/jsonl.ts";
import { ScaloraError } from "../../util/errors.ts";
import { readAdaptersMaths } from "./adapters-maths.ts";
import { type ColumnMapping, readString } from "./column-mapping.ts";
import { checkCommonsenseAnswer } from "./commonsense-answer.ts";
import { type Conversation, readConversation } from "./conversation.ts";
import type { ConversationRenderer } from "./conversation-renderer.ts";
import { refuseJudgedRow } from "./judgement-columns.ts";
import { type PromptedAnswer, readChosenAnswer, readVerdict } from "./preference-rows.ts";
import {
  alpacaPrompt,
  gsm8kPrompt,
  scriptPrompt,
  scriptPrompts,
  takesBarePrompt,
} from "./prompt-templates.ts";
import type { DroppedRow, FormatConfig, MarkedText } from "./types.ts";

/** The texts of a row (several where a chat is split into turns), or the reason why it was dropped. */
export type ReadRow = MarkedText[] | DroppedRow;

/** A row, with what reading it takes. */
interface RowContext {
  readonly source: string;
  readonly config: FormatConfig;
  readonly marker: () => ConversationRenderer;
  /** A column's value, by the format's name of it. */
  value(column: string): unknown;
  /** A column's text. @throws ScaloraError `data` when it is no text */
  text(column: string): string;
}

/** Converts one row of a file to texts whose trained characters are marked. */
export function rowToTexts(
  row: DataRow,
  plan: ColumnMapping,
  config: FormatConfig & { path: string },
  marker: () => ConversationRenderer,
): ReadRow {
  const source = `${config.path}:${row.line}`;
  const { format = "auto" } = config;
  refuseJudgedRow(row.value, plan, format !== "auto", source);
  const context: RowContext = {
    source,
    config,
    marker,
    value: (column) => row.value[plan.fileColumns.get(column) ?? column],
    text: (column) => readString(row.value, plan, column, source),
  };
  return readRow(plan, row.value, context);
}

function readRow(
  { format, fileColumns }: ColumnMapping,
  row: DataRow["value"],
  context: RowContext,
): ReadRow {
  const { value, text, source, config } = context;
  switch (format) {
    case "messages":
      return readChat(readConversation(value("messages"), value("tools"), source), context);
    case "text":
      return readText(text("text"), source);
    case "preference": {
      const [prompt, chosen, rejected] = [value("prompt"), value("chosen"), value("rejected")];
      return readAnswer(readChosenAnswer({ prompt, chosen, rejected }, source), context);
    }
    case "unpaired-preference":
      if (!readVerdict(value("label"), `${source}, column "${fileColumns.get("label") ?? "label"}"`))
        return { source, reason: "its label is false", isRejected: true };
      return readAnswer(
        fileColumns.has("messages") ? lastTurn(value("messages")) : promptedAnswer(context),
        context,
      );
    case "commonsense":
      checkCommonsenseAnswer(value("answer"), source);
      return readInstruction(context);
    case "alpaca":
      return readInstruction(context);
    case "gsm8k":
      return fileColumns.has("question")
        ? readQuestion(text("question"), text("answer"), context)
        : readMaths(row, fileColumns, context);
    case "metamathqa": {
      const query = text("query");
      const prompt = takesBarePrompt(config.render) ? query : scriptPrompts.metamath(query);
      return readPair(prompt, text("response"), context);
    }
    default:
      return readAnswer(promptedAnswer(context), context);
  }
}

function readInstruction(context: RowContext): ReadRow {
  const { text, config } = context;
  return readPair(alpacaPrompt(text("instruction"), text("input"), config.render), text("output"), context);
}

/** Prompt and completion as lists of messages, or else as texts. */
function promptedAnswer({ value, text }: RowContext): PromptedAnswer {
  const [prompt, completion] = [value("prompt"), value("completion")];
  if (Array.isArray(prompt) && Array.isArray(completion)) return { prompt, completion };
  return { prompt: text("prompt"), completion: text("completion") };
}

/** A chat of which only the last message is judged. */
function lastTurn(messages: unknown): PromptedAnswer {
  if (!Array.isArray(messages)) return { prompt: [], completion: messages };
  return { prompt: messages.slice(0, -1), completion: messages.slice(-1) };
}

function readAnswer({ prompt, completion }: PromptedAnswer, context: RowContext): ReadRow {
  if (typeof prompt === "string" && typeof completion === "string")
    return readPair(prompt, completion, context);
  if (!Array.isArray(prompt) || !Array.isArray(completion))
    throw new ScaloraError("data", "Prompt and answer are not of one kind", {
      where: context.source,
      expected: "two texts, or two lists of messages",
      found: `${kindOf(prompt)} and ${kindOf(completion)}`,
    });
  const all = [...prompt, ...completion];
  const { trained, ...conversation } = readConversation(all, context.value("tools"), context.source);
  return readChat(
    { ...conversation, trained: trained.map((isTrained, i) => isTrained && i >= prompt.length) },
    context,
  );
}

const kindOf = (value: unknown) => (Array.isArray(value) ? "messages" : typeof value);

/** A question of GSM8K; in a template or another prompt it is bare. */
function readQuestion(question: string, answer: string, context: RowContext): ReadRow {
  if (takesBarePrompt(context.config.render)) return readPair(question, answer, context);
  return readPair(gsm8kPrompt(question), ` ${answer}`, context);
}

/** A row of LLM-Adapters' maths as one of GSM8K. Solutions that end in another answer would teach it. */
function readMaths(
  row: DataRow["value"],
  columns: ColumnMapping["fileColumns"],
  context: RowContext,
): ReadRow {
  const { source } = context;
  const maths = readAdaptersMaths(
    Object.fromEntries([...columns].map(([ours, theirs]) => [ours, row[theirs]])),
  );
  if (maths === undefined)
    throw new ScaloraError("data", "This is not a row of maths", {
      where: source,
      expected: "instruction and output as texts, answer as a number or a text",
      found: `columns ${Object.keys(row).join(", ")}`,
    });
  const { question, solution, answer, isSolved } = maths;
  if (!isSolved) return { source, reason: "its output does not end in its answer" };
  return readQuestion(question, `${solution}\n#### ${answer}`, context);
}

function readPair(prompt: string, completion: string, context: RowContext): ReadRow {
  const { source, config, marker, value } = context;
  if (completion.trim() === "") return { source, reason: "its completion is empty" };
  if (config.render !== "chat") {
    const before = scriptPrompt(config.render)?.(prompt) ?? prompt;
    return [markPair(before + (config.separator ?? ""), completion, source)];
  }
  const messages = [
    { role: "user", content: prompt },
    { role: "assistant", content: completion },
  ];
  return marker().renderTrainedTurns(readConversation(messages, value("tools"), source), source);
}

function readChat(conversation: Conversation, { source, marker }: RowContext): ReadRow {
  const renderer = marker();
  if (conversation.messages.length === 0) return { source, reason: "it has no messages" };
  renderer.checkRoles(conversation, source);
  if (!conversation.trained.includes(true)) return { source, reason: "none of its messages is trained on" };
  return renderer.renderTrainedTurns(conversation, source);
}

function readText(text: string, source: string): ReadRow {
  if (text.trim() === "") return { source, reason: "its text is empty" };
  return [{ text, spans: [[0, text.length]], kind: "document", source }];
}

function markPair(prompt: string, completion: string, source: string): MarkedText {
  const text = prompt + completion;
  return { text, spans: [[prompt.length, text.length]], kind: "document", source };
}
