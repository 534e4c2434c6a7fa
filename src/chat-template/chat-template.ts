import { Environment, Template } from "@huggingface/jinja";
import type { SpecialTokens } from "../tokenizer/tokenizer.ts";
import { elementAt } from "../util/elements.ts";
import { messageOf, ScaloraError } from "../util/errors.ts";
import { formatCount } from "../util/format.ts";
import { clip } from "../util/quote.ts";
import { toRuntimeValue } from "./runtime-values.ts";
import { findTemplateFault, type TemplatePlace, templatePlaces } from "./template-fault.ts";
import { isLimit, TemplateInterpreter, TemplateLimitError } from "./template-interpreter.ts";

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
  /** Where the messages are from, for messages. */
  source?: string;
}

/**
 * The date that templates print in training: fixed, so that a run resumed on another day has the same tokens. It is the
 * default of Llama 3's template.
 */
export const trainingDate = new Date(2024, 6, 26);

/** Characters of a template's source; the largest published ones have about 30,000. */
const maxSource = 200_000;
/** Spaces and line ends in a row in a source: the parser's time grows with the square of their number. */
const maxSpaces = 1000;
/** Length of a template's `range()`. */
const maxRange = 50_000;

/** The name of a template that comes from no file. */
const unnamed = "the tokenizer's chat template";
const templateFix =
  "correct the template there, or put one that works into the model's folder, as chat_template.jinja";

/** A template's own refusal of messages: what it gives to `raise_exception`. */
export class TemplateRefusal extends Error {}

/** A model's chat template: messages in, text out, as transformers' `apply_chat_template(tokenize=False)`. */
export class ChatTemplate {
  /** The Jinja source. */
  readonly source: string;
  private readonly template: Template;
  private readonly specialTokens: Record<string, string>;
  private readonly where: string | undefined;

  /**
   * @param where the file that holds the template, for messages
   * @throws ScaloraError `model` when the template cannot be parsed.
   */
  constructor(source: string, special: SpecialTokens, where?: string) {
    this.source = source;
    this.where = where;
    this.template = parse(source, where);
    this.specialTokens = {};
    for (const name of ["bos", "eos", "unk", "pad"] as const) {
      const token = special[name];
      if (token !== undefined) this.specialTokens[`${name}_token`] = token.content;
    }
  }

  /**
   * @throws ScaloraError `data` when the template refuses the messages (e.g. the order of roles; the cause is a
   * `TemplateRefusal`), or fails on them; `model` when the rendering takes more steps, time or memory than a chat template may
   */
  render(messages: readonly ChatMessage[], options: RenderOptions = {}): string {
    const { tools, addGenerationPrompt = false, date = trainingDate, source } = options;
    const variables = {
      ...builtins,
      ...this.specialTokens,
      messages,
      tools: tools ?? null,
      documents: null,
      add_generation_prompt: addGenerationPrompt,
      strftime_now: (format: unknown) => strftime(date, String(format)),
    };
    const environment = new Environment();
    const interpreter = new TemplateInterpreter(environment);
    try {
      for (const [name, value] of Object.entries(variables)) {
        if (typeof value === "function") environment.set(name, value);
        else environment.setVariable(name, toRuntimeValue(value));
      }
      return String(interpreter.run(this.template.parsed).value);
    } catch (cause) {
      if (isLimit(cause)) throw this.limitError(cause, interpreter.limitedIn, source);
      throw this.renderError(cause);
    }
  }

  private renderError(cause: unknown): ScaloraError {
    const where = this.where ?? unnamed;
    const found = clip(messageOf(cause));
    if (cause instanceof TemplateRefusal)
      return new ScaloraError("data", "The chat template refuses these messages", {
        where,
        found,
        fix: "change the roles or their order to what the template allows",
        cause,
      });
    return new ScaloraError("data", "The chat template fails on these messages", {
      where,
      found,
      fix: templateFix,
      cause,
    });
  }

  private limitError(cause: Error, nodes: readonly unknown[], source: string | undefined): ScaloraError {
    const places = templatePlaces(this.source, this.template);
    const limit = `${placeText(places.get(nodes.find((node) => places.has(node))))}${cause.message}`;
    return new ScaloraError("model", "The chat template takes more than a template may", {
      where: this.where ?? unnamed,
      expected: "a text of the messages, in bounded time and memory",
      found: source === undefined ? limit : `${limit}, for ${source}`,
      fix: "use the template of a model that you trust, as chat_template.jinja; or shorten the conversation",
      cause,
    });
  }
}

/** What any template can use, as in transformers. */
const builtins = {
  true: true,
  True: true,
  false: false,
  False: false,
  none: null,
  None: null,
  range,
  raise_exception: (message: unknown) => {
    throw new TemplateRefusal(String(message));
  },
};

/** Python's `range()` as a list, so of limited length. */
function range(first: number, second?: number, step = 1): number[] {
  const [start, stop] = second === undefined ? [0, first] : [first, second];
  const length = Math.max(0, Math.ceil((stop - start) / step));
  if (!(length <= maxRange)) throw new TemplateLimitError(`a range() of more than ${formatCount(maxRange)}`);
  return Array.from({ length }, (_, i) => start + i * step);
}

function parse(source: string, where = unnamed): Template {
  const fail = (found: string, cause?: unknown) =>
    new ScaloraError("model", "The chat template of the tokenizer cannot be parsed", {
      where,
      found,
      fix: templateFix,
      cause,
    });
  if (source.length > maxSource)
    throw fail(`${formatCount(source.length)} characters, more than ${formatCount(maxSource)}`);
  if (new RegExp(`\\s{${maxSpaces + 1}}`).test(source)) throw fail(`more than ${maxSpaces} spaces in a row`);
  try {
    return new Template(source);
  } catch (cause) {
    throw fail(`${placeText(findTemplateFault(source))}${clip(plainText(messageOf(cause)))}`, cause);
  }
}

const placeText = (place: TemplatePlace | undefined) =>
  place === undefined ? "" : `line ${place.line}, ${clip(place.tag, 80)}: `;

/** The parser's names of brackets. */
const brackets: Readonly<Record<string, string>> = {
  OpenStatement: "{%",
  CloseStatement: "%}",
  OpenExpression: "{{",
  CloseExpression: "}}",
  OpenParen: "(",
  CloseParen: ")",
  OpenSquareBracket: "[",
  CloseSquareBracket: "]",
  OpenCurlyBracket: "{",
  CloseCurlyBracket: "}",
};

/** A message of the parser without its names of things. */
function plainText(message: string): string {
  const plain = message.replace(/^Parser Error: .*\. (\w+) !== (\w+)\.$/s, "expected $2, found $1");
  if (plain.startsWith("Cannot read properties of undefined")) return "it ends within a tag or a block";
  return plain.replaceAll(/\b(?:Open|Close)[A-Z]\w+/g, (name) => brackets[name] ?? name);
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
