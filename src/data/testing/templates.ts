import { readFileSync } from "node:fs";

const read = (name: string) =>
  readFileSync(new URL(`../../../tools/reference/chat-templates/${name}.jinja`, import.meta.url), "utf8");

/** ChatML with a default system message, as SmolLM2's. */
export const chatml = read("chatml");

/** Drops what an earlier answer thought once another question follows. */
export const thinking = read("thinking");

/** Writes BOS itself, refuses a system message, puts nothing but the end of a line after an answer. */
export const bare = read("bare");

/** With tools and tool calls. */
export const withTools = read("tools");
