import { appendFileSync, existsSync, rmSync, writeFileSync } from "node:fs";
import { userInfo } from "node:os";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { stringify } from "yaml";
import type { RunEvent } from "../run/events.ts";
import { makeFolders, writeFileAtomic } from "../util/files.ts";
import { eventScalars, safeName } from "./scalars.ts";
import type { OpenTracker, TrackedRun, Tracker } from "./tracker.ts";

// The layout is that of mlflow/store/tracking/file_store.py.

/** The experiment that all runs of a folder belong to; its id must be a number for `mlflow migrate-filestore`. */
const experiment = { name: "scalora", id: "729360164502918374" } as const;

/** MLflow's codes of a run's status. */
const statuses = { running: 1, finished: 3, failed: 4, killed: 5 } as const;

const endStatus = { finished: "finished", early: "finished", stopped: "killed", failed: "failed" } as const;

/** Longest value of a parameter that MLflow reads. */
const maxParameter = 6000;

/** MLflow: a file store next to the run's folder, for `mlflow ui --backend-store-uri runs/mlruns`. */
export const openMlflow: OpenTracker = (run) => {
  const store = join(dirname(run.path), "mlruns");
  const experimentPath = join(store, experiment.id);
  makeFolders(experimentPath);
  const experimentFile = join(experimentPath, "meta.yaml");
  if (!existsSync(experimentFile)) writeFileAtomic(experimentFile, experimentText(experimentPath, run));
  const folder = join(experimentPath, run.id);
  rmSync(folder, { recursive: true, force: true });
  return new MlflowRun(folder, run);
};

class MlflowRun implements Tracker {
  private readonly folder: string;
  private readonly run: TrackedRun;
  private readonly known = new Set<string>();

  constructor(folder: string, run: TrackedRun) {
    this.folder = folder;
    this.run = run;
    for (const name of ["artifacts", "metrics", "params", "tags"]) makeFolders(join(folder, name));
    for (const [key, value] of run.settings)
      writeFileSync(join(folder, "params", safeName(key)), String(value).slice(0, maxParameter));
    const tags = {
      "mlflow.runName": run.name,
      "mlflow.source.name": "scalora",
      "mlflow.source.type": "LOCAL",
    };
    for (const [key, value] of Object.entries(tags)) writeFileSync(join(folder, "tags", key), value);
    this.writeMeta("running");
  }

  record(event: RunEvent, time: Date): void {
    for (const [name, value] of eventScalars(event)) {
      const file = join(this.folder, "metrics", name);
      if (!this.known.has(name)) makeFolders(dirname(file));
      this.known.add(name);
      appendFileSync(file, `${time.getTime()} ${value} ${event.step}\n`);
    }
    if (event.type === "sample")
      appendFileSync(
        join(this.folder, "artifacts", "samples.txt"),
        `step ${event.step}\n${event.prompt}${event.output}\n\n`,
      );
    if (event.type === "end") this.writeMeta(endStatus[event.reason], time);
  }

  complete(): void {
    // Every file is complete after each event.
  }

  close(): void {
    // No file stays open.
  }

  private writeMeta(status: keyof typeof statuses, end?: Date): void {
    const { folder, run } = this;
    const meta = {
      artifact_uri: pathToFileURL(join(folder, "artifacts")).href,
      end_time: end === undefined ? null : end.getTime(),
      entry_point_name: "",
      experiment_id: experiment.id,
      lifecycle_stage: "active",
      run_id: run.id,
      run_name: run.name,
      source_name: "",
      source_type: 4,
      source_version: "",
      start_time: run.startedAt.getTime(),
      status: statuses[status],
      tags: [],
      user_id: userName(),
    };
    writeFileAtomic(join(folder, "meta.yaml"), stringify(meta));
  }
}

/** The user's name; from the environment where the system does not know the user, as in a container. */
function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return process.env["USER"] ?? "";
  }
}

const experimentText = (path: string, { startedAt }: TrackedRun) =>
  stringify({
    artifact_location: pathToFileURL(path).href,
    creation_time: startedAt.getTime(),
    experiment_id: experiment.id,
    last_update_time: startedAt.getTime(),
    lifecycle_stage: "active",
    name: experiment.name,
  });
