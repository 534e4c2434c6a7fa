import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { chartData, modelName, type NamedRun, runCharts, runDetails } from "../report/index.ts";
import { type ControlCommand, requestControl } from "../run/control-command.ts";
import { listRuns, type RunEntry } from "../run/list-runs.ts";
import { readOptional, runFiles } from "../run/run-files.ts";
import { isActive, type RecordedStatus, readStatus } from "../run/status.ts";
import { messageOf } from "../util/errors.ts";
import type { BoardRun, BoardRunDetails, BoardView } from "./page/board-data.ts";
import { RecordFollower } from "./record-follower.ts";

/** For how long a list of the folder is good, in milliseconds: many pages may ask. */
const listTime = 300;

/** Records kept in memory; the one that was looked at longest ago goes first. */
const maxFollowers = 32;

/** Points of a line: more than a screen has. */
const chartPoints = 800;

/** A view of long runs takes a while to make: the board rests for this many times as long, and leaves the machine to training. */
const restFactor = 20;

/** A run that is looked at. */
interface Shown {
  readonly id: string;
  readonly entry: RunEntry;
  readonly follower: RecordFollower;
}

/** The runs of one folder, as the board shows them. Runs are named by ids, never by paths. */
export class BoardRuns {
  readonly folder: string;
  private readonly followers = new Map<string, RecordFollower>();
  /** Versions of another process of the board are not ours. */
  private readonly instance = `${process.pid}.${Date.now()}`;
  private entries: ReadonlyMap<string, RunEntry> = new Map();
  private listedAt = Number.NEGATIVE_INFINITY;
  private made: { ids: string; view: BoardView; until: number } | undefined;

  /** @param folder with runs in it, or the folder of one run; need not exist yet */
  constructor(folder: string) {
    this.folder = folder;
  }

  /** All runs with their present status, sorted by name. */
  list(): BoardRun[] {
    return [...this.current()].map(([id, entry]) => boardRun(id, entry));
  }

  /**
   * Charts and details of some runs; unknown ids are left out.
   * @param known version that the reader has
   * @returns null when that is still the newest
   */
  async view(ids: readonly string[], known: string | null): Promise<BoardView | null> {
    const entries = this.current();
    const shown = ids.flatMap((id) => {
      const entry = entries.get(id);
      return entry === undefined ? [] : [{ id, entry, follower: this.follower(entry.path) }];
    });
    await Promise.all(shown.map(({ follower }) => follower.update()));
    const versions = shown.map(({ id, follower }) => `${id}-${follower.version}`);
    const version = [this.instance, ...versions].join("_");
    const recent = this.recentView(ids);
    if (recent !== undefined) return recent.version === known ? null : recent;
    if (version === known) return null;
    const began = performance.now();
    const view = this.makeView(version, shown);
    this.made = {
      ids: ids.join(),
      view,
      until: performance.now() + restFactor * (performance.now() - began),
    };
    return view;
  }

  /** The view that was made last, while it is too early for another. */
  private recentView(ids: readonly string[]): BoardView | undefined {
    const { made } = this;
    return made !== undefined && made.ids === ids.join() && performance.now() < made.until
      ? made.view
      : undefined;
  }

  private makeView(version: string, shown: readonly Shown[]): BoardView {
    const runs = shown.map(({ id, entry, follower }) => ({
      id,
      run: { name: entry.name, events: follower.events },
      recipe: readOptional(join(entry.path, runFiles.config)),
      problem: follower.problem,
    }));
    return {
      version,
      charts: runCharts(runs.map(({ run }) => run)).map((chart) => chartData(chart, chartPoints)),
      runs: runs.map(({ id, run, recipe, problem }) => details(id, run, recipe, problem)),
    };
  }

  /** Sends a command to a run. */
  control(id: string, command: ControlCommand): "sent" | "unknown run" | "not running" {
    const entry = this.current().get(id);
    if (entry === undefined) return "unknown run";
    const { status } = statusOf(entry.path);
    if (status === undefined || !isActive(status)) return "not running";
    requestControl(entry.path, command);
    return "sent";
  }

  private current(): ReadonlyMap<string, RunEntry> {
    if (performance.now() - this.listedAt > listTime) {
      this.entries = new Map(runsOf(this.folder).map((entry) => [idOf(entry.name), entry]));
      this.listedAt = performance.now();
    }
    return this.entries;
  }

  private follower(path: string): RecordFollower {
    const follower = this.followers.get(path) ?? new RecordFollower(path);
    this.followers.delete(path);
    this.followers.set(path, follower);
    const [oldest] = this.followers.keys();
    if (this.followers.size > maxFollowers && oldest !== undefined) this.followers.delete(oldest);
    return follower;
  }
}

function runsOf(folder: string): RunEntry[] {
  const isRun = existsSync(join(folder, runFiles.config));
  return isRun ? listRuns(dirname(folder)).filter(({ path }) => path === folder) : listRuns(folder);
}

const idOf = (name: string) => createHash("sha256").update(name).digest("hex").slice(0, 16);

/** A run's status, or what is wrong with it. */
function statusOf(path: string): { status?: RecordedStatus | undefined; problem: string | null } {
  try {
    return { status: readStatus(path), problem: null };
  } catch (error) {
    return { problem: messageOf(error) };
  }
}

function boardRun(id: string, entry: RunEntry): BoardRun {
  const { status, problem } = statusOf(entry.path);
  const { name, state, method, step, totalSteps, loss, bestEvalLoss, bestScore, updatedAt } = entry;
  return {
    ...{ id, name, state, problem, method, step, totalSteps, loss, bestEvalLoss, bestScore, updatedAt },
    active: status !== undefined && isActive(status),
    message: status?.message ?? null,
    model: status === undefined ? null : modelName(status.model),
    evalLoss: status?.evalLoss ?? null,
    lr: status?.lr ?? null,
    tokensPerSecond: status?.tokensPerSecond ?? null,
    memory: status?.memory ?? null,
    remaining: status?.remaining ?? null,
  };
}

function details(
  id: string,
  run: NamedRun,
  recipe: string | undefined,
  problem: string | null,
): BoardRunDetails {
  return { id, problem, ...runDetails(run, recipe) };
}
