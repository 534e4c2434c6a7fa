import { type ChatMessage, type ChatTemplate, TemplateRefusal } from "../../chat-template/chat-template.ts";
import { ScaloraError } from "../../util/errors.ts";
import { type CallForm, callsAsText, formOfCalls, withCallForm } from "./call-form.ts";
import { checkRoles } from "./check-chat-roles.ts";
import type { Conversation } from "./conversation.ts";
import { SystemPromptCount } from "./system-prompts.ts";
import type { MarkedText, Span } from "./types.ts";

/** Renders conversations with one chat template and marks the characters that are trained on (TRL's assistant mask). */
export class ConversationRenderer {
  /** Number of chats that were split into one text per trained turn. */
  splitChats = 0;
  readonly systemPrompts = new SystemPromptCount();
  private readonly template: ChatTemplate;
  /** Undefined for a template without tool calls. */
  private readonly callForm: CallForm | undefined;
  private checkedTools = false;
  private readonly foundNotes = new Set<string>();

  constructor(template: ChatTemplate) {
    this.template = template;
    this.callForm = formOfCalls(template);
  }

  /** Notes on parts of these conversations that the template does not render. */
  get notes(): string[] {
    return [...this.foundNotes];
  }

  /**
   * The assistant mask of a turn begins after the generation prompt, rendered with the messages before the turn, and ends with
   * the rendering of the turn, end token included. Where the template renders earlier turns differently once others follow
   * (drops their reasoning, for instance), each trained turn becomes a separate text, as in inference.
   * @throws ScaloraError `data` when a turn does not begin with the generation prompt: its position is unknown then.
   */
  renderTrainedTurns(conversation: Conversation, source: string): MarkedText[] {
    this.systemPrompts.add(conversation);
    const messages = this.withRenderedCalls(conversation.messages);
    const { tools } = conversation;
    const render = (count: number, addGenerationPrompt: boolean) =>
      this.render(messages.slice(0, count), tools, addGenerationPrompt, source);
    const whole = render(messages.length, false);
    if (tools !== undefined) this.checkToolsRendered(messages, whole);
    const turns: { text: string; span: Span }[] = [];
    for (const [index, trained] of conversation.trained.entries()) {
      if (!trained) continue;
      const prompt = render(index, true);
      const text = index === messages.length - 1 ? whole : render(index + 1, false);
      if (!text.startsWith(prompt))
        throw generationPromptMismatch(prompt, text, `${source}, message ${index + 1}`);
      turns.push({ text, span: [prompt.length, text.length] });
    }
    if (turns.every(({ text }) => whole.startsWith(text)))
      return [{ text: whole, spans: turns.map(({ span }) => span), kind: "chat", source }];
    this.splitChats++;
    return turns.map(({ text, span }) => ({ text, spans: [span], kind: "chat", source }));
  }

  /** @throws ScaloraError `data` for a message whose role the template does not support */
  checkRoles({ messages }: Conversation, source: string): void {
    checkRoles(messages, this.template.source, source);
  }

  private checkToolsRendered(messages: ChatMessage[], whole: string): void {
    if (this.checkedTools) return;
    this.checkedTools = true;
    if (this.template.render(messages) === whole)
      this.foundNotes.add("the chat template does not render the tools column");
  }

  private render(
    messages: ChatMessage[],
    tools: unknown[] | undefined,
    addGenerationPrompt: boolean,
    source: string,
  ): string {
    try {
      return this.template.render(messages, { ...(tools && { tools }), addGenerationPrompt, source });
    } catch (error) {
      if (!(error instanceof ScaloraError) || error.code !== "data") throw error;
      const place = `${source}${addGenerationPrompt ? `, the ${messages.length} message(s) before an answer` : ""}`;
      throw error.cause instanceof TemplateRefusal || this.rendersPlainChat()
        ? unrenderable(error, place)
        : templateFailure(error, place);
    }
  }

  /** Whether the template takes a question and an answer: one that fails on these is at fault itself. */
  private rendersPlainChat(): boolean {
    const chat = [
      { role: "user", content: "a" },
      { role: "assistant", content: "b" },
    ];
    try {
      this.template.render(chat);
      return true;
    } catch (error) {
      return error instanceof ScaloraError && error.cause instanceof TemplateRefusal;
    }
  }

  /** Tool calls in the form that the template takes; for templates without tool calls as JSON text in the content. */
  private withRenderedCalls(messages: ChatMessage[]): ChatMessage[] {
    const { callForm } = this;
    return messages.map((message) => {
      if (!Array.isArray(message["tool_calls"])) return message;
      if (callForm !== undefined) return withCallForm(message, callForm);
      this.foundNotes.add("the chat template has no tool calls: they are rendered as JSON text");
      return callsAsText(message);
    });
  }
}

/** The error of a row: the template refuses its messages, or reads something that they lack. */
function unrenderable(error: ScaloraError, where: string): ScaloraError {
  const { found, cause, where: template } = error;
  const fix =
    cause instanceof TemplateRefusal
      ? error.fix
      : `complete the messages: the template (${template}) renders others; or correct it`;
  return new ScaloraError("data", "The chat template cannot render these messages", {
    where,
    found,
    fix,
    cause,
  });
}

function templateFailure({ where, found, fix, cause }: ScaloraError, row: string): ScaloraError {
  const what = "The chat template fails on a plain question and answer too";
  return new ScaloraError("model", what, { where, found: `${found}, first for ${row}`, fix, cause });
}

function generationPromptMismatch(prompt: string, text: string, where: string): ScaloraError {
  let same = 0;
  while (same < prompt.length && prompt[same] === text[same]) same++;
  const around = (rendering: string) => JSON.stringify(rendering.slice(Math.max(0, same - 30), same + 30));
  return new ScaloraError(
    "data",
    "The chat template's answers do not begin with its generation prompt, so the label mask is unknown",
    {
      where,
      expected: `… ${around(prompt)} (generation prompt)`,
      found: `… ${around(text)} (rendered answer)`,
      fix: "use a chat_template.jinja whose answers start with what add_generation_prompt writes",
    },
  );
}
