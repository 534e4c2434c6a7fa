import { defaultPort, type Nodes } from "../launch.ts";
import { Variables } from "../variables.ts";

/** SkyPilot runs a task's command once on each node and lists their addresses, one a line, in the order of their ranks. */
export function readSkyPilot(env: NodeJS.ProcessEnv): Nodes | undefined {
  if (!env["SKYPILOT_NODE_RANK"] && !env["SKYPILOT_NODE_IPS"]) return undefined;
  const variables = new Variables(env, "SkyPilot");
  const addresses = variables
    .requiredText("SKYPILOT_NODE_IPS", "run the command as a SkyPilot task")
    .split(/\s+/);
  const nodes = variables.integer("SKYPILOT_NUM_NODES", 1) ?? addresses.length;
  const nodeRank = variables.requiredInteger("SKYPILOT_NODE_RANK", 0, nodes - 1);
  const single = nodes === 1;
  return {
    launcher: "SkyPilot",
    nodeRank,
    nodes,
    store: single
      ? { host: "127.0.0.1", port: 0 }
      : variables.store(
          () => addresses[0] ?? variables.fail("SKYPILOT_NODE_IPS", "an address"),
          () => defaultPort,
        ),
    job: variables.text("SKYPILOT_TASK_ID") ?? "skypilot",
  };
}
