import { instruction } from "./customer-messages.ts";

/** A program that queries a GGUF file through node-llama-cpp. @param file its name, in the same folder */
export const nodeProgram = (
  file: string,
  question: string,
) => `// npm install node-llama-cpp, then: node chat.mjs "a message"
import { fileURLToPath } from "node:url";
import { getLlama, LlamaChatSession } from "node-llama-cpp";

const llama = await getLlama();
const model = await llama.loadModel({ modelPath: fileURLToPath(new URL("${file}", import.meta.url)) });
const context = await model.createContext({ contextSize: 1024 });
const session = new LlamaChatSession({
  contextSequence: context.getSequence(),
  systemPrompt: ${JSON.stringify(instruction)},
});
const message = process.argv[2] ?? ${JSON.stringify(question)};
console.log(await session.prompt(message, { temperature: 0, maxTokens: 100 }));
await llama.dispose();
`;

/** The Modelfile for Ollama. SmolLM2 uses ChatML. */
export const ollamaFile = (
  file: string,
) => `# ollama create records -f Modelfile, then: ollama run records "a message"
FROM ./${file}
TEMPLATE """{{ if .System }}<|im_start|>system
{{ .System }}<|im_end|>
{{ end }}<|im_start|>user
{{ .Prompt }}<|im_end|>
<|im_start|>assistant
{{ .Response }}<|im_end|>
"""
SYSTEM """${instruction}"""
PARAMETER temperature 0
PARAMETER stop <|im_end|>
`;
