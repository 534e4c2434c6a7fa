import { randomUUID } from "node:crypto";
import { hostname } from "node:os";
import { extname } from "node:path";
import { MessageChannel, type MessagePort, receiveMessageOnPort, Worker } from "node:worker_threads";
import type { GroupWatch, ProcessGroup } from "../../torch/index.ts";
import { messageOf, ScaloraError } from "../../util/errors.ts";
import { Interruption } from "../../util/interruption.ts";
import type { Report } from "./messages.ts";
import { errorAt } from "./verdict-error.ts";
import { leaveVerdict } from "./verdict-file.ts";
import type { Notice, Order, ThreadData } from "./watch-thread.ts";

/** Seconds more than the silence for which a rank that has lost another waits to hear which is to blame. */
const hearing = 2;
/** Seconds, at least, for which a rank waits to hear where rank 0 listens, once all are there. */
const finding = 10;
/** Milliseconds within which leave is taken. */
const leaving = 500;
/** Where the store has the place at which rank 0 listens. */
const key = "watch";

/**
 * The watch of one rank, in a thread of its own. All ranks are connected to rank 0, which notices at once when a process ends,
 * and after a while when one is silent, and passes on why a rank fails: so all of them stop, and know for which rank.
 */
export class RankWatch implements GroupWatch {
  readonly failure: Promise<Error>;
  /** To the thread; read without the event loop, too. */
  private readonly port: MessagePort;
  private readonly rank: number;
  private readonly silence: number;
  private readonly shared: Int32Array;
  private known: Error | undefined;
  private settle: (error: Error) => void = () => {};
  private reported: Error | undefined;
  private isOver = false;
  private readonly leaveAtExit = (code: number) => code === 0 && this.close();

  private constructor(worker: Worker, port: MessagePort, { own, silence, shared }: ThreadData) {
    this.port = port;
    this.rank = own.rank;
    this.silence = silence / 1000;
    this.shared = shared;
    this.failure = new Promise((resolve) => {
      this.settle = resolve;
    });
    port.on("message", (notice: Notice) => this.hear(notice));
    worker.on("error", (error) => this.fail(error));
    process.once("exit", this.leaveAtExit);
  }

  /**
   * Watches the ranks of a group, all of which are there; resolves once this one is watched. Every rank of the group calls it.
   * @param address of this rank, which the others can reach
   * @param silence seconds without a sign of life after which a rank counts as lost
   */
  static async start(group: ProcessGroup, address: string, silence: number): Promise<RankWatch> {
    const { rank, size } = group;
    const { port1: port, port2 } = new MessageChannel();
    const data: ThreadData = {
      own: { rank, host: hostname(), pid: process.pid },
      port: port2,
      size,
      silence: silence * 1000,
      token: randomUUID(),
      shared: new Int32Array(new SharedArrayBuffer(8)),
    };
    const worker = new Worker(new URL(`./watch-thread${extname(import.meta.url)}`, import.meta.url), {
      workerData: data,
      transferList: [port2],
      execArgv: ["--disable-warning=ExperimentalWarning"],
    });
    const watch = new RankWatch(worker, port, data);
    try {
      if (rank === 0) {
        const number = await watch.answer(worker, { type: "listen", host: address });
        await group.setValue(key, JSON.stringify({ host: address, port: number, token: data.token }));
      }
      const limit = Math.max(finding, silence + hearing);
      const place = await group.getValue(key, limit).catch((cause: unknown) => {
        throw notSaid(cause);
      });
      await watch.answer(worker, { type: "connect", ...JSON.parse(place) });
    } catch (error) {
      watch.close();
      throw error;
    }
    worker.unref();
    port.unref();
    return watch;
  }

  look(): Error | undefined {
    for (let next = receiveMessageOnPort(this.port); next; next = receiveMessageOnPort(this.port))
      this.hear(next.message);
    return this.known;
  }

  begin(): void {
    Atomics.add(this.shared, 0, 1);
  }

  async report(error: unknown, kind: Report["kind"]): Promise<Error> {
    const own = error instanceof Error ? error : new Error(messageOf(error));
    if (this.isOver) return own;
    this.reported ??= own;
    const text = messageOf(error);
    const report: Report =
      error instanceof Interruption ? { kind: "stopped", text, exitCode: error.exitCode } : { kind, text };
    this.order({ type: "report", report });
    const seconds = hearing + (kind === "failed" ? 0 : this.silence);
    return await new Promise((resolve) => {
      const limit = setTimeout(resolve, seconds * 1000, own);
      void this.failure.then((error) => {
        clearTimeout(limit);
        resolve(error);
      });
    });
  }

  /**
   * Takes leave, so that the others do not take the end of this process for a failure. One that has failed does not: its
   * connection ends with the process, or after a while.
   */
  close(): void {
    process.off("exit", this.leaveAtExit);
    if (this.isOver) return;
    this.isOver = true;
    this.order({ type: this.reported ? "end" : "bye" });
    if (!this.reported) Atomics.wait(this.shared, 1, 0, leaving);
  }

  private hear(notice: Notice): void {
    if (notice.type !== "verdict") return;
    leaveVerdict(notice.verdict, process.env);
    const { rank, reported, silence } = this;
    this.fail(errorAt(rank, notice.verdict, { reported, silence }));
  }

  private fail(error: Error): void {
    this.known ??= error;
    this.settle(this.known);
  }

  private order(order: Order): void {
    this.port.postMessage(order);
  }

  /** What the thread answers to an order: the port at which it listens, or nothing. */
  private async answer(worker: Worker, order: Order): Promise<number> {
    this.order(order);
    const notice = await new Promise<Notice>((resolve, reject) => {
      this.port.once("message", resolve);
      worker.once("error", reject);
      worker.once("exit", () =>
        reject(new ScaloraError("run", "The thread that watches the ranks has ended")),
      );
    });
    if (notice.type === "listening") return notice.port;
    if (notice.type === "joined") return 0;
    throw new ScaloraError("run", "Rank 0 cannot be reached", {
      ...(notice.type === "refused" && { found: notice.message }),
      fix: "let the ranks connect to any port of rank 0's machine",
    });
  }
}

const notSaid = (cause: unknown) =>
  new ScaloraError("run", "Rank 0, which had come, has not said where it watches the others", {
    where: "rank 0",
    found: messageOf(cause),
    fix: "look at its output, at its machine's log, and at the network",
    cause,
  });
