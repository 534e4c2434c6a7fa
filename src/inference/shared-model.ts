import type { ModelTarget } from "../assemble/model-target.ts";
import { openLanguageModel } from "../assemble/open-model.ts";
import { evaluateOpened } from "./evaluate.ts";
import type { RunEvaluation } from "./evaluation-request.ts";
import { generatorOf } from "./generate.ts";
import type { TextGenerator } from "./text-generator.ts";

/** One model in memory, which generates and is evaluated. */
export interface SharedModel {
  /** Owns the model. */
  readonly generator: TextGenerator;
  /** `runEvaluation` of this model. */
  readonly evaluate: RunEvaluation;
}

/** Opens a model, by its path or name, or a run. @throws ScaloraError as `openGenerator` */
export async function openSharedModel(target: ModelTarget): Promise<SharedModel> {
  const open = await openLanguageModel(target);
  const lent = { ...open, dispose: () => {}, [Symbol.dispose]: () => {} };
  return {
    generator: await generatorOf(open),
    evaluate: (request, hooks) => evaluateOpened(request, hooks, async () => lent),
  };
}
