import { Template } from "@huggingface/jinja";
import type { SpecialTokens } from "../tokenizer/tokenizer.ts";
import { elementAt } from "../util/elements.ts";
import { messageOf, ScaloraError } from "../util/errors.ts";

/** A message of a chat; further keys (`tool_calls`, `name`, …) are passed to the template unchanged. */
export interface ChatMessage {
  readonly role: string;
  readonly content?: string | null;
  readonly [key: string]: unknown;
}

export interface RenderOptions {
  /** Functions the model may call, as JSON schema objects. */
  tools?: readonly unknown[];
  /** Appends the prefix of an assistant's answer, as transformers' `add_generation_prompt`. */
  addGenerationPrompt?: boolean;
  /** Date of the template's `strftime_now`. Default: `trainingDate`. */
  date?: Date;
}

/**
 * The date that templates print in training: fixed, so that a run resumed on another day has the same tokens. It is the
 * default of Llama 3's template.
 */
export const trainingDate = new Date(2024, 6, 26);

/** A model's chat template: messages in, text out, as transformers' `apply_chat_template(tokenize=False)`. */
export class ChatTemplate {
  /** The Jinja source. */
  readonly source: string;
  private readonly template: Template;
  private readonly specialTokens: Record<string, string>;

  /** @throws ScaloraError `model` when the template cannot be parsed. */
  constructor(source: string, special: SpecialTokens) {
    this.source = source;
    this.template = parse(source);
    // Overrides @huggingface/jinja's strftime_now, which reads the clock, by an assignment before the template.
    this.template.parsed.body.unshift(
      ...new Template("{% set strftime_now = scalora_strftime %}").parsed.body,
    );
    this.specialTokens = {};
    for (const name of ["bos", "eos", "unk", "pad"] as const) {
      const token = special[name];
      if (token !== undefined) this.specialTokens[`${name}_token`] = token.content;
    }
  }

  /** @throws ScaloraError `data` with the template's own error (e.g. about the order of roles). */
  render(messages: readonly ChatMessage[], options: RenderOptions = {}): string {
    const { tools, addGenerationPrompt = false, date = trainingDate } = options;
    try {
      return this.template.render({
        ...this.specialTokens,
        messages,
        tools: tools ?? null,
        documents: null,
        add_generation_prompt: addGenerationPrompt,
        scalora_strftime: (format: unknown) => strftime(date, String(format)),
      });
    } catch (cause) {
      throw new ScaloraError("data", "The chat template cannot render these messages", {
        found: messageOf(cause),
        cause,
      });
    }
  }
}

function parse(source: string): Template {
  try {
    return new Template(source);
  } catch (cause) {
    throw new ScaloraError("model", "The chat template of the tokenizer cannot be parsed", {
      found: messageOf(cause),
      cause,
    });
  }
}

const months = "January February March April May June July August September October November December".split(
  " ",
);
const days = "Sunday Monday Tuesday Wednesday Thursday Friday Saturday".split(" ");

/** Python's strftime for the directives that chat templates use, in English. */
export function strftime(date: Date, format: string): string {
  const two = (value: number) => String(value).padStart(2, "0");
  const hour12 = date.getHours() % 12 || 12;
  const values: Record<string, string> = {
    Y: String(date.getFullYear()),
    y: two(date.getFullYear() % 100),
    m: two(date.getMonth() + 1),
    d: two(date.getDate()),
    b: elementAt(months, date.getMonth()).slice(0, 3),
    B: elementAt(months, date.getMonth()),
    a: elementAt(days, date.getDay()).slice(0, 3),
    A: elementAt(days, date.getDay()),
    H: two(date.getHours()),
    I: two(hour12),
    p: date.getHours() < 12 ? "AM" : "PM",
    M: two(date.getMinutes()),
    S: two(date.getSeconds()),
    "%": "%",
  };
  return format.replaceAll(/%(.)/g, (directive, letter: string) => values[letter] ?? directive);
}
