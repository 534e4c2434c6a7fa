import { releaseFreeMemory } from "../torch/index.ts";
import { elementAt } from "../util/elements.ts";
import type { AnsweringModel, Demo } from "./demo.ts";
import type { PreparedExercises } from "./evaluate-model.ts";
import { scoreLabels } from "./label-scores.ts";
import type { WatchedAnswer } from "./quickstart-result.ts";

/** The answers of a model, as it is now, to a few exercises. */
export async function answerWatched(
  job: Demo,
  open: AnsweringModel,
  exercises: PreparedExercises,
  signal: AbortSignal,
): Promise<WatchedAnswer[]> {
  const { items, examples } = exercises;
  const { firstChoices } = await scoreLabels(open.model, examples, signal);
  const { grades, texts } = await job.answer(
    open,
    { items, examples, firstChoices },
    { shown: items.length, signal },
  );
  releaseFreeMemory();
  return items.map(({ question, expected }, i) => ({
    question,
    expected,
    text: elementAt(texts, i),
    isExact: elementAt(grades, i).exact,
  }));
}
