import { ProcessGroup } from "../torch/index.ts";
import { addressOfThisRank, resolveHost } from "./address.ts";
import { alone, type Launch } from "./launch.ts";
import { readLaunch } from "./read-launch.ts";

/** How to join the other ranks. */
export interface InitOptions {
  /** Which rank this process is; by default what the launcher's variables say, and rank 0 of 1 where there are none. */
  readonly launch?: Launch;
  /** Seconds that one wait for other ranks may take: at the start, in a collective, for a value. */
  readonly timeout?: number;
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
  const { launch = readLaunch(env) ?? alone, timeout = 600 } = options;
  const networkInterface =
    options.networkInterface ?? (env["GLOO_SOCKET_IFNAME"]?.split(",")[0] || undefined);
  const host = await resolveHost(launch.store.host);
  return await ProcessGroup.connect({
    store: { host, port: launch.store.port },
    isServer: launch.rank === 0 && !launch.launcherHasStore,
    job: launch.job,
    rank: launch.rank,
    size: launch.worldSize,
    address: await addressOfThisRank(launch.store.host, host, {
      networkInterface,
      spansMachines: launch.spansMachines,
    }),
    timeout,
  });
}
