import { connect } from "node:net";
import { setImmediate as nextTurn, setTimeout as sleep } from "node:timers/promises";
import { native } from "../native/load.ts";
import { messageOf, ScaloraError } from "../util/errors.ts";
import { noGrad } from "./autograd.ts";
import type { DType } from "./dtype.ts";
import { divScalar_ } from "./operators.generated.ts";
import { Tensor } from "./tensor.ts";

/** How to join a process group; every rank gives the same store, job and size. */
export interface ProcessGroupOptions {
  /** The store through which the ranks find each other: a host name or address, and a port. */
  readonly store: { readonly host: string; readonly port: number };
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
}

/** Watches over the ranks of a group, and finds out which failed first. */
export interface GroupWatch {
  /** Resolves with why the ranks stop, when one of them has failed. */
  readonly failure: Promise<Error>;
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

/**
 * The processes of a job, its ranks, and their collectives (torch's c10d over Gloo). Every rank calls the same collectives in
 * the same order, with equal shapes and dtypes: otherwise all of them reject, and the group remains usable. Collectives run one
 * after another on a thread of their own; tensors must be contiguous and on the CPU, and belong to the collective until its
 * promise settles. Each rejects with a ScaloraError `run` when another rank has failed or ended, is silent or does not answer
 * within the timeout, and names it where the ranks are watched; from then on so does every later one, because the ranks are out
 * of step.
 */
export class ProcessGroup implements Disposable {
  readonly rank: number;
  readonly size: number;
  private readonly handle: number;
  private readonly timeout: number;
  /** Of the calls under way. */
  private readonly rejections = new Set<(error: Error) => void>();
  private watch: GroupWatch | undefined;
  /** Why the ranks stop. */
  private failure: Error | undefined;

  private constructor(handle: number, { rank, size, timeout }: ProcessGroupOptions) {
    this.handle = handle;
    this.rank = rank;
    this.size = size;
    this.timeout = timeout;
  }

  /** Joins the group once all its ranks are there. `initProcessGroup()` finds the options. */
  static async connect(options: ProcessGroupOptions): Promise<ProcessGroup> {
    const { store, isServer, job, rank, size, address, timeout } = options;
    const opening = native().openStore(
      store.host,
      store.port,
      isServer,
      job,
      rank,
      size,
      address,
      timeout * 1000,
    );
    const group = new ProcessGroup(await whenAnswered(opening, options), options);
    try {
      await group.whileOpen(native().joinProcessGroup(group.handle));
    } catch (error) {
      group.dispose();
      throw error;
    }
    return group;
  }

  /**
   * Has the ranks watched: once one has failed, what is under way and what follows rejects with the reason.
   * @internal
   */
  watchedBy(watch: GroupWatch): void {
    this.watch = watch;
    void watch.failure.then(async (error) => {
      await nextTurn(); // what has finished meanwhile resolves first
      this.failure = error;
      for (const reject of this.rejections) reject(error);
    });
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
      if (error === thrown && error !== this.failure) await this.watch?.report(error, "failed");
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
   */
  beginGather(slices: readonly Tensor[], outputs: readonly Tensor[]): number {
    const handles = (tensors: readonly Tensor[]) => tensors.map(({ handle }) => handle);
    return native().beginGather(this.handle, handles(slices), handles(outputs));
  }

  /** Waits for a gather, once, and without the event loop: in the middle of a forward or backward pass. @throws as collectives do */
  awaitGather(gather: number): void {
    native().awaitGather(this.handle, gather);
  }

  /**
   * Sends each rank a row.
   * @param tensor `[size, …]`: row r goes to rank r
   * @param output of the same shape: row q comes from rank q
   */
  async allToAll(tensor: Tensor, output: Tensor): Promise<void> {
    await this.collective(native().allToAll(this.handle, tensor.handle, output.handle));
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
    await this.whileOpen(native().storeSet(this.handle, key, value));
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

  /** Looks again and again: a request that waits in the store would hold up all others of this rank. */
  private async lookFor(key: string, timeout: number): Promise<string> {
    const end = performance.now() + timeout * 1000;
    while (true) {
      const value = await native().storeGet(this.handle, key);
      if (value !== undefined) return value;
      if (!(performance.now() < end))
        throw new ScaloraError("run", "no rank has set this value in time", {
          where: `get ${key}`,
          found: `nothing after ${timeout} s`,
        });
      await sleep(betweenLooks);
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
    return this.failure ?? (await this.watch?.report(error, kind)) ?? error;
  }

  /** Leaves the group. */
  [Symbol.dispose](): void {
    this.dispose();
  }
}

/** How errors begin that another rank is the reason of. */
const lostKinds = [
  ["the connection to another rank is lost", "lost"],
  ["the ranks cannot communicate", "lost"],
  ["the store cannot be reached", "lost"],
  ["another rank does not answer in time", "late"],
] as const;

/** Milliseconds between looks at a value in the store. */
const betweenLooks = 20;

const keepAlive = () => setInterval(() => {}, 2 ** 30);

/** Seconds after which something that listens should have answered as a store does. */
const answerLimit = 5;

/** Ends the wait for a port where something listens that is no store and says nothing: c10d would wait for ever. */
async function whenAnswered(opening: Promise<number>, { store }: ProcessGroupOptions): Promise<number> {
  const opened = new AbortController();
  const silent = silentListener(store, opened.signal).then(() => {
    throw new ScaloraError("run", "The store does not answer", {
      where: `${store.host}:${store.port}`,
      found: `something listens there, and has said nothing for ${answerLimit} s`,
      fix: "another program may have the port: set MASTER_PORT to another one, on all ranks",
    });
  });
  try {
    return await Promise.race([opening, silent]);
  } catch (error) {
    void opening.then(
      (handle) => native().closeProcessGroup(handle),
      () => {},
    );
    throw error;
  } finally {
    opened.abort();
  }
}

/** Resolves some seconds after something was seen to listen. */
async function silentListener({ host, port }: ProcessGroupOptions["store"], signal: AbortSignal) {
  const limit = { signal };
  do await sleep(1000, undefined, limit);
  while (!(await isListening(host, port)));
  await sleep((answerLimit - 1) * 1000, undefined, limit);
}

function isListening(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: 1000 });
    const end = (listens: boolean) => {
      socket.destroy();
      resolve(listens);
    };
    socket.once("connect", () => end(true));
    for (const event of ["error", "timeout"]) socket.once(event, () => end(false));
  });
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
