import { existsSync } from "node:fs";
import { resolve } from "node:path";
import type { ModelTarget } from "../assemble/model-target.ts";
import { assertHoldsRun, assertNew } from "../run/lock-run.ts";
import { ScaloraError } from "../util/errors.ts";
import { expandHome } from "../util/expand-home.ts";
import { isRecord } from "../util/json.ts";
import { FineTuneRun } from "./fine-tune-run.ts";
import { fineTuneKeys, requireKnown, requireText, resumeKeys, targetKeys } from "./known-options.ts";
import type { SentRows } from "./messages.ts";
import { OpenedRun } from "./opened-run.ts";
import type { FineTuneOptions, MethodName, ResumeOptions, Row } from "./options.ts";
import { checkOptions, optionWith } from "./recipe-to-train.ts";
import { sendRows } from "./send-rows.ts";
import type { WorkThread } from "./work-thread.ts";
import { writtenRecipe } from "./written-recipe.ts";

/**
 * Fine-tunes a model in a thread of its own, so that the program goes on meanwhile, and returns at once. The run is one as
 * `scalora train` makes it: its folder holds record, checkpoints and report, and it can be resumed.
 *
 * Loop over the run for its events, or await its `result`; `chat`, `generate`, `evaluate`, `save` and `export` wait for the end of
 * the training. What is wrong with the options is the error of all of these.
 */
export function fineTune<Name extends MethodName>(
  options: FineTuneOptions<Name> | ResumeOptions,
): FineTuneRun {
  const given: unknown = options;
  if (!isRecord(given))
    throw new ScaloraError("usage", "fineTune takes options", { expected: "{ model, data, method, … }" });
  if (isResume(options)) {
    requireText("fineTune, to resume,", options.resume, "the folder of a run");
    const folder = resolve(expandHome(options.resume));
    return new FineTuneRun({
      folder,
      signal: options.signal,
      check: () => {
        requireKnown("fineTune, to resume,", options, resumeKeys);
        assertHoldsRun(folder);
      },
      makeJob: async () => ({ type: "resume", folder }),
    });
  }
  const { recipe, rows, folder } = writtenRecipe(options);
  const cwd = process.cwd();
  return new FineTuneRun({
    folder,
    signal: options.signal,
    check: () => {
      requireKnown("fineTune", options, fineTuneKeys, optionWith);
      requireData(options.data);
      checkOptions({ recipe, rows, cwd });
      assertNew(folder);
    },
    makeJob: async (thread) => ({
      type: "train",
      recipe,
      cwd,
      folder,
      rows: await sendAll(thread, rows),
    }),
  });
}

/**
 * Opens a finished run, or any model, in a thread of its own.
 * @param path a run's folder, a model's folder or GGUF file, or the name of a fetched model
 * @param how which checkpoint of a run (default: the best), which adapter folder on a model, and in which precision
 */
export function openRun(path: string, how: Omit<ModelTarget, "path"> = {}): OpenedRun {
  requireText("openRun", path, "the path of a run or a model, or a model's name");
  requireKnown("openRun", how, targetKeys);
  const here = resolve(expandHome(path));
  return new OpenedRun({ ...how, path: existsSync(here) ? here : path });
}

/** A program may give `resume` whether or not there is something to resume. */
const isResume = <Name extends MethodName>(
  options: FineTuneOptions<Name> | ResumeOptions,
): options is ResumeOptions => "resume" in options && options.resume !== undefined;

/** @param data which a program without types may have left out, or given as something else */
function requireData(data: unknown): void {
  if (typeof data === "string" || (Array.isArray(data) && data.length > 0)) return;
  if (isRecord(data) && data["train"] !== undefined) return;
  throw new ScaloraError("config", "There is nothing to train on", {
    where: "data",
    expected: "a file, a list of rows, or { train, eval } of these",
    found: describeData(data),
  });
}

function describeData(data: unknown): string {
  if (data === undefined) return "nothing";
  if (Array.isArray(data)) return "no rows";
  return isRecord(data) ? "an object without train" : `a value of type ${typeof data}`;
}

async function sendAll(
  thread: WorkThread,
  { train, eval: held }: { readonly train?: readonly Row[]; readonly eval?: readonly Row[] },
): Promise<{ train?: SentRows; eval?: SentRows }> {
  return {
    ...(train && { train: await sendRows(thread, train, "data.train") }),
    ...(held && { eval: await sendRows(thread, held, "data.eval") }),
  };
}
