import type { Target } from "../target.ts";
import { modelTargets } from "./model-targets.ts";
import { recordTargets } from "./record-targets.ts";
import { tokenizerTargets } from "./tokenizer-targets.ts";

/** Every reader that is given damaged files. */
export const allTargets: readonly Target[] = [...modelTargets, ...tokenizerTargets, ...recordTargets];
