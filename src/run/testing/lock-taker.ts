// One of several processes that race for a run. Its parent sends the run's folder and a time; at that time it opens the run,
// or creates it, and answers whether it could. "release" closes the run.
import { messageOf } from "../../util/errors.ts";
import { RunFolder } from "../run-folder.ts";

export interface RaceRequest {
  readonly folder: string;
  readonly isNew: boolean;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

let run: RunFolder | undefined;

process.on("message", (request: RaceRequest | "release") => {
  if (request === "release") {
    run?.close();
    run = undefined;
    process.send?.("released");
    return;
  }
  while (Date.now() < request.at);
  try {
    run = request.isNew ? RunFolder.create(request.folder, "x") : RunFolder.open(request.folder);
    process.send?.("taken");
  } catch (error) {
    process.send?.(messageOf(error));
  }
});
process.send?.("ready");
