/** What a launcher tells a process: which rank of how many it is, and where the ranks find each other. */
export interface Launch {
  /** The launcher, for people. */
  readonly launcher: string;
  /** From 0 to worldSize - 1. */
  readonly rank: number;
  /** The number of ranks. */
  readonly worldSize: number;
  /** The rank among those of this machine: which of its devices is this rank's. */
  readonly localRank: number;
  /** Whether some ranks are on other machines. */
  readonly spansMachines: boolean;
  readonly store: StoreAddress;
  /** Whether the launcher itself has the store; otherwise rank 0 has it. */
  readonly launcherHasStore: boolean;
  /** Names the job, and the attempt where a launcher starts it again: equal on all ranks. */
  readonly job: string;
}

/** Where the store of a job listens; port 0 is any free one, for a job of one rank. */
export interface StoreAddress {
  readonly host: string;
  readonly port: number;
}

/** What is told to the one process that a launcher starts on each machine. */
export interface Nodes {
  readonly launcher: string;
  readonly nodeRank: number;
  readonly nodes: number;
  readonly store: StoreAddress;
  readonly job: string;
}

/** A process that no launcher has started. */
export const alone: Launch = {
  launcher: "no launcher",
  rank: 0,
  worldSize: 1,
  localRank: 0,
  spansMachines: false,
  store: { host: "127.0.0.1", port: 0 },
  launcherHasStore: false,
  job: "alone",
};

/**
 * torchrun's variables for a process that computes alone, on the device of the process that starts it, whatever the launcher of
 * that one.
 */
export const variablesOfOne = ({ localRank }: Launch) => ({
  RANK: "0",
  WORLD_SIZE: "1",
  LOCAL_RANK: `${localRank}`,
  LOCAL_WORLD_SIZE: "1",
});

/** Set for the ranks of `scalora launch`, which otherwise have torchrun's variables. */
export const launchVariable = "SCALORA_LAUNCH";

/** The default port of torch's store. */
export const defaultPort = 29500;

/** One rank on each machine. */
export function rankOfNode({ launcher, nodeRank, nodes, store, job }: Nodes): Launch {
  return {
    launcher,
    rank: nodeRank,
    worldSize: nodes,
    localRank: 0,
    spansMachines: nodes > 1,
    store,
    launcherHasStore: false,
    job,
  };
}

/** One line, such as `rank 5 of 8, local rank 1, started by Slurm; store at node1:17321`. */
export function describeLaunch({ launcher, rank, worldSize, store, localRank }: Launch): string {
  const place = localRank === 0 ? "" : `, local rank ${localRank}`;
  const at = store.port === 0 ? "" : `; store at ${store.host}:${store.port}`;
  return `rank ${rank} of ${worldSize}${place}, started by ${launcher}${at}`;
}
