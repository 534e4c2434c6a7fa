import type { Command } from "commander";
import { checkTarget } from "../../assemble/model-target.ts";
import type { OpenGenerator } from "../../inference/text-generator.ts";
import { formatDuration } from "../../util/format.ts";
import { addSamplingOptions, type SamplingOptions, samplingSettings } from "../sampling-options.ts";
import { addModelOptions, jsonOption, type ModelOptions, modelTarget } from "../shared-options.ts";
import type { Context } from "../terminal/context.ts";
import { noteCheckpoint } from "../views/checkpoint-view.ts";
import { streamOutput, writeModelText } from "../views/stream-output.ts";

interface Options extends ModelOptions, SamplingOptions {
  chat?: boolean;
  json?: boolean;
}

/** `scalora generate`: continues a prompt; the text streams to stdout. */
export function addGenerate(
  program: Command,
  context: Context,
  load: () => Promise<{ openGenerator: OpenGenerator }>,
): void {
  const command = program
    .command("generate")
    .description("continue a prompt; the text streams to stdout")
    .argument("<model>", "Hugging Face model folder or GGUF file, or a run's folder")
    .argument("<prompt>", "text to continue")
    .option("--chat", "render the prompt as a user message with the model's chat template");
  addSamplingOptions(addModelOptions(command))
    .addOption(jsonOption())
    .action(async (path: string, prompt: string, options: Options) => {
      const target = modelTarget(path, options);
      checkTarget(target);
      await context.startEngine();
      const { openGenerator } = await load();
      using generator = await openGenerator(target);
      const { checkpoint } = generator;
      if (!options.json) noteCheckpoint(context, checkpoint);
      const input = options.chat ? [{ role: "user", content: prompt }] : prompt;
      const { text, summary } = await context.interruptible((signal) =>
        streamOutput(generator.generate(input, samplingSettings(options), signal), (piece) => {
          if (!options.json) writeModelText(context, piece, options.raw);
        }),
      );
      if (options.json) return context.json({ prompt, text, ...summary, checkpoint });
      context.stdout.write("\n");
      const rate = (summary.tokens / Math.max(summary.seconds, 1e-9)).toFixed(1);
      context.note(
        `${summary.tokens} tokens in ${formatDuration(summary.seconds)} (${rate} tok/s), ended by ${summary.reason}`,
      );
    });
}
