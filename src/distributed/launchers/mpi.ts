import { defaultPort, type Launch } from "../launch.ts";
import { Variables } from "../variables.ts";

/** The names of an MPI's variables. */
interface Names {
  readonly launcher: string;
  readonly rank: string;
  readonly size: string;
  readonly localRank: string;
  readonly localSize: string;
  /** How its mpirun gives a variable to all ranks. */
  readonly fix: string;
}

const openMpi: Names = {
  launcher: "Open MPI",
  rank: "OMPI_COMM_WORLD_RANK",
  size: "OMPI_COMM_WORLD_SIZE",
  localRank: "OMPI_COMM_WORLD_LOCAL_RANK",
  localSize: "OMPI_COMM_WORLD_LOCAL_SIZE",
  fix: "mpirun -x MASTER_ADDR=HOST, the host of rank 0",
};

/** MPICH, Intel MPI and MVAPICH share the launcher Hydra. Under `srun --mpi=pmi2` the local rank is not set: that is Slurm. */
const hydra: Names = {
  launcher: "MPICH",
  rank: "PMI_RANK",
  size: "PMI_SIZE",
  localRank: "MPI_LOCALRANKID",
  localSize: "MPI_LOCALNRANKS",
  fix: "mpiexec -genv MASTER_ADDR HOST, the host of rank 0",
};

export const readOpenMpi = (env: NodeJS.ProcessEnv): Launch | undefined => read(env, openMpi);
export const readMpich = (env: NodeJS.ProcessEnv): Launch | undefined => read(env, hydra);

/** MPI does not say where rank 0 is, which matters only when the ranks are on several machines. */
function read(env: NodeJS.ProcessEnv, names: Names): Launch | undefined {
  if (!env[names.rank] || !env[names.localRank]) return undefined;
  const variables = new Variables(env, names.launcher);
  const { rank, worldSize } = variables.rankOf(names.rank, names.size);
  const spansMachines = variables.requiredInteger(names.localSize, 1, worldSize) < worldSize;
  return {
    launcher: names.launcher,
    rank,
    worldSize,
    localRank: variables.requiredInteger(names.localRank, 0, worldSize - 1),
    spansMachines,
    store: variables.store(
      () =>
        spansMachines ? variables.fail("MASTER_ADDR", "the host of rank 0", { fix: names.fix }) : "127.0.0.1",
      () => defaultPort,
    ),
    launcherHasStore: false,
    job: variables.text("PMIX_NAMESPACE") ?? variables.text("PMI_JOBID") ?? "mpi",
  };
}
