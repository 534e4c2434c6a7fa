import { createInterface } from "node:readline/promises";
import type { Command } from "commander";
import { checkTarget } from "../../assemble/model-target.ts";
import type { ChatMessage, OpenGenerator, TextGenerator } from "../../inference/text-generator.ts";
import { clip } from "../../util/quote.ts";
import { addSamplingOptions, type SamplingOptions, samplingSettings } from "../sampling-options.ts";
import { addModelOptions, type ModelOptions, modelTarget } from "../shared-options.ts";
import type { Context } from "../terminal/context.ts";
import { usageError } from "../usage-error.ts";
import { noteCheckpoint } from "../views/checkpoint-view.ts";
import { streamOutput, writeModelText } from "../views/stream-output.ts";

interface Options extends ModelOptions, SamplingOptions {
  system?: string;
}

/** `scalora chat`: a conversation; each line of stdin is a message, answers stream to stdout. */
export function addChat(
  program: Command,
  context: Context,
  load: () => Promise<{ openGenerator: OpenGenerator }>,
  input: NodeJS.ReadableStream = process.stdin,
): void {
  const command = program
    .command("chat")
    .description("talk to a model; one line is one message, /reset starts over, /exit or Ctrl-D ends")
    .argument("<model>", "Hugging Face model folder or GGUF file, or a run's folder")
    .option(
      "--system <text>",
      'system message (default: for a run, that of most of its training; "" for none)',
    );
  addSamplingOptions(addModelOptions(command)).action(async (path: string, options: Options) => {
    const target = modelTarget(path, options);
    checkTarget(target);
    await context.startEngine();
    const { openGenerator } = await load();
    using generator = await openGenerator(target);
    if (!generator.hasChatTemplate) {
      throw usageError(
        "This model has no chat template",
        undefined,
        "use `scalora generate` to continue a plain prompt",
      );
    }
    noteCheckpoint(context, generator.checkpoint);
    const { system = generator.systemPrompt } = options;
    if (options.system === undefined && system !== undefined)
      context.note(`system message: ${JSON.stringify(clip(system, 60))} (as in training)`);
    await converse(generator, { ...options, system: system ?? "" }, context, input);
  });
}

async function converse(
  generator: TextGenerator,
  options: Options & { system: string },
  context: Context,
  input: NodeJS.ReadableStream,
): Promise<void> {
  const start: ChatMessage[] = options.system === "" ? [] : [{ role: "system", content: options.system }];
  const settings = samplingSettings(options);
  let messages = [...start];
  const lines = createInterface({ input });
  const prompt = () => {
    if (context.stderr.isTTY) context.stderr.write(context.paint("cyan", "> "));
  };
  prompt();
  for await (const line of lines) {
    if (line === "/exit") break;
    if (line === "/reset") messages = [...start];
    else if (line.trim() !== "") {
      messages.push({ role: "user", content: line });
      const { text, summary } = await context.interruptible((signal) =>
        streamOutput(generator.generate(messages, settings, signal), (piece) => {
          writeModelText(context, piece, options.raw);
        }),
      );
      context.stdout.write("\n");
      if (summary.reason === "interrupted") break;
      messages.push({ role: "assistant", content: text });
    }
    prompt();
  }
  lines.close();
}
