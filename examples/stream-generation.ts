// Writes a model's output as it comes, until Ctrl-C: node --import tsx examples/stream-generation.ts [MODEL] [PROMPT]
import { openGenerator } from "scalora";

const [path = "assets/tiny", prompt = "the"] = process.argv.slice(2);
const controller = new AbortController();
process.once("SIGINT", () => controller.abort());

using generator = await openGenerator({ path });
const sampling = { maxTokens: 20, temperature: 0.7, topK: 20, seed: 1 };
const output = generator.generate(prompt, sampling, controller.signal);
for (;;) {
  const next = await output.next();
  if (next.done) {
    const { tokens, seconds, reason } = next.value;
    console.log(`\n${tokens} tokens in ${seconds.toFixed(2)} s (${reason})`);
    break;
  }
  process.stdout.write(next.value);
}
