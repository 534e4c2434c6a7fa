import { createHash } from "node:crypto";
import type { Conversation } from "./conversation.ts";

/** The system message with which most chats begin. */
export interface CommonSystemPrompt {
  text: string;
  /** Chats that begin with it, and all chats. */
  chats: number;
  allChats: number;
}

/** Counts the system messages with which chats begin: by hash, since as many as there are chats may differ. */
export class SystemPromptCount {
  private chats = 0;
  private readonly counts = new Map<string, number>();
  /** What is left when each chat of this beginning is struck out against one of another: only this can be that of most. */
  private candidate: string | undefined;
  private lead = 0;

  add({ messages: [first] }: Conversation): void {
    this.chats++;
    const text = first?.role === "system" && typeof first.content === "string" ? first.content : undefined;
    if (this.lead === 0) this.candidate = text;
    this.lead += text === this.candidate ? 1 : -1;
    if (text === undefined) return;
    const key = hashOf(text);
    this.counts.set(key, (this.counts.get(key) ?? 0) + 1);
  }

  /** The prompt of more than half of the chats; undefined where there is none. */
  common(): CommonSystemPrompt | undefined {
    if (this.candidate === undefined) return undefined;
    const count = this.counts.get(hashOf(this.candidate)) ?? 0;
    if (2 * count <= this.chats) return undefined;
    return { text: this.candidate, chats: count, allChats: this.chats };
  }
}

const hashOf = (text: string) => createHash("sha256").update(text).digest("base64");
