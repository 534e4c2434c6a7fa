import { endQuickly, type ProcessGroup } from "../torch/index.ts";
import { initProcessGroup } from "./init-process-group.ts";
import { readLaunch } from "./read-launch.ts";

interface Host {
  readonly env: NodeJS.ProcessEnv;
  /** What a process needs before it joins others. */
  startEngine(): Promise<void>;
  /** Prints a text on stderr. */
  error(text: string): void;
}

/**
 * Does a work with the other processes of this job, if a launcher has started several. They are joined first, so that whatever
 * goes wrong on one of them is told to all. A process whose rank fails ends at once when JavaScript does.
 * @param silence seconds without a sign of life after which a rank counts as lost
 * @throws ScaloraError as `initProcessGroup`; what the work throws, or the error of the rank that failed first
 */
export async function onRanks<T>(
  host: Host,
  work: (group: ProcessGroup | undefined) => Promise<T>,
  silence?: number,
): Promise<T> {
  const launch = readLaunch(host.env);
  if (launch === undefined || launch.worldSize === 1) return await work(undefined);
  await host.startEngine();
  const onWait = (message: string) => host.error(`rank ${launch.rank}: ${message}`);
  using group = await initProcessGroup({ launch, onWait, ...(silence !== undefined && { silence }) });
  try {
    return await group.together(() => work(group));
  } catch (error) {
    endQuickly();
    throw error;
  }
}
