import { isAbsolute } from "node:path";
import { escapeName } from "../util/quote.ts";
import { shellQuote } from "../util/shell-quote.ts";
import type { ChatSetup } from "./chat-setup.ts";
import type { ExportedFiles } from "./node-chat-program.ts";
import { type TemplateParts, templateParts } from "./template-parts.ts";

/** What a Modelfile names. */
interface ModelfileNames {
  /** Its own file. */
  readonly name: string;
  /** The program for node-llama-cpp beside it. */
  readonly program: string;
  /** The model, for the commands. */
  readonly title: string;
  readonly files: ExportedFiles;
}

/**
 * The Modelfile for Ollama. Its template is written where the model's can be said in Go's language; elsewhere it is left to
 * Ollama to recognise it.
 */
export function ollamaModelfile(
  { name, program, title, files: { model, adapter } }: ModelfileNames,
  setup: ChatSetup,
): string {
  const { systemPrompt, endTokens, contextLength, longestContext } = setup;
  const more = contextLength < longestContext ? `# The model takes up to ${longestContext}.\n` : "";
  return [
    `# ollama create ${escapeName(`${shellQuote(title)} -f ${shellQuote(name)}, then: ollama run ${shellQuote(title)}`)} "a message"\n`,
    `FROM ${local(model)}\n`,
    adapter === undefined ? "" : `ADAPTER ${local(adapter)}\n`,
    templateCommand(setup, program),
    systemPrompt === undefined ? "" : systemCommand(systemPrompt.text, program),
    "# Greedy, without a penalty on repetition, as scalora evaluates.\n",
    "PARAMETER temperature 0\nPARAMETER repeat_penalty 1\n",
    more,
    `PARAMETER num_ctx ${contextLength}\n`,
    ...endTokens.map(({ text, isSpecial }) =>
      isSpecial && !/[\r\n]/.test(text)
        ? `PARAMETER stop "${text}"\n`
        : `# Ollama has no way to stop at the token ${JSON.stringify(text)} alone; ${program} does.\n`,
    ),
  ].join("");
}

const local = (path: string) => (isAbsolute(path) ? path : `./${path}`);

function templateCommand({ template, addedToken }: ChatSetup, program: string): string {
  const parts = templateParts(template);
  const text = parts && goTemplate(withoutAddedToken(parts, addedToken));
  if (text !== undefined && !text.includes('"""'))
    return `# What the chat template writes. It may also trim messages, which this does not.\nTEMPLATE """${text}"""\n`;
  return (
    "# The chat template cannot be written in Ollama's language: Ollama looks for one that it knows (ollama show --template).\n" +
    `# ${program} renders the template itself.\n`
  );
}

/** Ollama puts the tokenizer's BOS token before a prompt itself. */
function withoutAddedToken(parts: TemplateParts, token: string | undefined): TemplateParts {
  const cut = (text: string) =>
    token !== undefined && text.startsWith(token) ? text.slice(token.length) : text;
  const { start, system } = parts;
  return { ...parts, start: cut(start), system: system && { ...system, before: cut(system.before) } };
}

/** The template in Go's language. Ollama joins neighbouring messages of one role before. */
function goTemplate({ start, system, toAnswer, toQuestion }: TemplateParts): string {
  const ofSystem =
    system === undefined ? "" : `${literal(system.before)}{{ .Content }}${literal(system.after)}`;
  return (
    '{{ $before := "" }}{{ range .Messages }}' +
    `{{ if eq .Role "system" }}${ofSystem}` +
    `{{ else if eq .Role "user" }}{{ if eq $before "" }}${literal(start)}` +
    `{{ else if eq $before "assistant" }}${literal(toQuestion)}{{ end }}{{ .Content }}${literal(toAnswer)}` +
    '{{ else if eq .Role "assistant" }}{{ .Content }}{{ end }}{{ $before = .Role }}{{ end }}'
  );
}

/** A text as it is: an opening bracket of Go's templates is written by an action. */
const literal = (text: string) => text.replaceAll("{{", '{{ "{{" }}');

function systemCommand(text: string, program: string): string {
  if (!text.includes('"""')) return `SYSTEM """${text}"""\n`;
  if (!text.includes("\n")) return `SYSTEM "${text}"\n`;
  return `# The training's system message has lines and three quotation marks in a row, for which this format has no way; it is in ${program}.\n`;
}
