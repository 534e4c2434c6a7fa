import type { ChatMessage, ChatTemplate } from "../data/index.ts";
import { ScaloraError } from "../util/errors.ts";

/** What a chat template writes around the messages of a conversation: constant texts. */
export interface TemplateParts {
  /** Before the first question, without a system message. */
  readonly start: string;
  /** Around a system message; undefined where the template takes none. */
  readonly system: { readonly before: string; readonly after: string } | undefined;
  /** Between a question and its answer. */
  readonly toAnswer: string;
  /** Between an answer and the next question. */
  readonly toQuestion: string;
}

const message = (role: string, content: string): ChatMessage => ({ role, content });

/** Conversations that start with a question, by the texts of their messages. */
const conversation = (texts: readonly string[]) =>
  texts.map((text, i) => message(i % 2 === 0 ? "user" : "assistant", text));

/** Texts that no template contains. */
const probes = { system: "Zq1 system.", texts: ["Zq2 question?", "Zq3 answer.", "Zq4 question?"] } as const;

/** Conversations on which the parts must say what the template does; many templates drop the reasoning of earlier answers. */
const trials = [
  ["a"],
  ["12 <b>\n\nc"],
  ["a", "<think>\nb\n</think>\n\nc", "d"],
  ["a b?", '{"c": 1}', "d", "é", "f"],
] as const;

/**
 * Takes a chat template apart into the constant texts around the messages. What it trims of them is not among these.
 * @returns undefined where it does more, for instance writes earlier turns in another way than the last
 */
export function templateParts(template: ChatTemplate): TemplateParts | undefined {
  const [first, answer, second] = probes.texts;
  const plain = split(render(template, conversation(probes.texts)), [first, answer, second]);
  if (plain === undefined) return undefined;
  const [start = "", toAnswer = "", toQuestion = "", end = ""] = plain;
  if (end !== toAnswer) return undefined;
  const system = split(render(template, [message("system", probes.system), message("user", first)]), [
    probes.system,
    first,
  ]);
  const [before = "", after = ""] = system ?? [];
  const parts = { start, toAnswer, toQuestion, system: system && { before, after } };
  const isRight = trials.every((texts) =>
    [undefined, ...(system ? ["Be brief.\nSay {x}."] : [])].every((instruction) => {
      const messages = conversation(texts);
      const all = instruction === undefined ? messages : [message("system", instruction), ...messages];
      return render(template, all) === join(parts, texts, instruction);
    }),
  );
  return isRight ? parts : undefined;
}

/** Renders up to where an answer begins; undefined where the template refuses the messages. */
function render(template: ChatTemplate, messages: readonly ChatMessage[]): string | undefined {
  try {
    return template.render(messages, { addGenerationPrompt: true });
  } catch (error) {
    if (error instanceof ScaloraError && error.code === "data") return undefined;
    throw error;
  }
}

/** The texts around given ones, each of which must occur once, in this order. */
function split(text: string | undefined, around: readonly string[]): string[] | undefined {
  if (text === undefined) return undefined;
  const found: string[] = [];
  let rest = text;
  for (const piece of around) {
    const [before = "", after, ...more] = rest.split(piece);
    if (after === undefined || more.length > 0) return undefined;
    found.push(before);
    rest = after;
  }
  return [...found, rest];
}

function join(
  { start, system, toAnswer, toQuestion }: TemplateParts,
  texts: readonly string[],
  instruction: string | undefined,
): string {
  const head = instruction === undefined ? start : `${system?.before}${instruction}${system?.after}`;
  const between = (i: number) => (i % 2 === 0 ? toAnswer : toQuestion);
  return head + texts.map((text, i) => text + between(i)).join("");
}
