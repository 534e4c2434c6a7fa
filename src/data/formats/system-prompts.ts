import type { Conversation } from "./conversation.ts";

/** The system message with which most chats begin. */
export interface CommonSystemPrompt {
  text: string;
  /** Chats that begin with it, and all chats. */
  chats: number;
  allChats: number;
}

/** Different texts that are counted; a prompt of most chats is among the first. */
const maxTexts = 1000;

/** Counts the system messages with which chats begin. */
export class SystemPromptCount {
  private chats = 0;
  private readonly counts = new Map<string, number>();

  add({ messages: [first] }: Conversation): void {
    this.chats++;
    if (first?.role !== "system" || typeof first.content !== "string") return;
    const count = this.counts.get(first.content);
    if (count === undefined && this.counts.size >= maxTexts) return;
    this.counts.set(first.content, (count ?? 0) + 1);
  }

  /** The prompt of more than half of the chats; undefined where there is none. */
  common(): CommonSystemPrompt | undefined {
    for (const [text, count] of this.counts)
      if (2 * count > this.chats) return { text, chats: count, allChats: this.chats };
    return undefined;
  }
}
