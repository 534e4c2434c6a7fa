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

/** The runs of one folder, as the board shows them. Runs are named by ids, never by paths. */
export class BoardRuns {
  readonly folder: string;
  private readonly followers = new Map<string, RecordFollower>();
  /** Versions of another process of the board are not ours. */
  private readonly instance = `${process.pid}.${Date.now()}`;
  private entries: ReadonlyMap<string, RunEntry> = new Map();
  private listedAt = Number.NEGATIVE_INFINITY;

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
    if (version === known) return null;
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
