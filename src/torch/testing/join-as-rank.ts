import { ProcessGroup } from "../process-group.ts";

/** A rank of a test or a bench, which all run on this machine. */
export interface TestRank {
  readonly port: number;
  readonly rank: number;
  readonly size: number;
  /** Seconds. */
  readonly timeout: number;
}

/** Joins the ranks of a test, of which the first serves the store. */
export const joinAsRank = ({ port, rank, size, timeout }: TestRank): Promise<ProcessGroup> =>
  ProcessGroup.connect({
    store: { host: "127.0.0.1", port, owner: "rank 0" },
    isServer: rank === 0,
    job: "test",
    rank,
    size,
    address: "127.0.0.1",
    timeout,
  });
