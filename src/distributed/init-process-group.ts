import { ProcessGroup } from "../torch/index.ts";
import { addressOfThisRank, resolveHost } from "./address.ts";
import { alone, type Launch } from "./launch.ts";
import { readLaunch } from "./read-launch.ts";
import { RankWatch } from "./watch/rank-watch.ts";

/**
 * Seconds: a cut of the network that lasts five may take seven until what was lost is sent again. Of the ten within which all ranks
 * end it leaves two: a quarter to notice it (`watch/ticks.ts`), the rest to end.
 */
const usualSilence = 8;

/** Seconds for which a rank waits for the others, by default. */
export const usualTimeout = 600;

/** How to join the other ranks. */
export interface InitOptions {
  /** Which rank this process is; by default what the launcher's variables say, and rank 0 of 1 where there are none. */
  readonly launch?: Launch;
  /** Seconds that one wait for other ranks may take: at the start, in a collective, for a value. */
  readonly timeout?: number;
  /**
   * Seconds without a sign of life (of a machine that is down, a network that is cut, a process that is suspended) after which a
   * rank counts as lost; 8 by default. A rank that computes gives signs of life.
   */
  readonly silence?: number;
  /** Takes a note of who is missing, where a rank waits longer than 10 seconds for others to join, and again each minute. */
  readonly onWait?: (message: string) => void;
  /** The network interface between the ranks; `GLOO_SOCKET_IFNAME` by default, otherwise the one towards rank 0. */
  readonly networkInterface?: string;
}

/**
 * Joins the other ranks of this job, as its launcher says (torchrun, Slurm, MPI, Kubeflow, SkyPilot, `scalora launch`): resolves
 * once all are there. A process joins its job once.
 * @returns the group, which the caller disposes
 * @throws ScaloraError `usage` when the launcher's variables, a host or an interface are wrong, `run` when the ranks do not meet
 */
export async function initProcessGroup(options: InitOptions = {}): Promise<ProcessGroup> {
  const { env } = process;
  const { launch = readLaunch(env) ?? alone, timeout = usualTimeout, silence = usualSilence } = options;
  const networkInterface =
    options.networkInterface ?? (env["GLOO_SOCKET_IFNAME"]?.split(",")[0] || undefined);
  const host = await resolveHost(launch.store.host);
  const { spansMachines } = launch;
  const addressOn = (named: string | undefined) =>
    addressOfThisRank(launch.store.host, host, { networkInterface: named, spansMachines });
  let failure: unknown;
  const address = await addressOn(networkInterface).catch((error: unknown) => {
    // It joins all the same, and tells the others.
    failure = error;
    return addressOn(undefined);
  });
  const group = await ProcessGroup.connect({
    store: { host, port: launch.store.port, owner: launch.launcherHasStore ? "the launcher" : "rank 0" },
    isServer: launch.rank === 0 && !launch.launcherHasStore,
    job: launch.job,
    rank: launch.rank,
    size: launch.worldSize,
    address,
    timeout,
    ...(options.onWait && { onWait: options.onWait }),
    ...(launch.worldSize > 1 && { watch: (joining) => RankWatch.start(joining, address, silence) }),
  });
  try {
    if (failure !== undefined) await group.together(() => Promise.reject(failure));
  } catch (error) {
    group.dispose();
    throw error;
  }
  return group;
}
