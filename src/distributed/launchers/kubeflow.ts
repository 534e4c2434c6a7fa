import { defaultPort, type Nodes } from "../launch.ts";
import { Variables } from "../variables.ts";

/** Kubeflow Trainer sets torchrun's arguments (`PET_NNODES` is its `--nnodes`): one command on each node. */
export function readKubeflow(env: NodeJS.ProcessEnv): Nodes | undefined {
  if (!env["PET_NNODES"] && !env["PET_NODE_RANK"]) return undefined;
  const variables = new Variables(env, "Kubeflow");
  const { rank, worldSize } = variables.rankOf("PET_NODE_RANK", "PET_NNODES");
  const single = worldSize === 1;
  const fix = "set PET_MASTER_ADDR to the host of node 0, on all nodes";
  return {
    launcher: "Kubeflow",
    nodeRank: rank,
    nodes: worldSize,
    store: {
      host: single ? "127.0.0.1" : variables.requiredText("PET_MASTER_ADDR", fix),
      port: single ? 0 : (variables.integer("PET_MASTER_PORT", 1, 65535) ?? defaultPort),
    },
    job: variables.text("PET_RDZV_ID") ?? "kubeflow",
  };
}

/** How many processes Kubeflow wants on each node; 1 where it leaves that to torchrun ("auto", "cpu", "gpu"). */
export function processesPerNode(env: NodeJS.ProcessEnv): number {
  const text = env["PET_NPROC_PER_NODE"] ?? "";
  return /^[1-9]\d*$/.test(text) ? Number(text) : 1;
}
