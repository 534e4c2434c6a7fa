import { ScaloraError } from "../util/errors.ts";
import { alone, type Launch, type Nodes, rankOfNode } from "./launch.ts";
import { processesPerNode, readKubeflow } from "./launchers/kubeflow.ts";
import { readMpich, readOpenMpi } from "./launchers/mpi.ts";
import { readSkyPilot } from "./launchers/skypilot.ts";
import { readSlurm } from "./launchers/slurm.ts";
import { readTorchrun } from "./launchers/torchrun.ts";

/**
 * Launchers that start every rank. The first whose variables are there counts: one that runs within another comes before it
 * (torchrun or mpirun within Slurm).
 */
const launchers = [readTorchrun, readOpenMpi, readMpich, readSlurm];

/** Launchers that start one command on each machine. */
const nodeLaunchers = [readKubeflow, readSkyPilot];

/**
 * What the launcher of this process says, by its variables: torchrun's, Open MPI's, MPICH's, Slurm's, Kubeflow's or
 * SkyPilot's, in this order.
 * @returns undefined where none are set
 * @throws ScaloraError `usage` that names the variable which is missing or wrong
 */
export function readLaunch(env: NodeJS.ProcessEnv): Launch | undefined {
  const launch = firstDefined(launchers, env);
  if (launch !== undefined) return launch;
  const nodes = readNodes(env);
  if (nodes === undefined) return undefined;
  const perNode = nodes.launcher === "Kubeflow" ? processesPerNode(env) : 1;
  if (perNode === 1) return rankOfNode(nodes);
  throw new ScaloraError("usage", `${nodes.launcher} asks for several processes on each node`, {
    found: `PET_NPROC_PER_NODE=${perNode}`,
    fix: `start the command with \`scalora launch --nproc ${perNode}\``,
  });
}

/** `readLaunch`; alone where no launcher has started this process or its variables are wrong, which only matters to who joins. */
export function launchOrAlone(env: NodeJS.ProcessEnv): Launch {
  try {
    return readLaunch(env) ?? alone;
  } catch {
    return alone;
  }
}

/** What a launcher says to the one process that it starts on each machine; undefined where none did. */
export function readNodes(env: NodeJS.ProcessEnv): Nodes | undefined {
  return firstDefined(nodeLaunchers, env);
}

function firstDefined<T>(
  readers: readonly ((env: NodeJS.ProcessEnv) => T | undefined)[],
  env: NodeJS.ProcessEnv,
): T | undefined {
  for (const read of readers) {
    const found = read(env);
    if (found !== undefined) return found;
  }
  return undefined;
}
