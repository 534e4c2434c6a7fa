import type { ChartData, RunDetails } from "../../report/page/report-data.ts";

// What the board's server answers, as JSON.

/** A run in the list. Numbers are null until they are known. */
export interface BoardRun {
  /** Names the run in requests; made from its path. */
  id: string;
  name: string;
  /** A run's state; `interrupted` when its process is gone, `newer` when a newer scalora wrote it, `unknown` without a status that can be read. */
  state: string;
  /** Whether a process trains it now, so that it takes commands. */
  active: boolean;
  /** What is wrong with its status. */
  problem: string | null;
  message: string | null;
  method: string | null;
  model: string | null;
  step: number | null;
  totalSteps: number | null;
  loss: number | null;
  evalLoss: number | null;
  bestEvalLoss: number | null;
  bestScore: number | null;
  lr: number | null;
  tokensPerSecond: number | null;
  memory: number | null;
  remaining: number | null;
  updatedAt: string | null;
}

/** `GET /api/runs`. */
export interface BoardList {
  /** Path of the folder, for readers. */
  folder: string;
  runs: BoardRun[];
}

/** A run that is looked at. */
export interface BoardRunDetails extends RunDetails {
  id: string;
  /** What is wrong with its record; the events before it are shown. */
  problem: string | null;
}

/** `GET /api/view?run=ID&run=ID&known=VERSION`: null when nothing has changed since that version. */
export interface BoardView {
  version: string;
  charts: ChartData[];
  runs: BoardRunDetails[];
}

/** A command to a run: the body of `POST /api/control`. */
export interface BoardCommand {
  run: string;
  command: "pause" | "continue" | "stop" | "checkpoint";
}
