import { arcChallenge } from "./commonsense/arc-challenge.js";
import { arcEasy } from "./commonsense/arc-easy.js";
import { boolq } from "./commonsense/boolq.js";
import { hellaswag } from "./commonsense/hellaswag.js";
import { openbookqa } from "./commonsense/openbookqa.js";
import { piqa } from "./commonsense/piqa.js";
import { siqa } from "./commonsense/siqa.js";
import { winogrande } from "./commonsense/winogrande.js";
import { gsm8k } from "./math/gsm8k.js";
import { math } from "./math/math.js";
import type { TextTask } from "./task.js";

export { readTask } from "./read.js";
export type { Choice, Judgement, TaskExample, TextTask } from "./task.js";

/** The tasks for causal models, by name. */
export const textTasks: ReadonlyMap<string, TextTask> = new Map(
  [boolq, piqa, siqa, hellaswag, winogrande, arcEasy, arcChallenge, openbookqa, gsm8k, math].map((task) => [
    task.name,
    task,
  ]),
);
