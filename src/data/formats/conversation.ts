import type { ChatMessage } from "../../chat-template/chat-template.ts";
import { jsonTypeName } from "../../data-files/json-type-name.ts";
import { ScaloraError } from "../../util/errors.ts";
import { isRecord } from "../../util/json.ts";
import { nearestName } from "../../util/nearest-name.ts";
import { JsonError, JsonNumber, type JsonValue, parseJson } from "../../util/strict-json.ts";

/** One chat: the messages and tools that the template renders, and which messages are trained on. */
export interface Conversation {
  messages: ChatMessage[];
  /** One flag for each message. */
  trained: boolean[];
  tools: unknown[] | undefined;
}

type Json = Readonly<Record<string, unknown>>;

const sharegptRoles: ReadonlyMap<string, string> = new Map([
  ["system", "system"],
  ["human", "user"],
  ["user", "user"],
  ["gpt", "assistant"],
  ["assistant", "assistant"],
  ["function_call", "assistant"],
  ["observation", "tool"],
  ["tool", "tool"],
]);

/**
 * Reads a row of messages: `{role, content, train?}` (with `tool_calls` and the like), or ShareGPT's `{from, value}`.
 * Assistant messages are trained on unless `train` is false, or
 * OpenAI's `weight` 0.
 * @throws ScaloraError `data` naming file, line and message.
 */
export function readConversation(list: unknown, tools: unknown, where: string): Conversation {
  if (!Array.isArray(list))
    throw new ScaloraError("data", "The messages of a row are not a list", {
      where,
      found: jsonTypeName(list),
    });
  const conversation: Conversation = { messages: [], trained: [], tools: readTools(tools, where) };
  list.forEach((item: unknown, index) => {
    const at = `${where}, message ${index + 1}`;
    if (!isRecord(item))
      throw new ScaloraError("data", "A message is not an object", { where: at, found: jsonTypeName(item) });
    const isSharegpt = "from" in item && !("role" in item);
    const message = readMessage(isSharegpt ? fromSharegpt(item, conversation.messages, at) : item, at);
    conversation.messages.push(message);
    conversation.trained.push(readTrain(item, message.role, at));
  });
  return conversation;
}

function readMessage({ train: _, weight: __, ...item }: Json, where: string): ChatMessage {
  const { role } = item;
  if (typeof role !== "string")
    throw new ScaloraError("data", "A message has no role", {
      where,
      expected: '"role": "system", "user", "assistant" or "tool"',
      found: role === undefined ? `keys ${Object.keys(item).join(", ")}` : jsonTypeName(role),
    });
  const calls = readToolCalls(item["tool_calls"], where);
  const content = readContent(item["content"], calls !== undefined, where);
  return {
    ...item,
    role,
    ...(content === undefined ? {} : { content }),
    ...(calls === undefined ? {} : { tool_calls: calls }),
  };
}

function readContent(content: unknown, hasCalls: boolean, where: string): string | null | undefined {
  if (typeof content === "string") return content;
  if (hasCalls && (content === null || content === undefined)) return content;
  if (Array.isArray(content)) return content.map((part: unknown) => readPart(part, where)).join("");
  throw new ScaloraError("data", "The content of a message is not text", {
    where,
    expected: 'a string, or a list of {"type": "text", "text": "…"}',
    found: jsonTypeName(content),
  });
}

function readPart(part: unknown, where: string): string {
  if (isRecord(part) && part["type"] === "text" && typeof part["text"] === "string") return part["text"];
  throw new ScaloraError("data", "A part of a message is not text", {
    where,
    expected: '{"type": "text", "text": "…"}',
    found: isRecord(part) ? `type ${JSON.stringify(part["type"])}` : jsonTypeName(part),
  });
}

/** The calls as they are: the renderer gives `arguments`, in OpenAI's format a JSON string, as the template wants them. */
function readToolCalls(calls: unknown, where: string): Json[] | undefined {
  if (calls === undefined || calls === null) return undefined;
  if (!Array.isArray(calls) || !calls.every(isRecord))
    throw new ScaloraError("data", "tool_calls is not a list of objects", {
      where,
      found: jsonTypeName(calls),
    });
  checkExact(calls, "tool_calls", where);
  return calls.length === 0 ? undefined : calls;
}

/** @throws ScaloraError `data` for an integer that JavaScript's numbers cannot hold: it may be another one already */
function checkExact(value: unknown, column: string, where: string): void {
  if (typeof value === "number" && Number.isInteger(value) && !Number.isSafeInteger(value))
    throw new ScaloraError("data", `A number in ${column} is not exact`, {
      where,
      expected: "integers up to 9,007,199,254,740,991 (2^53 - 1)",
      found: String(value),
      fix: "write the number as text; or give the row as a line of JSONL with each key once: its numbers are kept as they are written",
    });
  if (value instanceof Map || value instanceof JsonNumber) return;
  if (Array.isArray(value)) for (const item of value) checkExact(item, column, where);
  else if (isRecord(value)) for (const item of Object.values(value)) checkExact(item, column, where);
}

/** The value of a JSON text: maps, and numbers as they are written; undefined for what is none. */
export function tryJson(text: string): JsonValue | undefined {
  try {
    return parseJson(text);
  } catch (error) {
    if (error instanceof JsonError) return undefined;
    throw error;
  }
}

function fromSharegpt(item: Json, before: readonly ChatMessage[], where: string): Json {
  const role = sharegptRoles.get(String(item["from"]));
  if (role === undefined) {
    const near = nearestName(String(item["from"]), sharegptRoles.keys());
    throw new ScaloraError("data", `A message is from "${String(item["from"])}"`, {
      where,
      expected: [...sharegptRoles.keys()].join(", "),
      fix: near === undefined ? undefined : `did you mean "${near}"?`,
    });
  }
  if (role === "tool") return { role, content: item["value"], tool_call_id: callId(before.length - 1) };
  const call = item["from"] === "function_call" ? parseFunctionCall(item["value"]) : undefined;
  if (call === undefined) return { role, content: item["value"] };
  return { role, content: "", tool_calls: [{ type: "function", id: callId(before.length), function: call }] };
}

/** Nine letters and digits, which Mistral's templates require. */
function callId(message: number): string {
  return `call${String(message).padStart(5, "0")}`;
}

function parseFunctionCall(value: unknown): Json | undefined {
  const parsed = typeof value === "string" ? tryJson(value) : value;
  const call = parsed instanceof Map ? Object.fromEntries(parsed) : parsed;
  return isRecord(call) && typeof call["name"] === "string" ? call : undefined;
}

function readTrain(item: Json, role: string, where: string): boolean {
  const train = item["train"] ?? readWeight(item["weight"], where);
  if (train === undefined) return role === "assistant";
  if (typeof train !== "boolean")
    throw new ScaloraError("data", "A message's train flag is not true or false", {
      where,
      found: JSON.stringify(train),
    });
  if (train && role !== "assistant")
    throw new ScaloraError("data", `A ${role} message cannot be trained on`, {
      where,
      expected: "train: true on assistant messages only: only they begin after a generation prompt",
      fix: "remove the flag, or write the row as text or prompt and completion",
    });
  return train;
}

/** OpenAI's flag of assistant messages, 1 or 0. */
function readWeight(weight: unknown, where: string): boolean | undefined {
  if (weight === undefined || weight === null) return undefined;
  if (weight === 0 || weight === 1) return weight === 1;
  throw new ScaloraError("data", "A message's weight is neither 0 nor 1", {
    where,
    expected: "1 for a message to train on, 0 for one to leave alone",
    found: JSON.stringify(weight),
  });
}

/** Reads a list of tools, or its JSON; bare functions are wrapped as `{type: "function", function}`. */
function readTools(tools: unknown, where: string): unknown[] | undefined {
  if (tools === undefined || tools === null || tools === "") return undefined;
  const list = typeof tools === "string" ? tryJson(tools) : tools;
  if (!Array.isArray(list))
    throw new ScaloraError("data", "The tools of a row are not a list", {
      where,
      expected: "a list of function descriptions, or a string holding one as JSON",
      found: jsonTypeName(tools),
    });
  if (list.length === 0) return undefined;
  checkExact(list, "tools", where);
  return list.map((tool: unknown) => (isBareFunction(tool) ? { type: "function", function: tool } : tool));
}

function isBareFunction(tool: unknown): boolean {
  if (tool instanceof Map) return !tool.has("function") && tool.has("name");
  return isRecord(tool) && !("function" in tool) && "name" in tool;
}
