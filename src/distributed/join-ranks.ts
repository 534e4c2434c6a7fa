import type { ProcessGroup } from "../torch/index.ts";
import { initProcessGroup } from "./init-process-group.ts";
import { readLaunch } from "./read-launch.ts";

/** Joins the other processes of this job, if a launcher has started several. @throws ScaloraError as `initProcessGroup` */
export async function joinRanks(env: NodeJS.ProcessEnv): Promise<ProcessGroup | undefined> {
  const launch = readLaunch(env);
  return launch === undefined || launch.worldSize === 1 ? undefined : await initProcessGroup({ launch });
}
