import { basename, join } from "node:path";
import { ScaloraError } from "../../util/errors.ts";
import { nearestName } from "../../util/nearest-name.ts";
import { shellQuote } from "../../util/shell-quote.ts";
import { parseState } from "../progress-state.ts";
import {
  type BrokenCheckpoint,
  type CheckpointEntry,
  findNewestValid,
  listCheckpoints,
  readState,
  verifyCheckpoint,
} from "./read-checkpoint.ts";

/**
 * Finds a checkpoint of a run by name: `last` (the newest valid one), `best` (the best evaluation), or a folder's name such
 * as `step-000100`. The default is the best one, or the last one of a run without evaluations.
 * @param run the run's folder
 * @throws ScaloraError `config` when there is no such checkpoint, `format` when it is invalid, or when the default is
 * ambiguous because a newer one is damaged
 */
export function chooseCheckpoint(run: string, name?: string): CheckpointEntry {
  const folder = join(run, "checkpoints");
  const newest = findNewestValid(folder);
  if (!newest) throw noCheckpoint(folder, name ?? "last", []);
  const { entry: last, broken } = newest;
  const isByName = name !== undefined && name !== "last" && name !== "best";
  const [fault] = broken;
  if (!isByName && fault !== undefined) throw damaged(run, last, fault);
  if (name === "last") return last;
  const entries = listCheckpoints(folder);
  const best = parseState(readState(last.path), last.path).best?.step;
  if (name === undefined && best === undefined) return last;
  const wanted = entries.find(({ step, path }) =>
    name === undefined || name === "best" ? step === best : basename(path) === name,
  );
  if (!wanted)
    throw noCheckpoint(
      folder,
      name ?? "best",
      entries.map(({ path }) => basename(path)),
    );
  if (wanted.step !== last.step) verifyCheckpoint(wanted.path);
  return wanted;
}

function damaged(run: string, good: CheckpointEntry, { path, reason }: BrokenCheckpoint): ScaloraError {
  return new ScaloraError("format", "The newest checkpoint of this run is damaged", {
    where: path,
    found: reason,
    fix: `choose an older one (--checkpoint ${basename(good.path)}), or train these steps again (npx scalora train --resume ${shellQuote(run)})`,
  });
}

function noCheckpoint(folder: string, name: string, there: readonly string[]): ScaloraError {
  const near = nearestName(name, there);
  return new ScaloraError("config", "There is no such checkpoint", {
    where: folder,
    expected:
      there.length > 0
        ? `last, best or one of ${there.join(", ")}`
        : "a run that has saved a checkpoint (`compare` removes those of its finished runs)",
    found: name === "best" && there.length > 0 ? "best, but the run has no evaluations" : name,
    fix: near === undefined ? undefined : `did you mean ${near}?`,
  });
}
