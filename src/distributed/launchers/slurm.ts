import type { Launch } from "../launch.ts";
import { Variables } from "../variables.ts";

/**
 * `srun`'s variables. A batch script has most of them too, for its job's tasks, but only a step that srun has started has a
 * number of tasks of its own, of which this process is one.
 */
export function readSlurm(env: NodeJS.ProcessEnv): Launch | undefined {
  if (!env["SLURM_PROCID"] || !env["SLURM_STEP_NUM_TASKS"]) return undefined;
  const variables = new Variables(env, "Slurm");
  const { rank, worldSize } = variables.rankOf("SLURM_PROCID", "SLURM_STEP_NUM_TASKS");
  const nodes = variables.integer("SLURM_STEP_NUM_NODES", 1) ?? variables.integer("SLURM_NNODES", 1) ?? 1;
  const job = variables.requiredInteger("SLURM_JOB_ID", 0);
  const step = variables.integer("SLURM_STEP_ID", 0) ?? 0;
  return {
    launcher: "Slurm",
    rank,
    worldSize,
    localRank: variables.requiredInteger("SLURM_LOCALID", 0),
    spansMachines: nodes > 1,
    store: variables.store(
      () => (nodes === 1 ? "127.0.0.1" : firstHost(hostList(variables))),
      () => portOf(job, step),
    ),
    launcherHasStore: false,
    job: `slurm-${job}.${step}/${variables.text("SLURM_RESTART_COUNT") ?? 0}`,
  };
}

function hostList(variables: Variables): string {
  const fix = "set MASTER_ADDR to the host of rank 0, on all ranks";
  return variables.text("SLURM_STEP_NODELIST") ?? variables.requiredText("SLURM_JOB_NODELIST", fix);
}

/** The first host of a list such as `gpu[003-006,9],login1`: gpu003. */
export function firstHost(list: string): string {
  const [first = list] = list.match(/^(?:[^,[]|\[[^\]]*\])+/) ?? [];
  return first.replaceAll(/\[([^\],-]+)[^\]]*\]/g, "$1");
}

/** Below the ports that systems give out, and another one for each of a user's jobs and steps that share a machine. */
function portOf(job: number, step: number): number {
  return 15000 + ((job * 31 + step) % 15000);
}
