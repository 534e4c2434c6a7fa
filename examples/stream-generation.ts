// Writes a model's output as it comes, until Ctrl-C: node --import tsx examples/stream-generation.ts [MODEL] [PROMPT]
import { openGenerator } from "scalora";

const [path = "assets/tiny", prompt = "the"] = process.argv.slice(2);
const controller = new AbortController();
process.once("SIGINT", () => controller.abort());

const generator = await openGenerator({ path });
try {
  const output = generator.generate(
    prompt,
    { maxTokens: 20, temperature: 0.7, topK: 20, seed: 1 },
    controller.signal,
  );
  for (;;) {
    const next = await output.next();
    if (next.done) {
      const { tokens, seconds, reason } = next.value;
      console.log(`\n${tokens} tokens in ${seconds.toFixed(2)} s (${reason})`);
      break;
    }
    process.stdout.write(next.value);
  }
} finally {
  generator.dispose();
}
