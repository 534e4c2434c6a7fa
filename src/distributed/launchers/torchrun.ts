import { type Launch, launchVariable } from "../launch.ts";
import { Variables } from "../variables.ts";

const bothFix =
  "start the processes with a launcher, such as `npx scalora launch --nproc 2 …`; for one process alone unset WORLD_SIZE and RANK";

/**
 * The variables of torchrun, `scalora launch`, Kubeflow's PyTorchJob and of scripts that set them by hand. torchrun's agent has
 * the store itself (`TORCHELASTIC_USE_AGENT_STORE`) and keeps it when it starts the ranks again.
 */
export function readTorchrun(env: NodeJS.ProcessEnv): Launch | undefined {
  if (!env["RANK"] && !env["WORLD_SIZE"]) return undefined;
  const launcher = env["TORCHELASTIC_RUN_ID"] ? "torchrun" : undefined;
  const variables = new Variables(env, launcher);
  const { rank, worldSize } = variables.rankOf("RANK", "WORLD_SIZE", bothFix);
  const single = worldSize === 1;
  const fix = "set MASTER_ADDR to the host of rank 0 and MASTER_PORT to a free port there, on all ranks";
  const store = variables.store(
    () => (single ? "127.0.0.1" : variables.fail("MASTER_ADDR", "the host of rank 0", { fix })),
    () => (single ? 0 : variables.fail("MASTER_PORT", "a port of rank 0's machine", { fix })),
  );
  const local = variables.integer("LOCAL_WORLD_SIZE", 1, worldSize);
  return {
    launcher: launcher ?? (env[launchVariable] ? "scalora launch" : "a launcher like torchrun"),
    rank,
    worldSize,
    localRank: variables.integer("LOCAL_RANK", 0, single ? undefined : worldSize - 1) ?? 0,
    spansMachines: local === undefined ? !single : local < worldSize,
    store,
    launcherHasStore: env["TORCHELASTIC_USE_AGENT_STORE"] === "True",
    job: `${variables.text("TORCHELASTIC_RUN_ID") ?? "job"}/${variables.text("TORCHELASTIC_RESTART_COUNT") ?? 0}`,
  };
}
