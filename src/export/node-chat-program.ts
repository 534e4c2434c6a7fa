import { escapeName } from "../util/quote.ts";
import { shellQuote } from "../util/shell-quote.ts";
import type { ChatSetup } from "./chat-setup.ts";

/** The files of an export, as paths from the program's folder. */
export interface ExportedFiles {
  readonly model: string;
  /** An adapter that belongs to the model. */
  readonly adapter?: string | undefined;
}

/** The packages that the program needs. */
export const programPackages = "node-llama-cpp @huggingface/jinja";

/**
 * A program that chats through node-llama-cpp. It renders the template and encodes the whole text itself: a session of
 * node-llama-cpp puts in a system prompt of its own and a penalty on repetition, and drops what templates trim.
 * @param name of its file
 */
export function nodeChatProgram(name: string, files: ExportedFiles, setup: ChatSetup): string {
  const { template, specialTokens, endTokens, systemPrompt, contextLength } = setup;
  const settings = {
    ...files,
    systemPrompt: systemPrompt?.text,
    contextSize: contextLength,
    endTokens: endTokens.map(({ id }) => id),
    specialTokens,
    template: template.source,
  };
  return `${heading(name, files)}
import { realpathSync } from "node:fs";
import { availableParallelism } from "node:os";
import { resolve } from "node:path";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";
import { Template } from "@huggingface/jinja";
import { getLlama } from "node-llama-cpp";

/** From the training. */
const settings = ${JSON.stringify(settings, undefined, 2)};
${body}`;
}

const heading = (
  name: string,
  { model, adapter }: ExportedFiles,
) => `// Chats with ${escapeName(adapter === undefined ? model : `${model} and ${adapter}`)} as the model was trained to: the same prompt, token by token, as \`scalora chat\`.
//
//   npm install ${programPackages}
//   node ${escapeName(shellQuote(name))} "a message"     one answer
//   node ${escapeName(shellQuote(name))}                 a conversation: each line of the input is a message
//
// In a program: import { openChat } from ${JSON.stringify(`./${name}`)}.
`;

const body = `
const fromHere = (path) => resolve(import.meta.dirname, path);

/**
 * Loads the model. \`ask\` answers one conversation after another: it takes a message, or the list of a conversation's
 * messages, { role, content }. \`dispose\` frees the model.
 */
export async function openChat() {
  const llama = await getLlama({ logLevel: "error" });
  const model = await llama.loadModel({ modelPath: fromHere(settings.model) });
  const lora = settings.adapter && { adapters: [{ filePath: fromHere(settings.adapter) }] };
  // node-llama-cpp takes four where there are fewer; threads that wait for a processor hold up the others.
  const threads = Math.min(llama.cpuMathCores, availableParallelism());
  const context = await model.createContext({ contextSize: settings.contextSize, lora, threads });
  const sequence = context.getSequence();
  const template = new Template(settings.template);
  const endTokens = new Set(settings.endTokens);

  /** The tokens of a conversation up to where the answer begins. */
  function encode(input) {
    const given = typeof input === "string" ? [{ role: "user", content: input }] : input;
    const needsSystem = settings.systemPrompt !== undefined && given[0]?.role !== "system";
    const messages = needsSystem ? [{ role: "system", content: settings.systemPrompt }, ...given] : given;
    const values = { ...settings.specialTokens, messages, tools: null, documents: null, add_generation_prompt: true };
    return model.tokenize(template.render(values), true);
  }

  async function answer(input, { maxTokens = 256, temperature = 0, onText = () => {}, ...sampling } = {}) {
    const prompt = encode(input);
    const room = sequence.contextSize - prompt.length;
    if (room < 1) throw new Error(\`The conversation has \${prompt.length} tokens; settings.contextSize is \${settings.contextSize}\`);
    // What the context holds already of this conversation is kept.
    await sequence.adaptStateToTokens(prompt.slice(0, -1), false);
    const tokens = [];
    let shown = "";
    for await (const token of sequence.evaluate(prompt.slice(sequence.nextTokenIndex), { temperature, ...sampling })) {
      if (endTokens.has(token)) break;
      tokens.push(token);
      const text = model.detokenize(tokens);
      // A character may take several tokens.
      if (!text.endsWith("\\uFFFD")) {
        onText(text.slice(shown.length));
        shown = text;
      }
      if (tokens.length >= Math.min(maxTokens, room)) break;
    }
    const text = model.detokenize(tokens);
    onText(text.slice(shown.length));
    return text;
  }

  let last = Promise.resolve();
  return {
    encode,
    ask(input, options) {
      const result = last.then(() => answer(input, options));
      last = result.catch(() => {});
      return result;
    },
    dispose: () => llama.dispose(),
  };
}

async function main(question) {
  const chat = await openChat();
  const onText = (text) => process.stdout.write(text);
  const messages = [];
  for await (const line of question === undefined ? createInterface({ input: process.stdin }) : [question]) {
    if (line.trim() === "") continue;
    messages.push({ role: "user", content: line });
    messages.push({ role: "assistant", content: await chat.ask(messages, { onText }) });
    process.stdout.write("\\n");
  }
  await chat.dispose();
}

const [, program, question] = process.argv;
if (program !== undefined && import.meta.url === pathToFileURL(realpathSync(program)).href) await main(question);
`;
