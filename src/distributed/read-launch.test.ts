import { describe, expect, it } from "vitest";
import { ScaloraError } from "../util/errors.ts";
import { describeLaunch } from "./launch.ts";
import { firstHost } from "./launchers/slurm.ts";
import { readLaunch, readNodes } from "./read-launch.ts";

/** As `torchrun --nnodes 2 --nproc-per-node 2` sets them (torch 2.11). */
const torchrun = {
  RANK: "3",
  WORLD_SIZE: "4",
  LOCAL_RANK: "1",
  LOCAL_WORLD_SIZE: "2",
  GROUP_RANK: "1",
  ROLE_RANK: "3",
  ROLE_NAME: "default",
  MASTER_ADDR: "head",
  MASTER_PORT: "29400",
  TORCHELASTIC_RESTART_COUNT: "1",
  TORCHELASTIC_MAX_RESTARTS: "3",
  TORCHELASTIC_RUN_ID: "none",
  TORCHELASTIC_USE_AGENT_STORE: "True",
};

/** As `srun --nodes 2 --ntasks-per-node 2` sets them. */
const slurm = {
  SLURM_JOB_ID: "1234567",
  SLURM_STEP_ID: "0",
  SLURM_NTASKS: "4",
  SLURM_STEP_NUM_TASKS: "4",
  SLURM_STEP_NUM_NODES: "2",
  SLURM_NNODES: "2",
  SLURM_PROCID: "2",
  SLURM_LOCALID: "0",
  SLURM_NODEID: "1",
  SLURM_JOB_NODELIST: "gpu[003-006]",
  SLURM_STEP_NODELIST: "gpu[004-005]",
};

/** As Open MPI 4 sets them, with the ranks on one machine. */
const openMpi = {
  OMPI_COMM_WORLD_RANK: "1",
  OMPI_COMM_WORLD_SIZE: "2",
  OMPI_COMM_WORLD_LOCAL_RANK: "1",
  OMPI_COMM_WORLD_LOCAL_SIZE: "2",
  PMIX_NAMESPACE: "77",
};

const mpich = { PMI_RANK: "1", PMI_SIZE: "4", MPI_LOCALRANKID: "1", MPI_LOCALNRANKS: "4" };

/** As Kubeflow Trainer sets them. */
const kubeflow = {
  PET_NNODES: "2",
  PET_NPROC_PER_NODE: "auto",
  PET_NODE_RANK: "1",
  PET_MASTER_ADDR: "job-node-0-0.job",
  PET_MASTER_PORT: "29500",
};

const skyPilot = {
  SKYPILOT_NODE_RANK: "1",
  SKYPILOT_NODE_IPS: "10.0.0.5\n10.0.0.6",
  SKYPILOT_NUM_NODES: "2",
  SKYPILOT_TASK_ID: "sky-2026-11-30-01-02-03-000000_cluster_1",
};

const refusal = (env: NodeJS.ProcessEnv) => {
  try {
    return readLaunch(env);
  } catch (error) {
    if (!(error instanceof ScaloraError)) throw error;
    return { code: error.code, what: error.message.split("\n")[0], found: error.found };
  }
};

describe("launchers", () => {
  it("are none where no variables are set", () => {
    expect(readLaunch({ PATH: "/bin", MASTER_ADDR: "head" })).toBeUndefined();
  });

  it("read torchrun's variables: its agent has the store, and each attempt is a job of its own", () => {
    expect(readLaunch(torchrun)).toEqual({
      launcher: "torchrun",
      rank: 3,
      worldSize: 4,
      localRank: 1,
      spansMachines: true,
      store: { host: "head", port: 29400 },
      launcherHasStore: true,
      job: "none/1",
    });
  });

  it("read variables that were set by hand", () => {
    const launch = readLaunch({ RANK: "0", WORLD_SIZE: "2", MASTER_ADDR: "10.0.0.1", MASTER_PORT: "1234" });
    const may = { spansMachines: true }; // nothing says that the ranks are on one machine
    expect(launch).toMatchObject({ rank: 0, worldSize: 2, localRank: 0, ...may, launcherHasStore: false });
    expect(readLaunch({ RANK: "0", WORLD_SIZE: "1", LOCAL_RANK: "3" })).toMatchObject({
      localRank: 3,
      spansMachines: false,
      store: { host: "127.0.0.1", port: 0 },
    });
  });

  it("read Slurm's variables: the step's own nodes, and a port of the job's", () => {
    expect(readLaunch(slurm)).toEqual({
      launcher: "Slurm",
      rank: 2,
      worldSize: 4,
      localRank: 0,
      spansMachines: true,
      store: { host: "gpu004", port: 15000 + ((1234567 * 31) % 15000) },
      launcherHasStore: false,
      job: "slurm-1234567.0/0",
    });
    const chosen = readLaunch({ ...slurm, MASTER_ADDR: "ib-gpu004", MASTER_PORT: "5555" });
    expect(chosen?.store).toEqual({ host: "ib-gpu004", port: 5555 });
  });

  it("take a batch script, which has Slurm's variables but is no task of a step, for no launcher", () => {
    const { SLURM_STEP_NUM_TASKS: _tasks, SLURM_STEP_ID: _step, ...batch } = slurm;
    expect(readLaunch(batch)).toBeUndefined();
  });

  it.each([
    ["node1", "node1"],
    ["node1,node2", "node1"],
    ["gpu[003-006,9],login1", "gpu003"],
    ["gpu[9,3-6]", "gpu9"],
    ["rack[2-3]-node[07-08],x", "rack2-node07"],
  ])("find the first host of Slurm's list %s", (list, host) => {
    expect(firstHost(list)).toBe(host);
  });

  it("read the variables of Open MPI and MPICH", () => {
    expect(readLaunch(openMpi)).toMatchObject({
      launcher: "Open MPI",
      rank: 1,
      worldSize: 2,
      localRank: 1,
      spansMachines: false,
      store: { host: "127.0.0.1", port: 29500 },
      job: "77",
    });
    expect(readLaunch(mpich)).toMatchObject({ launcher: "MPICH", rank: 1, worldSize: 4, localRank: 1 });
  });

  it("ask for the host of rank 0 where MPI's ranks are on several machines", () => {
    const spread = { ...openMpi, OMPI_COMM_WORLD_SIZE: "4" };
    expect(refusal(spread)).toMatchObject({ code: "usage", what: "MASTER_ADDR is not set" });
    expect(readLaunch({ ...spread, MASTER_ADDR: "head" })).toMatchObject({ spansMachines: true });
  });

  it("read the variables of Kubeflow and SkyPilot: one rank on each node", () => {
    expect(readLaunch(kubeflow)).toMatchObject({
      launcher: "Kubeflow",
      rank: 1,
      worldSize: 2,
      localRank: 0,
      spansMachines: true,
      store: { host: "job-node-0-0.job", port: 29500 },
    });
    expect(readLaunch(skyPilot)).toMatchObject({
      launcher: "SkyPilot",
      rank: 1,
      worldSize: 2,
      store: { host: "10.0.0.5", port: 29500 },
      job: skyPilot.SKYPILOT_TASK_ID,
    });
    expect(readNodes(skyPilot)).toMatchObject({ nodeRank: 1, nodes: 2 });
  });

  it("ask for `scalora launch` where Kubeflow wants several processes on a node", () => {
    expect(refusal({ ...kubeflow, PET_NPROC_PER_NODE: "4" })).toMatchObject({
      code: "usage",
      found: "PET_NPROC_PER_NODE=4",
    });
  });

  it("prefer the launcher that runs within another", () => {
    expect(readLaunch({ ...slurm, ...torchrun })?.launcher).toBe("torchrun");
    expect(readLaunch({ ...slurm, ...openMpi })?.launcher).toBe("Open MPI");
    expect(readLaunch({ ...slurm, ...mpich })?.launcher).toBe("MPICH");
    const { MPI_LOCALRANKID: _local, ...pmi2 } = mpich;
    expect(readLaunch({ ...slurm, ...pmi2 })?.launcher).toBe("Slurm");
    expect(readLaunch({ ...skyPilot, ...torchrun })?.launcher).toBe("torchrun");
  });

  it.each([
    [{ WORLD_SIZE: "2" }, "RANK is not set", "WORLD_SIZE=2"],
    [{ RANK: "0" }, "WORLD_SIZE is not set", "RANK=0"],
    [{ RANK: "2", WORLD_SIZE: "2", MASTER_ADDR: "a", MASTER_PORT: "1" }, "RANK is not valid", "RANK=2"],
    [{ RANK: "-1", WORLD_SIZE: "2" }, "RANK is not valid", "RANK=-1"],
    [{ RANK: "0", WORLD_SIZE: "two" }, "WORLD_SIZE is not valid", "WORLD_SIZE=two"],
    [{ RANK: "0", WORLD_SIZE: "2" }, "MASTER_ADDR is not set", undefined],
    [{ RANK: "0", WORLD_SIZE: "2", MASTER_ADDR: "a" }, "MASTER_PORT is not set", undefined],
    [
      { RANK: "0", WORLD_SIZE: "2", MASTER_ADDR: "a", MASTER_PORT: "70000" },
      "MASTER_PORT is not valid",
      "MASTER_PORT=70000",
    ],
    [{ ...slurm, SLURM_PROCID: "4" }, "SLURM_PROCID is not valid", "SLURM_PROCID=4"],
    [{ ...kubeflow, PET_NNODES: "1:4" }, "PET_NNODES is not valid", "PET_NNODES=1:4"],
    [{ ...kubeflow, PET_MASTER_ADDR: "" }, "PET_MASTER_ADDR is not set", undefined],
    [{ SKYPILOT_NODE_RANK: "0" }, "SKYPILOT_NODE_IPS is not set", undefined],
  ])("refuse %j", (env, what, found) => {
    expect(refusal(env)).toEqual({ code: "usage", what, found });
  });

  it("say what to do where variables set by hand are not complete", () => {
    expect(() => readLaunch({ WORLD_SIZE: "2" })).toThrow(
      expect.objectContaining({
        where: "the environment",
        fix: expect.stringMatching(/scalora launch.*unset WORLD_SIZE/),
      }),
    );
  });

  it("say that `scalora launch` has set them", () => {
    const byHand = { RANK: "0", WORLD_SIZE: "2", MASTER_ADDR: "head", MASTER_PORT: "1" };
    expect(readLaunch(byHand)?.launcher).toBe("a launcher like torchrun");
    expect(readLaunch({ ...byHand, SCALORA_LAUNCH: "1" })?.launcher).toBe("scalora launch");
  });

  it("are described in one line", () => {
    const launch = readLaunch(torchrun);
    expect(launch && describeLaunch(launch)).toBe(
      "rank 3 of 4, local rank 1, started by torchrun; store at head:29400",
    );
  });
});
