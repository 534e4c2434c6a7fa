// The faults of the table, and what each must lead to.
import type { Plan } from "../../src/testing/faulty-method.ts";
import type { Job } from "./ranks.ts";

/** What is done to a job from outside. */
export interface Hand {
  readonly job: Job;
  /** The rank that the fault is on. */
  readonly rank: number;
  cut(): void;
  mend(): void;
  fillDisk(): void;
  after(seconds: number): Promise<unknown>;
}

export interface Fault {
  readonly name: string;
  /**
   * `end`: all ranks end within 10 s and name the rank, and the run resumes to the same end; `stop`: they stop with a
   * checkpoint, for the rank that was asked; `refuse`: the same without a run; `go on`: the run ends as without the fault.
   */
  readonly leadsTo: "end" | "stop" | "refuse" | "go on";
  /** The rank that it is on; any by default. */
  readonly rank?: number;
  /** What the method does on that rank. */
  readonly plan?: Pick<Plan, "what" | "seconds">;
  /** What is done from outside, after a step. */
  readonly act?: (hand: Hand) => unknown;
  /** More words for `train`, without the fault too. */
  readonly settings?: readonly string[];
  /** More words for `train`, of that rank alone where `only`. */
  readonly words?: { readonly args: readonly string[]; readonly only?: boolean };
  /** What all say, where all ranks find the fault themselves; otherwise they name the rank. */
  readonly says?: RegExp;
  readonly needs?: "network" | "disk";
}

export const faults: readonly Fault[] = [
  { name: "SIGKILL to a rank", leadsTo: "end", act: ({ job, rank }) => job.kill(rank, "SIGKILL") },
  {
    name: "SIGKILL to rank 0, which has the store",
    leadsTo: "end",
    rank: 0,
    act: ({ job }) => job.kill(0, "SIGKILL"),
  },
  { name: "SIGTERM to a rank", leadsTo: "stop", act: ({ job, rank }) => job.kill(rank, "SIGTERM") },
  { name: "a rank throws", leadsTo: "end", plan: { what: "raise" } },
  { name: "a rank gets no memory", leadsTo: "end", plan: { what: "memory" } },
  { name: "gradients of a rank are NaN", leadsTo: "end", plan: { what: "nan" }, says: /not finite/ },
  {
    name: "a full disk at a checkpoint",
    leadsTo: "end",
    rank: 0,
    needs: "disk",
    act: ({ fillDisk }) => fillDisk(),
  },
  {
    name: "a rank with another learning rate",
    leadsTo: "refuse",
    rank: 1,
    words: { args: ["--set", "train.lr=0.5"], only: true },
  },
  {
    name: "a rank with other data",
    leadsTo: "refuse",
    rank: 1,
    words: { args: ["--set", "data.train=other.jsonl"], only: true },
  },
  { name: "a rank computes for 12 s", leadsTo: "go on", plan: { what: "sleep", seconds: 12 } },
  {
    name: "a rank is suspended for 5 s",
    leadsTo: "go on",
    act: suspendFor(5),
  },
  {
    name: "a rank is suspended for 9 s",
    leadsTo: "end",
    act: suspendFor(9),
  },
  {
    name: "a rank is suspended for 9 s, `train.shardBase`",
    leadsTo: "end",
    settings: ["--set", "train.shardBase=true"],
    act: suspendFor(9),
  },
  {
    name: "the network is cut for 5 s",
    leadsTo: "go on",
    needs: "network",
    act: cutFor(5),
  },
  { name: "the network is cut for 60 s", leadsTo: "end", rank: 1, needs: "network", act: ({ cut }) => cut() },
  {
    name: "the network is cut for 20 s, `--silence 120`",
    leadsTo: "go on",
    needs: "network",
    words: { args: ["--silence", "120"] },
    act: cutFor(20),
  },
];

function suspendFor(seconds: number) {
  return async ({ job, rank, after }: Hand) => {
    job.kill(rank, "SIGSTOP");
    await after(seconds);
    job.kill(rank, "SIGCONT");
  };
}

function cutFor(seconds: number) {
  return async ({ cut, mend, after }: Hand) => {
    cut();
    await after(seconds);
    mend();
  };
}
