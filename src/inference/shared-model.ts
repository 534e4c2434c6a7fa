import type { ModelTarget } from "../assemble/model-target.ts";
import { openModel, requireLanguageModel } from "../assemble/open-model.ts";
import { evaluateOpened } from "./evaluate.ts";
import type { RunEvaluation } from "./evaluation-request.ts";
import { generatorOf } from "./generate.ts";
import type { TextGenerator } from "./text-generator.ts";

/** One model in memory, which generates and is evaluated. */
export interface SharedModel {
  /** Generates with the model. @throws ScaloraError `usage` for a classifier */
  generator(): Promise<TextGenerator>;
  /** `runEvaluation` of this model. */
  readonly evaluate: RunEvaluation;
}

/** Opens a model, by its path or name, or a run; it is freed with its thread. @throws ScaloraError as `openModel` */
export async function openSharedModel(target: ModelTarget): Promise<SharedModel> {
  const open = await openModel(target, { hugePages: true });
  const lent = { ...open, dispose: () => {}, [Symbol.dispose]: () => {} };
  let generator: Promise<TextGenerator> | undefined;
  return {
    generator: async () => {
      generator ??= generatorOf(requireLanguageModel(lent, target));
      return await generator;
    },
    evaluate: (request, hooks) => evaluateOpened(request, hooks, async () => lent),
  };
}
