import { basename, join } from "node:path";
import { loadModel } from "../../models/index.js";
import type { CausalLM } from "../../nn/index.js";
import { listCheckpoints } from "../../train/checkpoints/load.js";
import { checkpointFolder } from "../../train/resume.js";
import { type RunEvent, readEvents } from "../../train/run-files.js";
import type { TaskHooks } from "../api.js";
import { openLanguageModel, openModel } from "../open-model.js";
import { rankReport } from "../rank.js";
import { runTraining } from "../sft.js";
import { taskFile } from "./folder.js";
import { type Score, scoreFile } from "./score.js";
import { type MethodSettings, makeRecipe, type RunPlace } from "./settings.js";

/** What one method came to. */
export interface MethodResult {
  /** The run's folder. */
  readonly folder: string;
  readonly validation: Score;
  readonly test: Score;
  readonly trainable: number;
  /** Of training, its evaluations included. */
  readonly seconds: number;
  /** Most resident memory at the end of a step, in bytes. */
  readonly memory: number;
  /** Of the accumulated change, averaged over the adapted layers. */
  readonly rank: number;
  readonly entropyRank: number;
  /** The run's events, with the ranks of its checkpoints. */
  readonly events: readonly RunEvent[];
}

/**
 * Trains with one method and measures the result: scores of its best checkpoint, ranks of all that were kept.
 * @throws the signal's reason when it stops the run
 */
export async function runMethod(
  settings: MethodSettings,
  place: RunPlace,
  { seed, steps }: { seed: number; steps: number },
  { signal, onEvent }: TaskHooks & { onEvent(event: RunEvent): void },
): Promise<MethodResult> {
  const recipe = makeRecipe(settings, place, { seed, steps });
  const { folder, parameters, seconds } = await runTraining(recipe, { signal, onEvent });
  signal.throwIfAborted();
  using original = await loadModel(place.model, { dtype: "float32" });
  const scores = await scoreRun(folder, place.data);
  const ranks = await ranksOf(folder, original);
  const events = [...readEvents(folder).filter(({ type }) => type !== "rank"), ...ranks];
  const last = ranks.at(-1)?.layers ?? [];
  return {
    folder,
    ...scores,
    trainable: parameters.trainable,
    seconds,
    memory: Math.max(0, ...events.map((event) => (event.type === "step" ? event.memory : 0))),
    rank: mean(last.map(({ rank }) => rank)),
    entropyRank: mean(last.map(({ entropyRank }) => entropyRank)),
    events,
  };
}

async function scoreRun(run: string, data: string): Promise<{ validation: Score; test: Score }> {
  const open = await openLanguageModel({ path: run, dtype: "float32", device: "cpu" });
  try {
    const score = (part: string) => scoreFile(open.model, open.tokenizer, taskFile(data, part));
    return { validation: await score("validation"), test: await score("test") };
  } finally {
    open.dispose();
  }
}

type RankEvent = Extract<RunEvent, { type: "rank" }>;

/** The ranks of the change at each checkpoint of a run. */
async function ranksOf(run: string, original: CausalLM): Promise<RankEvent[]> {
  const checkpoints = listCheckpoints(checkpointFolder({ file: (...parts) => join(run, ...parts) }));
  const events: RankEvent[] = [];
  for (const { step, path } of checkpoints) {
    const open = await openModel({ path: run, checkpoint: basename(path), dtype: "float32", device: "cpu" });
    try {
      if (!open.adapters) continue;
      const { layers } = rankReport(open.model, open.adapters, original);
      events.push({ type: "rank", step, layers: [...layers] });
    } finally {
      open.dispose();
    }
  }
  return events;
}

const mean = (values: readonly number[]) =>
  values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
