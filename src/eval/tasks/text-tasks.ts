import { arcChallenge } from "./commonsense/arc-challenge.ts";
import { arcEasy } from "./commonsense/arc-easy.ts";
import { boolq } from "./commonsense/boolq.ts";
import { hellaswag } from "./commonsense/hellaswag.ts";
import { openbookqa } from "./commonsense/openbookqa.ts";
import { piqa } from "./commonsense/piqa.ts";
import { siqa } from "./commonsense/siqa.ts";
import { winogrande } from "./commonsense/winogrande.ts";
import { addSub } from "./math/addsub.ts";
import { aqua } from "./math/aqua.ts";
import { gsm8k } from "./math/gsm8k.ts";
import { math } from "./math/math.ts";
import { mawps } from "./math/mawps.ts";
import { multiArith } from "./math/multiarith.ts";
import { singleEq } from "./math/singleeq.ts";
import { svamp } from "./math/svamp.ts";
import type { TextTask } from "./task.ts";

/** The tasks for causal models, by name. */
export const textTasks: ReadonlyMap<string, TextTask> = new Map(
  [
    ...[boolq, piqa, siqa, hellaswag, winogrande, arcEasy, arcChallenge, openbookqa],
    ...[gsm8k, math, svamp, aqua, addSub, multiArith, singleEq, mawps],
  ].map((task) => [task.name, task]),
);
