import { setImmediate as nextTurn, setTimeout as sleep } from "node:timers/promises";
import { native } from "../native/load.ts";
import { messageOf, ScaloraError } from "../util/errors.ts";
import { noGrad } from "./autograd.ts";
import type { DType } from "./dtype.ts";
import { divScalar_ } from "./operators.generated.ts";
import { StopSignals } from "./stop-signals.ts";
import { describeStore, isThere, type StorePlace, whenAnswered, whenOpened } from "./store-answers.ts";
import { Tensor } from "./tensor.ts";

/** How to join a process group; every rank gives the same store, job and size. */
export interface ProcessGroupOptions {
  /** The store through which the ranks find each other. */
  readonly store: StorePlace;
  /** Whether this process is the one that has the store. */
  readonly isServer: boolean;
  /** Keeps the keys of jobs, and of restarts of one job, apart in one store. */
  readonly job: string;
  /** From 0 to size - 1. */
  readonly rank: number;
  /** The number of ranks. */
  readonly size: number;
  /** An address of this machine, to which the other ranks connect. */
  readonly address: string;
  /** Seconds that one wait for other ranks may take. */
  readonly timeout: number;
  /** Takes a note of the ranks that have not joined after 10 seconds, and again each minute. */
  readonly onWait?: (message: string) => void;
  /** Begins to watch the ranks, once all are there and before they connect; every rank calls it. */
  readonly watch?: (group: ProcessGroup) => Promise<GroupWatch>;
}

/** Watches over the ranks of a group, and finds out which failed first. */
export interface GroupWatch {
  /** Resolves with why the ranks stop, when one of them has failed. */
  readonly failure: Promise<Error>;
  /** The same, as far as it is known now: also while the event loop waits. */
  look(): Error | undefined;
  /** Counts a collective that begins. */
  begin(): void;
  /**
   * Tells the others that this rank has `failed`, or that it has `lost` another, or waited for it in vain (`late`).
   * @returns what this rank throws: the same error, or that of the rank which failed first
   */
  report(error: unknown, kind: "failed" | "lost" | "late"): Promise<Error>;
  /** Takes leave of the others. */
  close(): void;
}

/** How the tensors of all ranks become one; `avg` takes floating dtypes. */
export type Reduction = "sum" | "avg" | "min" | "max";

const floating: ReadonlySet<DType> = new Set(["float16", "bfloat16", "float32", "float64"]);
const reducible: ReadonlySet<DType> = new Set([...floating, "uint8", "int8", "int32", "int64"]);

/** Gradients that ranks add up. */
interface GradientBuckets {
  /** Of each bucket flat tensors of one dtype: after the last round they hold the sums. */
  readonly pieces: readonly (readonly Tensor[])[];
  /** Of each bucket this rank's part of the sums so far, one in `size` of the numbers, rounded up; needed for several rounds. */
  readonly sums: readonly Tensor[] | undefined;
  /** Bytes for the parts of a bucket that the other ranks send. */
  readonly received: Tensor;
}

/** A round of gradients: of each of the first `count` ranks one. */
export interface SumRound {
  readonly count: number;
  readonly isFirst: boolean;
  /** All ranks get all sums. */
  readonly isLast: boolean;
  /** Buckets begin once their gradients are final. */
  readonly expectation?: number | undefined;
}

/**
 * The processes of a job, its ranks, and their collectives (torch's c10d over Gloo, and over NCCL for tensors on a GPU). Every
 * rank calls the same collectives in the same order, with equal shapes and dtypes: otherwise all of them reject, and the group
 * remains usable. Collectives run one after another on a thread of their own; tensors must be contiguous, and belong to the
 * collective until its promise settles. Each rejects with a ScaloraError `run` when another rank has failed or ended, is silent or
 * does not answer within the timeout, and names it where the ranks are watched; from then on so does every later one, because the
 * ranks are out of step.
 */
export class ProcessGroup implements Disposable {
  readonly rank: number;
  readonly size: number;
  private readonly handle: number;
  private readonly store: StorePlace;
  private readonly timeout: number;
  private readonly stopSignals = new StopSignals();
  /** Of the calls under way. */
  private readonly rejections = new Set<(error: Error) => void>();
  private watch: GroupWatch | undefined;
  /** Why the ranks stop. */
  private failure: Error | undefined;
  /** The error of this rank of which the others know. */
  private told: unknown;
  private readonly failing = new AbortController();

  private constructor(handle: number, { store, rank, size, timeout }: ProcessGroupOptions) {
    this.handle = handle;
    this.store = store;
    this.rank = rank;
    this.size = size;
    this.timeout = timeout;
  }

  /** Joins the group once all its ranks are there. `initProcessGroup()` finds the options. */
  static async connect(options: ProcessGroupOptions): Promise<ProcessGroup> {
    // A collective of NCCL's that fails throws from its wait; what watches it in the background must not end the process.
    process.env["TORCH_NCCL_BLOCKING_WAIT"] ??= "1";
    process.env["TORCH_NCCL_ASYNC_ERROR_HANDLING"] ??= "0";
    process.env["TORCH_NCCL_ENABLE_MONITORING"] ??= "0";
    const group = new ProcessGroup(await openStore(options), options);
    try {
      await group.whileOpen(group.meet(options));
      if (options.watch) group.watchedBy(await options.watch(group));
      await group.together(() => group.whileOpen(group.answered(native().joinProcessGroup(group.handle))));
    } catch (error) {
      group.dispose();
      throw error;
    }
    return group;
  }

  /** Has the ranks watched: once one has failed, what is under way and what follows rejects with the reason. */
  watchedBy(watch: GroupWatch): void {
    this.watch = watch;
    void watch.failure.then(async (error) => {
      await nextTurn(); // what has finished meanwhile resolves first
      this.failure = error;
      for (const reject of this.rejections) reject(error);
      this.failing.abort(error);
    });
  }

  /**
   * Aborted, with the reason, when the ranks stop because one of them has failed.
   * @internal
   */
  get failed(): AbortSignal {
    return this.failing.signal;
  }

  /**
   * Does the part of this rank in a work of all ranks. What it throws is told to the others, where the ranks are watched: they
   * end after it.
   * @throws what it throws
   */
  async together<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (thrown) {
      // What `awaitGather` throws has not been explained yet.
      const error = await this.explained(thrown);
      const isNew = error === thrown && error !== this.failure && error !== this.told;
      this.told = error;
      if (isNew) await this.watch?.report(error, "failed");
      throw error;
    }
  }

  /** Reduces a tensor over all ranks, in place and to the same bits on each. */
  async allReduce(tensor: Tensor, reduction: Reduction = "sum"): Promise<void> {
    requireReducible(tensor, reduction, "allReduce");
    await this.collective(native().allReduce(this.handle, tensor.handle, nativeReduction(reduction)));
    if (reduction === "avg") divide(tensor, this.size);
  }

  /**
   * Reduces a tensor `[size · n, …]` over all ranks and gives each its part.
   * @returns `[n, …]`: the rows of this rank, which the caller disposes
   */
  async reduceScatter(tensor: Tensor, reduction: Reduction = "sum"): Promise<Tensor> {
    requireReducible(tensor, reduction, "reduceScatter");
    const result = await this.newTensor(
      native().reduceScatter(this.handle, tensor.handle, nativeReduction(reduction)),
    );
    if (reduction === "avg") divide(result, this.size);
    return result;
  }

  /** @returns `[size, …]`: the tensors of all ranks in their order, which the caller disposes */
  async allGather(tensor: Tensor): Promise<Tensor> {
    return await this.newTensor(native().allGather(this.handle, tensor.handle));
  }

  /**
   * Begins to write slices of all ranks, in their order, into tensors of `size` times their bytes, all in one collective. The
   * tensors belong to it until `awaitGather`.
   * @returns the number that `awaitGather` takes
   * @throws as `awaitGather`
   */
  beginGather(slices: readonly Tensor[], outputs: readonly Tensor[]): number {
    this.requireGoingOn();
    this.watch?.begin();
    const handles = (tensors: readonly Tensor[]) => tensors.map(({ handle }) => handle);
    return native().beginGather(this.handle, handles(slices), handles(outputs));
  }

  /**
   * Waits for a gather, once, and without the event loop: in the middle of a forward or backward pass.
   * @throws as collectives do; also ScaloraError `run` when SIGINT or SIGTERM comes a second time meanwhile
   */
  awaitGather(gather: number): void {
    while (!native().awaitGather(this.handle, gather, gatherSlice)) this.requireGoingOn();
  }

  /** @throws what the event loop would bring, were it running: why the ranks stop, or that this one is to stop at once */
  private requireGoingOn(): void {
    this.failure ??= this.watch?.look();
    if (this.failure) throw this.failure;
    if (this.stopSignals.cameAgain())
      throw new ScaloraError("run", "Stopped in the middle of a step, by a second signal", {
        where: `rank ${this.rank}`,
      });
  }

  /**
   * Sends each rank a row.
   * @param tensor `[size, …]`: row r goes to rank r
   * @param output of the same shape: row q comes from rank q
   */
  async allToAll(tensor: Tensor, output: Tensor): Promise<void> {
    await this.collective(native().allToAll(this.handle, tensor.handle, output.handle));
  }

  /**
   * Begins to notice which gradients the backward pass has finished.
   * @param parameters leaves of autograd, which have gradients; undefined where one is only final at the end
   * @param buckets the numbers of the parameters of each
   * @returns the number that `sumGradients` and `endGradients` take
   * @internal
   */
  expectGradients(
    parameters: readonly (Tensor | undefined)[],
    buckets: readonly (readonly number[])[],
  ): number {
    return native().expectGradients(
      this.handle,
      parameters.map((parameter) => parameter?.handle ?? 0),
      buckets,
    );
  }

  /** Says that all expected gradients are final, or will never be. @internal */
  endGradients(expectation: number, isDone: boolean): void {
    native().endGradients(this.handle, expectation, isDone);
  }

  /**
   * Adds up gradients, in the order of the ranks, one bucket after another; each rank adds up a part of each.
   * @internal
   */
  async sumGradients({ pieces, sums, received }: GradientBuckets, round: SumRound): Promise<void> {
    const { count, isFirst, isLast, expectation = 0 } = round;
    await this.collective(
      native().sumGradients(
        this.handle,
        pieces.map((ofBucket) => ofBucket.map(({ handle }) => handle)),
        pieces.map((_, index) => sums?.[index]?.handle ?? 0),
        received.handle,
        ...([count, isFirst, isLast, expectation] as const),
      ),
    );
  }

  /** Copies a tensor of one rank into those of the others, in place. */
  async broadcast(tensor: Tensor, from = 0): Promise<void> {
    await this.collective(native().broadcast(this.handle, tensor.handle, from));
  }

  /** Resolves once every rank has called it. */
  async barrier(): Promise<void> {
    await this.collective(native().barrier(this.handle));
  }

  /** Sets a short text that every rank can read with `getValue`. */
  async setValue(key: string, value: string): Promise<void> {
    await this.whileOpen(this.answered(native().storeSet(this.handle, key, value)));
  }

  /**
   * The value of a key, once a rank has set it.
   * @param timeout seconds
   * @throws ScaloraError `run` when none has set it by then
   */
  async getValue(key: string, timeout = this.timeout): Promise<string> {
    return await this.whileOpen(this.lookFor(key, timeout));
  }

  /**
   * Leaves the group: what is under way rejects, here and on the other ranks. The store ends with its rank, so call `barrier()`
   * before if others may still need it.
   */
  dispose(): void {
    this.watch?.close();
    native().closeProcessGroup(this.handle);
    for (const reject of this.rejections)
      reject(new ScaloraError("run", "the process group was disposed", { where: `rank ${this.rank}` }));
  }

  /** Waits until all ranks are there. */
  private async meet(options: ProcessGroupOptions): Promise<void> {
    const end = performance.now() + this.timeout * 1000;
    let missing = "";
    const stopNotes = noteWait(options, () =>
      missing === "" ? describeStore(this.store) : ranksOf(missing, this.size),
    );
    try {
      while (true) {
        const slice = Math.max(1, Math.min(end - performance.now(), 1000));
        missing = await this.answered(native().meetRanks(this.handle, slice));
        if (missing === "") return;
        if (performance.now() >= end) break;
      }
    } finally {
      stopNotes();
    }
    throw notJoined(options, ranksOf(missing, this.size));
  }

  private answered<T>(request: Promise<T>): Promise<T> {
    return whenAnswered(request, this.store, this.timeout);
  }

  /** Looks again and again: a request that waits in the store would hold up all others of this rank. */
  private async lookFor(key: string, timeout: number): Promise<string> {
    const end = performance.now() + timeout * 1000;
    for (let pause = leastPause; ; pause = Math.min(pause * pauseGrowth, longestPause)) {
      const value = await this.answered(native().storeGet(this.handle, key));
      if (value !== undefined) return value;
      const left = end - performance.now();
      if (!(left > 0))
        throw new ScaloraError("run", "no rank has set this value in time", {
          where: `get ${key}`,
          found: `nothing after ${timeout} s`,
        });
      await sleep(Math.min(pause, left));
    }
  }

  /** The result of a collective; freed if the group is disposed as the collective finishes. */
  private newTensor(work: Promise<number>): Promise<Tensor> {
    return this.collective(
      work.then((handle) => new Tensor(handle)),
      (result) => result.dispose(),
    );
  }

  private collective<T>(work: Promise<T>, discard?: (value: T) => void): Promise<T> {
    this.watch?.begin();
    return this.whileOpen(work, discard);
  }

  /**
   * What is under way keeps the process alive until it settles or the group is disposed: nothing wakes Gloo before its timeout.
   * @param discard takes the value if it comes after that
   */
  private whileOpen<T>(work: Promise<T>, discard: (value: T) => void = () => {}): Promise<T> {
    return new Promise((resolve, reject) => {
      const alive = keepAlive();
      const settle = () => {
        clearInterval(alive);
        this.rejections.delete(rejectEarly);
      };
      const rejectEarly = (error: Error) => {
        settle();
        reject(error);
      };
      this.rejections.add(rejectEarly);
      const isOpen = () => this.rejections.has(rejectEarly);
      if (this.failure) rejectEarly(this.failure);
      work
        .then(
          (value) => (isOpen() ? resolve(value) : discard(value)),
          async (error: unknown) => reject(await this.explained(error)),
        )
        .finally(settle);
    });
  }

  /** The reason why a call has failed: which rank is gone, where the call has only lost it. */
  private async explained(error: unknown): Promise<unknown> {
    const says = messageOf(error);
    const kind = lostKinds.find(([text]) => says.startsWith(text))?.[1];
    if (kind === undefined) return error;
    this.told = this.failure ?? (await this.watch?.report(error, kind)) ?? error;
    return this.told;
  }

  /** Leaves the group. */
  [Symbol.dispose](): void {
    this.dispose();
  }
}

/** How the error begins of a wait that was too long. */
const unanswered = "another rank does not answer in time";

/** How errors begin that another rank is the reason of. */
const lostKinds = [
  ["the connection to another rank is lost", "lost"],
  ["the ranks cannot communicate", "lost"],
  ["the store cannot be reached", "lost"],
  [unanswered, "late"],
] as const;

/** Milliseconds between looks at a value in the store, which grow while it is not there: work may come after hours. */
const [leastPause, longestPause, pauseGrowth] = [20, 500, 1.5];

const keepAlive = () => setInterval(() => {}, 2 ** 30);

/** Milliseconds between looks at what the event loop would bring, in a wait without it. */
const gatherSlice = 100;

/** Seconds after which a rank says for whom it waits, and until it says so again. */
const firstNote = 10;
const laterNotes = 60;

/** Notes for whom a rank waits, until what is returned is called. */
function noteWait({ onWait, timeout }: ProcessGroupOptions, whom: () => string): () => void {
  const begin = performance.now();
  const note = () => {
    const seconds = Math.round((performance.now() - begin) / 1000);
    onWait?.(`still waiting for ${whom()} after ${seconds} s (${timeout} s at most)`);
    timer = setTimeout(note, laterNotes * 1000);
  };
  let timer = setTimeout(note, firstNote * 1000);
  return () => clearTimeout(timer);
}

/** @param missing "rank 1 of 2", "ranks 1, 3 of 4" */
function notJoined({ rank, timeout }: ProcessGroupOptions, missing: string): ScaloraError {
  return new ScaloraError("run", "not all ranks have joined", {
    where: `rank ${rank}`,
    found: `nothing of ${missing}, in ${timeout} s`,
    fix: "start all ranks, with the same MASTER_ADDR and MASTER_PORT; look at the output of those that are missing",
  });
}

/** @param numbers separated by commas */
const ranksOf = (numbers: string, size: number) =>
  `${/\D/.test(numbers) ? "ranks" : "rank"} ${numbers} of ${size}`;

/** @returns the handle of a group that has not joined */
async function openStore(options: ProcessGroupOptions): Promise<number> {
  const { store, isServer, timeout } = options;
  const stopNotes = noteWait(options, () => describeStore(store));
  try {
    if (!isServer && !(await isThere(store, timeout))) throw notJoined(options, describeStore(store));
    return await openStoreThere(options);
  } finally {
    stopNotes();
  }
}

async function openStoreThere(options: ProcessGroupOptions): Promise<number> {
  const { store, isServer, job, rank, size, address, timeout } = options;
  const { host, port } = store;
  const opening = native().openStore(host, port, isServer, job, rank, size, address, timeout * 1000);
  try {
    return await whenOpened(opening, store);
  } catch (error) {
    void opening.then(
      (handle) => native().closeProcessGroup(handle),
      () => {},
    );
    throw messageOf(error).startsWith(unanswered) ? notJoined(options, describeStore(store)) : error;
  }
}

/** Gloo has no average. */
const nativeReduction = (reduction: Reduction) => (reduction === "avg" ? "sum" : reduction);

function divide(tensor: Tensor, by: number): void {
  noGrad(() => divScalar_(tensor, by));
}

function requireReducible(tensor: Tensor, reduction: Reduction, where: string): void {
  const { dtype } = tensor;
  const allowed = reduction === "avg" ? floating : reducible;
  if (allowed.has(dtype)) return;
  throw new ScaloraError("tensor", "This dtype cannot be reduced", {
    where,
    expected: [...allowed].join(", "),
    found: dtype,
  });
}
