import type { ChatMessage, ChatTemplate } from "../../chat-template/chat-template.ts";
import { jsonOf } from "../../chat-template/python-text.ts";
import { ScaloraError } from "../../util/errors.ts";
import { isRecord } from "../../util/json.ts";
import { tryJson } from "./conversation.ts";

/** What a chat template takes of a message with tool calls. */
export interface CallForm {
  /** The arguments of a call as an object, as the JSON text of one, or either, as a row has them. */
  readonly arguments: "object" | "text" | "either";
  /** The content of a message without one: templates that see calls by its lack want null. */
  readonly noContent: "" | null;
}

const name = "scalora_function";
const argument = "scalora_argument";
const argumentText = `{"${argument}": 1}`;

/** Tries both forms of arguments, and of a content that is missing; undefined for a template that renders no calls. */
export function formOfCalls(template: ChatTemplate): CallForm | undefined {
  for (const noContent of ["", null] as const) {
    const object = renderCall(template, noContent, { [argument]: 1 });
    const text = renderCall(template, noContent, argumentText);
    const takesText = text.includes(name) && text.includes(argumentText);
    // An object that is written as it is looks like Python, not JSON.
    const takesObject =
      object.includes(name) && object.includes(argument) && !object.includes(`'${argument}'`);
    if (takesText) return { arguments: takesObject ? "either" : "text", noContent };
    if (object.includes(name)) return { arguments: "object", noContent };
    if (text.includes(name)) return { arguments: "text", noContent };
  }
  return undefined;
}

/** The rendering of a call; nothing where the template fails on it. */
function renderCall(template: ChatTemplate, content: "" | null, callArguments: unknown): string {
  const call = { type: "function", id: "scalora00", function: { name, arguments: callArguments } };
  try {
    return template.render([
      { role: "user", content: "probe" },
      { role: "assistant", content, tool_calls: [call] },
    ]);
  } catch (error) {
    if (error instanceof ScaloraError && error.code === "data") return "";
    throw error;
  }
}

/** A message whose calls have the form that the template takes. */
export function withCallForm(message: ChatMessage, form: CallForm): ChatMessage {
  return {
    ...message,
    ...(form.noContent === null && !message.content && { content: null }),
    tool_calls: callsOf(message).map((call) => mapArguments(call, (value) => argumentsAs(value, form))),
  };
}

function argumentsAs(value: unknown, { arguments: form }: CallForm): unknown {
  if (form === "object") return asObject(value);
  return form === "text" && isRecord(value) ? jsonOf(value) : value;
}

/** The object that a JSON text holds; any other value as it is. */
function asObject(value: unknown): unknown {
  const parsed = typeof value === "string" ? tryJson(value) : undefined;
  return parsed instanceof Map ? parsed : value;
}

/** A message with its calls as JSON text in its content. */
export function callsAsText({ tool_calls: calls, ...message }: ChatMessage): ChatMessage {
  const compact = { itemSeparator: ",", keySeparator: ":" };
  const texts = callsOf({ ...message, tool_calls: calls }).map((call) => {
    const whole = mapArguments(call, asObject);
    return jsonOf(isRecord(whole) ? (whole["function"] ?? whole) : whole, compact);
  });
  return { ...message, content: [message.content || [], ...texts].flat().join("\n") };
}

function callsOf(message: ChatMessage): unknown[] {
  const calls = message["tool_calls"];
  return Array.isArray(calls) ? calls : [];
}

function mapArguments(call: unknown, change: (value: unknown) => unknown): unknown {
  if (!isRecord(call) || !isRecord(call["function"])) return call;
  const { arguments: value, ...rest } = call["function"];
  return value === undefined ? call : { ...call, function: { ...rest, arguments: change(value) } };
}
