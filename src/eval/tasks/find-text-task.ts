import { glueTasks } from "../../data/index.ts";
import { ScaloraError } from "../../util/errors.ts";
import { nearestName } from "../../util/nearest-name.ts";
import type { TextTask } from "./task.ts";
import { textTasks } from "./text-tasks.ts";

/** @throws ScaloraError `usage` for an unknown task, and one that is for classifiers */
export function findTextTask(name: string): TextTask {
  const task = textTasks.get(name);
  if (task !== undefined) return task;
  const glue = glueTasks.get(name);
  if (glue !== undefined)
    throw new ScaloraError(
      "usage",
      `The task ${name} is for classifiers, which are scored on files of examples`,
      {
        fix: `\`npx scalora eval MODEL --data ${glue.folder}/${glue.splits.dev[0]}.tsv --format ${name}\` evaluates on it`,
      },
    );
  const near = nearestName(name, textTasks.keys());
  throw new ScaloraError("usage", `Unknown task "${name}"`, {
    expected: [...textTasks.keys()].join(", "),
    fix: near === undefined ? undefined : `did you mean "${near}"?`,
  });
}
