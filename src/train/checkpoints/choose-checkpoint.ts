import { basename, join } from "node:path";
import { howToResume } from "../../run/how-to-resume.ts";
import { readStatus } from "../../run/status.ts";
import { ScaloraError } from "../../util/errors.ts";
import { nearestName } from "../../util/nearest-name.ts";
import { parseState } from "../progress-state.ts";
import {
  type BrokenCheckpoint,
  type CheckpointEntry,
  findNewestValid,
  listCheckpoints,
  readState,
  verifyCheckpoint,
} from "./read-checkpoint.ts";

/** A checkpoint, and how it was chosen. */
export interface ChosenCheckpoint extends CheckpointEntry {
  /** `best saved`: the checkpoint of the run's best evaluation is missing. */
  readonly choice: "best" | "best saved" | "last" | "chosen";
  /** What to know about a `best saved` one. */
  readonly warning: string | undefined;
}

/**
 * Finds a checkpoint of a run by name: `last` (the newest valid one), `best` (the best evaluation), or a folder's name such
 * as `step-000100`. The default is the best one, or the last one of a run without evaluations.
 * @param run the run's folder
 * @throws ScaloraError `config` when there is no such checkpoint, `format` when it is invalid, or when the default is
 * ambiguous because a newer one is damaged
 */
export function chooseCheckpoint(run: string, name?: string): ChosenCheckpoint {
  const folder = join(run, "checkpoints");
  const newest = findNewestValid(folder);
  if (!newest) throw noCheckpoint(folder, name ?? "last", []);
  const { entry: last, broken } = newest;
  const isByName = name !== undefined && name !== "last" && name !== "best";
  const [fault] = broken;
  if (!isByName && fault !== undefined) throw damaged(run, last, fault);
  if (name === "last") return { ...last, choice: "last", warning: undefined };
  const entries = listCheckpoints(folder);
  const best = parseState(readState(last.path), last.path).best?.step;
  if (name === undefined && best === undefined) return { ...last, choice: "last", warning: undefined };
  const wanted = entries.find(({ step, path }) =>
    name === undefined || name === "best" ? step === best : basename(path) === name,
  );
  if (!wanted)
    throw noCheckpoint(
      folder,
      isByName ? name : bestText(best),
      entries.map(({ path }) => basename(path)),
    );
  if (wanted.step !== last.step) verifyCheckpoint(wanted.path);
  if (isByName) return { ...wanted, choice: "chosen", warning: undefined };
  return { ...wanted, ...describeBest(run, wanted) };
}

/** The checkpoints know only evaluations before the last save; the run's status knows all, as after a full disk. */
function describeBest(
  run: string,
  { step, path }: CheckpointEntry,
): Pick<ChosenCheckpoint, "choice" | "warning"> {
  const best = readStatus(run)?.bestStep ?? step;
  if (best === step) return { choice: "best", warning: undefined };
  const warning = `the best evaluation was at step ${best}, whose checkpoint is missing: ${basename(path)} is used, the best one saved`;
  return { choice: "best saved", warning };
}

/** What was looked for and is not there. */
const bestText = (step: number | undefined) =>
  step === undefined
    ? "best, but the run has no evaluations"
    : `best, step ${step}, whose checkpoint is missing`;

function damaged(run: string, good: CheckpointEntry, { path, reason }: BrokenCheckpoint): ScaloraError {
  return new ScaloraError("format", "The newest checkpoint of this run is damaged", {
    where: path,
    found: reason,
    fix: `choose an older checkpoint (--checkpoint ${basename(good.path)}), or train these steps again with ${howToResume(run)}`,
  });
}

function noCheckpoint(folder: string, found: string, there: readonly string[]): ScaloraError {
  const near = nearestName(found, there);
  return new ScaloraError("config", "There is no such checkpoint", {
    where: folder,
    expected:
      there.length > 0
        ? `last, best or one of ${there.join(", ")}`
        : "a run that has saved a checkpoint (`compare` removes those of its finished runs)",
    found,
    fix: near === undefined ? undefined : `did you mean ${near}?`,
  });
}
