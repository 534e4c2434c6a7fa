import { deriveSeed } from "../data/index.ts";
import { elementAt, zip } from "../util/elements.ts";
import { generateBatch } from "./generate-batch.ts";
import { promptText, promptTokens } from "./prompts.ts";
import type { ExampleResult } from "./result-log.ts";
import { resultHeader, type ScoringMode, type TaskModel } from "./scoring-mode.ts";
import type { TaskExample, TextTask } from "./tasks/index.ts";

/** The model generates an answer, which the task scores. */
export const generateMode: ScoringMode = {
  buildContext: ({ template, scriptPrompt }, task, example, { shots }) =>
    promptText(task, example, { shots, template, scriptPrompt }),

  cacheKeyParts: ({ model, endTokens }, { maxTokens, stop }, { beams }) => ({
    beams,
    maxTokens,
    stop,
    endTokens: [...endTokens].sort((a, b) => a - b),
    maxPositions: model.info.maxPositions,
  }),

  async *run({ model, tokenizer, template, endTokens }, task, jobs, { beams, batch, signal }) {
    const { maxTokens, room } = limits(model, task);
    const prompts: number[][] = [];
    for (const { context } of jobs)
      prompts.push(await promptTokens(context, tokenizer, template !== undefined));
    const requests = zip(jobs, prompts).map(([{ index, example }, prompt]) => ({
      name: example.source,
      prompt: prompt.slice(-room),
      seed: deriveSeed(task.name, index),
    }));
    const decode = (ids: readonly number[]) => tokenizer.decode(ids);
    const sampling = { temperature: 0 };
    const options = { maxTokens, sampling, beams, endTokens, stop: task.stop, decode, batch, signal };
    for await (const { index: i, text, tokens, reason } of generateBatch(model, requests, options)) {
      const job = elementAt(jobs, i);
      yield {
        ...resultHeader(task, job),
        ...scoreOutput(text, task, job.example),
        output: text,
        tokens: tokens.length,
        ended: reason,
        truncated: elementAt(prompts, i).length > room,
      };
    }
  },

  rescore: ({ output = "" }, task, example) => scoreOutput(output, task, example),
};

/** Token limits of prompt and output; the prompt gets at least half of the context. */
function limits({ info }: TaskModel["model"], task: TextTask) {
  const maxTokens = Math.min(task.maxTokens, Math.floor(info.maxPositions / 2));
  return { maxTokens, room: info.maxPositions - maxTokens + 1 };
}

function scoreOutput(
  output: string,
  task: TextTask,
  example: TaskExample,
): Pick<ExampleResult, "scores" | "answer"> {
  const { answer = null, scores } = task.scoreOutput(output, example);
  return { scores, answer };
}
