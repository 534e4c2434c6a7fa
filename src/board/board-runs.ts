import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { chartData, modelName, runCharts, runDetails } from "../report/index.ts";
import { type ControlCommand, requestControl } from "../run/control-command.ts";
import { listRuns, type RunEntry } from "../run/list-runs.ts";
import { readOptional, runFiles } from "../run/run-files.ts";
import { isActive, type RecordedStatus, readStatus } from "../run/status.ts";
import { messageOf } from "../util/errors.ts";
import type { BoardRun, BoardView } from "./page/board-data.ts";
import { RecordFollower } from "./record-follower.ts";

/** For how long a list of the folder is good, in milliseconds: many pages may ask. */
const listTime = 300;

/** Records kept in memory; the one that was looked at longest ago goes first. */
const maxFollowers = 32;

/** Points of a line: more than a screen has. */
const chartPoints = 800;

/** Runs in one view; more would be no picture. */
const maxShown = 20;

/** A view of long runs takes a while to make: the board rests for this many times as long, and leaves the machine to training. */
const restFactor = 20;

/** Other runs than those seen last are shown at once, unless more rest than this is left, in milliseconds. */
const restForOthers = 30_000;

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
  private made: { ids: string; view: BoardView } | undefined;
  private restsUntil = 0;
  /** Views are made one after another, so that each respects the rest after the one before. */
  private last: Promise<unknown> = Promise.resolve();

  /** @param folder with runs in it, or the folder of one run; need not exist yet */
  constructor(folder: string) {
    this.folder = folder;
  }

  /** All runs with their present status, sorted by name. */
  list(): BoardRun[] {
    return [...this.current()].map(([id, entry]) => boardRun(id, entry));
  }

  /**
   * Charts and details of some runs; unknown and repeated ids are left out, and those after the twentieth.
   * @param known version that the reader has
   * @returns null when that is still the newest, or while the board rests
   */
  view(ids: readonly string[], known: string | null): Promise<BoardView | null> {
    const wanted = [...new Set(ids)].slice(0, maxShown);
    const view = this.last.then(() => this.nextView(wanted, known));
    this.last = view.catch(() => undefined);
    return view;
  }

  private async nextView(ids: readonly string[], known: string | null): Promise<BoardView | null> {
    const rest = this.restsUntil - performance.now();
    const recent = this.made?.ids === ids.join() ? this.made.view : undefined;
    if (rest > (recent === undefined ? restForOthers : 0))
      return recent === undefined || recent.version === known ? null : recent;
    const entries = this.current();
    const shown = ids.flatMap((id) => {
      const entry = entries.get(id);
      return entry === undefined ? [] : [{ id, entry, follower: this.follower(entry.path) }];
    });
    await Promise.all(shown.map(({ follower }) => follower.update()));
    const versions = shown.map(({ id, follower }) => `${id}-${follower.version}`);
    const version = [this.instance, ...versions].join("_");
    if (version === known) return null;
    const began = process.cpuUsage();
    const view = this.makeView(version, shown);
    this.made = { ids: ids.join(), view };
    const { user, system } = process.cpuUsage(began);
    this.restsUntil = Math.max(this.restsUntil, performance.now()) + (restFactor * (user + system)) / 1000;
    return view;
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
      runs: runs.map(({ id, run, recipe, problem }) => ({ id, problem, ...runDetails(run, recipe) })),
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
    id,
    name,
    state,
    problem,
    method,
    step,
    totalSteps,
    loss,
    bestEvalLoss,
    bestScore,
    updatedAt,
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
