import { createHash } from "node:crypto";
import { dirname, join } from "node:path";
import { loadChatFormat } from "../assemble/chat-format.ts";
import { eosTokenIds } from "../assemble/eos-token-ids.ts";
import { modelIdentity } from "../assemble/model-identity.ts";
import { type OpenLanguageModel, openLanguageModel } from "../assemble/open-model.ts";
import { usedCheckpoint } from "../assemble/used-checkpoint.ts";
import { type RenderStyle, scriptPrompt } from "../data/index.ts";
import { requireSame, settingsOf } from "../distributed/require-same.ts";
import { ResultLog, runTask, type TaskModel } from "../eval/index.ts";
import { findTextTask, readTaskExamples, type TaskExample, type TextTask } from "../eval/tasks/index.ts";
import type { ProcessGroup } from "../torch/index.ts";
import { ScaloraError } from "../util/errors.ts";
import { formatCountOf } from "../util/format.ts";
import { nearestName } from "../util/nearest-name.ts";
import { lockResults } from "./lock-results.ts";
import type { RunTasks, TaskReport, TaskRequest } from "./task-request.ts";

/** A task with its examples and few-shot examples. */
interface PreparedTask {
  readonly task: TextTask;
  readonly examples: readonly TaskExample[];
  readonly shots: readonly TaskExample[];
}

/**
 * Scores a model on tasks. Invalid requests, then a file of results that cannot be used, then data without rows fail before the
 * model is loaded.
 */
export const runTasks: RunTasks = async (request, { signal, onProgress, onNote = () => {}, group }) => {
  const wanted = requestedTasks(request);
  const predictions = group === undefined || group.rank === 0 ? request.predictions : undefined;
  const wait = { signal, onWait: onNote };
  using lock = predictions === undefined ? undefined : await lockResults(predictions, wait);
  using log = new ResultLog(predictions, () => lock?.assertHeld());
  const tasks = await readExamples(wanted, request, signal);
  using open = await openLanguageModel(request.target);
  const { render, taskModel } = await makeTaskModel(open, request, group !== undefined);
  if (group) await requireSameTasks(group, request, taskModel, tasks);
  const report: TaskReport = { tasks: [], render, shots: request.shots, checkpoint: usedCheckpoint(open) };
  for (const { task, examples, shots } of tasks) {
    const started = performance.now();
    const { mode, beams, batch } = request;
    const progress = (done: number, total: number) => onProgress(task.name, done, total);
    const settings = { mode, beams, batch, shots, signal, onProgress: progress, group };
    const summary = await runTask(taskModel, task, examples, settings, log);
    const seconds = (performance.now() - started) / 1000;
    report.tasks.push({ ...summary, data: fileOf(examples), seconds });
  }
  return report;
};

/** @throws ScaloraError `usage` when ranks have other settings, weights or examples */
async function requireSameTasks(
  group: ProcessGroup,
  request: TaskRequest,
  { identity }: TaskModel,
  tasks: readonly PreparedTask[],
): Promise<void> {
  const hashOf = ({ examples, shots }: PreparedTask) =>
    createHash("sha256")
      .update(JSON.stringify([examples, shots]))
      .digest("hex");
  await requireSame(group, {
    ...settingsOf(request),
    model: identity,
    ...Object.fromEntries(tasks.map((prepared) => [`rows of ${prepared.task.name}`, hashOf(prepared)])),
  });
}

/** The file of all examples, or the folder that holds all of their files. */
function fileOf(examples: readonly TaskExample[]): string {
  const files = [...new Set(examples.map(({ source }) => source.replace(/:\d+$/, "")))];
  return files.reduce((common, file) => {
    let folder = common;
    while (folder !== dirname(folder) && file !== folder && !file.startsWith(join(folder, "/")))
      folder = dirname(folder);
    return folder;
  });
}

/** The tasks of a request, each once. @throws ScaloraError `usage` for unknown ones, and settings that do not go together */
function requestedTasks({ tasks: names, columns, mode, render, beams }: TaskRequest): TextTask[] {
  if (mode === "loglikelihood" && ((render !== undefined && render !== "plain") || beams > 1))
    throw new ScaloraError("usage", "Log-likelihood mode compares continuations of plain text", {
      fix: "use render and beams (--render, --beams) with mode generate only",
    });
  const tasks = [...new Set(names)].map(findTextTask);
  const withoutChoices = tasks.find(({ choiceAnswers }) => choiceAnswers.length === 0);
  if (mode === "loglikelihood" && withoutChoices !== undefined)
    throw new ScaloraError("usage", `The task ${withoutChoices.name} has no choices to compare`, {
      fix: "use mode generate (--mode generate)",
    });
  checkColumns(columns, tasks);
  return tasks;
}

async function readExamples(
  tasks: readonly TextTask[],
  { data, columns, limit, shots }: TaskRequest,
  signal: AbortSignal,
): Promise<PreparedTask[]> {
  const prepared: PreparedTask[] = [];
  for (const task of tasks) {
    const examples = await readTaskExamples(task, data, { split: "test", limit, columns, signal });
    const solved =
      shots === 0
        ? []
        : await readTaskExamples(task, data, { split: "train", limit: shots, columns, signal });
    if (solved.length < shots)
      throw new ScaloraError(
        "usage",
        `The training data of ${task.name} has too few rows for so many shots`,
        {
          expected: formatCountOf(shots, "row"),
          found: `${solved.length}`,
        },
      );
    refuseOwnAnswers(task, examples, solved);
    prepared.push({ task, examples, shots: solved });
  }
  return prepared;
}

/** A file of training rows that was given alone is what is evaluated. */
function refuseOwnAnswers(task: TextTask, examples: readonly TaskExample[], shots: readonly TaskExample[]) {
  const evaluated = new Set(examples.map(({ source }) => source));
  const both = shots.find(({ source }) => evaluated.has(source));
  if (both === undefined) return;
  throw new ScaloraError("usage", `The shots of ${task.name} are rows that are evaluated`, {
    where: both.source,
    expected: "shots from a training split, and other rows to evaluate",
    fix: "give both files, or their folder (--data)",
  });
}

/** @throws ScaloraError `usage` for a column that none of the tasks has */
function checkColumns(columns: TaskRequest["columns"] = {}, tasks: readonly TextTask[]): void {
  const known = [...new Set(tasks.flatMap((task) => task.columns))];
  const unknown = Object.keys(columns).find((name) => !known.includes(name));
  if (unknown === undefined) return;
  const near = nearestName(unknown, known);
  throw new ScaloraError("usage", `No task that is scored has a column "${unknown}"`, {
    where: "columns (--columns)",
    expected: known.join(", "),
    fix: near === undefined ? undefined : `did you mean "${near}"?`,
  });
}

/** The model as the tasks use it; with a result log, its identity is part of each result's key. */
async function makeTaskModel(
  open: OpenLanguageModel,
  { render: wanted, mode, predictions, target: { adapter } }: TaskRequest,
  isShared: boolean,
): Promise<{ render: RenderStyle; taskModel: TaskModel }> {
  const { model, tokenizer, recipe, baseFolder } = open;
  const render = mode === "loglikelihood" ? "plain" : (wanted ?? recipe?.data.render ?? "plain");
  const { template, textEosIds, chatEosIds } = await loadChatFormat(
    tokenizer,
    eosTokenIds(baseFolder, tokenizer),
  );
  const isChat = render === "chat";
  if (isChat && template === undefined)
    throw new ScaloraError("usage", "This model has no chat template", {
      where: baseFolder,
      fix: "use render plain (--render plain)",
    });
  return {
    render,
    taskModel: {
      model,
      tokenizer,
      template: isChat ? template : undefined,
      scriptPrompt: scriptPrompt(render),
      endTokens: isChat ? chatEosIds : textEosIds,
      identity: predictions === undefined && !isShared ? "" : modelIdentity(open, adapter),
    },
  };
}
