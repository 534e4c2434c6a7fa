// The files of examples/cluster: what they say to their tools, and that their commands, with the variables that their launchers
// set, train as one process does. The real torchrun and mpirun run the commands of docs/distributed.md, and so does its first
// section.
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parseAllDocuments, parse as parseYaml, stringify } from "yaml";
import { readEvents } from "../src/run/read-events.ts";
import { cacheFolder } from "../src/setup/paths.ts";
import { runsTypeScript } from "../src/testing/child-process.ts";
import { temporaryFolder } from "../src/testing/tiny-run.ts";
import { writeTinyProject } from "../src/testing/tiny-trained-run.ts";
import { freePort } from "../src/util/free-port.ts";

const repository = fileURLToPath(new URL("..", import.meta.url));
const examples = join(repository, "examples/cluster");
const program = fileURLToPath(new URL("../src/cli/testing/run-main.ts", import.meta.url));
const scratch = temporaryFolder();
const bin = join(scratch.path, "bin");
afterAll(scratch.remove);

const read = (name: string) => readFileSync(join(examples, name), "utf8");
const documents = (name: string) => parseAllDocuments(read(name)).map((document) => document.toJS());

/** Programs that stand for those of a cluster's machines. */
const programs = {
  scalora: `exec ${[process.execPath, ...runsTypeScript, program].map((word) => `'${word}'`).join(" ")} "$@"`,
  npx: 'exec "$@"',
  // Starts the tasks of a step on one machine, and fails when one of them does.
  srun: `
    while [ "\${1#--}" != "$1" ]; do shift; done
    export SLURM_STEP_ID=0 SLURM_STEP_NUM_TASKS=$SLURM_NTASKS SLURM_STEP_NUM_NODES=1 SLURM_STEP_NODELIST=node7
    pids= task=0 code=0
    while [ $task -lt $SLURM_NTASKS ]; do
      SLURM_PROCID=$task SLURM_LOCALID=$task "$@" & pids="$pids $!"
      task=$((task + 1))
    done
    for pid in $pids; do wait $pid || code=1; done
    exit $code`,
};

/** A folder with a recipe that trains a tiny model for three steps. */
function projectFolder(name: string, accumulate = 1): string {
  const folder = scratch.fresh(name);
  mkdirSync(folder);
  const recipe = {
    model: { path: join(scratch.path, "model"), device: "cpu" },
    adapter: { method: "lora", rank: 2 },
    data: { train: join(scratch.path, "train.jsonl"), eval: { holdOut: 8 } },
    train: { steps: 3, batchSize: 4, lr: 1e-2, accumulate },
    run: { name: "cluster", folder: "runs", samples: 0 },
  };
  writeFileSync(join(folder, "recipe.yaml"), stringify(recipe));
  return folder;
}

/** Runs a program in a folder to its end, which is expected to be a good one. */
async function run(folder: string, [command = "", ...args]: readonly string[], env: NodeJS.ProcessEnv = {}) {
  const path = `${bin}${delimiter}${process.env["PATH"]}`;
  const child = spawn(command, args, { cwd: folder, env: { ...process.env, ...env, PATH: path } });
  child.stdin.end();
  let stderr = "";
  child.stdout.resume();
  child.stderr.on("data", (text) => {
    stderr += text;
  });
  const code = await new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", resolve);
  });
  expect({ code, stderr: code === 0 ? "" : stderr }).toEqual({ code: 0, stderr: "" });
  return stderr;
}

/** Runs a command as two ranks, each with its variables. @returns what rank 0 printed on stderr */
async function runTwo(folder: string, command: readonly string[], env: (rank: number) => NodeJS.ProcessEnv) {
  const [first = ""] = await Promise.all([0, 1].map((rank) => run(folder, command, env(rank))));
  return first;
}

/** The panel of a run says what has started its processes. */
const expectLauncher = (launcher: string, printed: string) =>
  expect(printed).toMatch(new RegExp(`processes +2, started by ${launcher}\\b`));

/** The losses of a folder's run, with the number of its processes. */
function losses(folder: string): number[] {
  const events = readEvents(join(folder, "runs", "cluster"));
  return events.flatMap((event) => (event.type === "step" || event.type === "eval" ? [event.loss] : []));
}

let expected: number[] = [];

beforeAll(async () => {
  writeTinyProject(scratch.path);
  mkdirSync(bin);
  for (const [name, script] of Object.entries(programs))
    writeFileSync(join(bin, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  const alone = projectFolder("alone", 2);
  await run(alone, ["scalora", "train", "recipe.yaml"]);
  expected = losses(alone);
  expect(expected).toHaveLength(5);
});

test("docs/distributed.md shows that two ranks give the bits of one process", async () => {
  const folder = scratch.fresh("clone");
  mkdirSync(folder);
  for (const name of ["assets", "examples"]) symlinkSync(join(repository, name), join(folder, name));
  const page = readFileSync(join(repository, "docs/distributed.md"), "utf8");
  const [first = "", second = ""] = [...page.matchAll(/^```sh\n(.*?)^```/gms)].map(([, block]) =>
    block?.trim(),
  );
  expect(second).toContain(first); // whose result has a name there
  await run(folder, ["bash", "-ec", `{ ${second}\n} > printed`], { SCALORA_GEMM_BACKEND: "aten" });
  const { steps } = parseYaml(readFileSync(join(folder, "examples/tiny.yaml"), "utf8")).train;
  expect(readFileSync(join(folder, "printed"), "utf8")).toMatch(
    new RegExp(`\\nlosses  equal, bit by bit, in ${steps} steps\\n$`),
  );
  expect(page).toContain(`equal, bit by bit, in ${steps} steps`);
}, 120_000);

test("every example has a test", () => {
  const tested = [
    "Dockerfile",
    "compose.yaml",
    "kubeflow.yaml",
    "kubernetes.yaml",
    "skypilot.yaml",
    "slurm.sh",
  ];
  expect(readdirSync(examples).sort()).toEqual(tested);
});

describe("Slurm", () => {
  const directives = Object.fromEntries(
    [...read("slurm.sh").matchAll(/^#SBATCH --([\w-]+)=?(.*)$/gm)].map(([, name, value]) => [name, value]),
  );

  test("the script asks for tasks with cores, and for a signal before the end", () => {
    expect(directives).toMatchObject({ nodes: "2", "ntasks-per-node": "4", "cpus-per-task": "8" });
    expect(directives["signal"]).toBe("TERM@120");
  });

  test("the script trains, and resumes when it is submitted again", async () => {
    const folder = projectFolder("slurm");
    mkdirSync(join(folder, "node_modules/.bin"), { recursive: true });
    symlinkSync(join(bin, "scalora"), join(folder, "node_modules/.bin/scalora"));
    const batch = {
      SLURM_JOB_ID: `${process.pid}`,
      SLURM_NTASKS: "2",
      SLURM_CPUS_PER_TASK: "1",
      SLURM_JOB_NODELIST: "node[7-8]",
      SLURM_PROCID: "0",
    };
    expectLauncher("Slurm", await run(folder, ["bash", join(examples, "slurm.sh")], batch));
    expect(losses(folder)).toEqual(expected);
    expect(await run(folder, ["bash", join(examples, "slurm.sh")], batch)).toContain("already finished");
  });
});

describe("docker compose", () => {
  const { services } = parseYaml(read("compose.yaml"), { merge: true });

  test("two containers of one image with one folder, of which the second waits for the first to start", () => {
    expect(Object.keys(services)).toEqual(["rank0", "rank1"]);
    const { rank0, rank1 } = services;
    for (const { build, command, volumes } of [rank0, rank1])
      expect({ build, command, volumes }).toEqual({
        build: ".",
        command: "scalora train recipe.yaml",
        volumes: [".:/work"],
      });
    const shared = { WORLD_SIZE: "2", MASTER_ADDR: "rank0", MASTER_PORT: "29500" };
    expect(rank0.environment).toEqual({ RANK: "0", ...shared });
    expect(rank1).toMatchObject({ environment: { RANK: "1", ...shared }, depends_on: ["rank0"] });
    expect(read("Dockerfile")).toMatch(/^WORKDIR \/work$/m);
  });

  test("the commands train with the variables", async () => {
    const [folder, port] = [projectFolder("compose"), await freePort()];
    const network = { MASTER_ADDR: "127.0.0.1", MASTER_PORT: `${port}` };
    const printed = await runTwo(folder, services.rank0.command.split(" "), (rank) => ({
      ...services[`rank${rank}`].environment,
      ...network,
    }));
    expectLauncher("a launcher like torchrun", printed);
    expect(losses(folder)).toEqual(expected);
  });
});

describe("Kubernetes", () => {
  const [service, job] = documents("kubernetes.yaml");
  const { completions, parallelism, completionMode, template } = job.spec;
  const [container] = template.spec.containers;

  test("an indexed Job whose pods know their rank, and find the first by the service", () => {
    expect(job).toMatchObject({ apiVersion: "batch/v1", kind: "Job" });
    expect({ completions, parallelism, completionMode }).toEqual({
      completions: 2,
      parallelism: 2,
      completionMode: "Indexed",
    });
    expect(service.spec).toMatchObject({ clusterIP: "None", publishNotReadyAddresses: true });
    expect(service.spec.selector).toEqual({ "batch.kubernetes.io/job-name": job.metadata.name });
    expect(template.spec).toMatchObject({ subdomain: service.metadata.name, restartPolicy: "Never" });
    const values = container.env.map(({ name, value, valueFrom }: Record<string, unknown>) => [
      name,
      value ?? valueFrom,
    ]);
    const index = "metadata.annotations['batch.kubernetes.io/job-completion-index']";
    expect(Object.fromEntries(values)).toEqual({
      RANK: { fieldRef: { fieldPath: index } },
      WORLD_SIZE: `${completions}`,
      MASTER_ADDR: `${job.metadata.name}-0.${service.metadata.name}`,
      MASTER_PORT: "29500",
    });
    expectMounted(template.spec, container);
  });

  test("the command trains with the variables", async () => {
    const [folder, port] = [projectFolder("kubernetes"), await freePort()];
    const shared = { WORLD_SIZE: "2", MASTER_ADDR: "127.0.0.1", MASTER_PORT: `${port}` };
    const printed = await runTwo(folder, [...container.command, ...container.args], (rank) => ({
      ...shared,
      RANK: `${rank}`,
    }));
    expectLauncher("a launcher like torchrun", printed);
    expect(losses(folder)).toEqual(expected);
  });
});

describe("Kubeflow Trainer", () => {
  const [runtime, job] = documents("kubeflow.yaml");
  const { trainer } = job.spec;

  test("a TrainJob with a runtime of its own, whose containers get torch's variables", () => {
    for (const { apiVersion } of [runtime, job]) expect(apiVersion).toBe("trainer.kubeflow.org/v1alpha1");
    expect(job.spec.runtimeRef).toEqual({
      apiGroup: "trainer.kubeflow.org",
      kind: runtime.kind,
      name: runtime.metadata.name,
    });
    expect(runtime.spec.mlPolicy).toEqual({ numNodes: trainer.numNodes, torch: {} });
    expect(trainer).toMatchObject({ numNodes: 2, numProcPerNode: 1 });
    const [node, ...others] = runtime.spec.template.spec.replicatedJobs;
    expect(others).toEqual([]);
    // Trainer finds what it sets variables for by this label and these two names.
    expect(node.name).toBe("node");
    expect(node.template.metadata.labels).toEqual({
      "trainer.kubeflow.org/trainjob-ancestor-step": "trainer",
    });
    const pod = node.template.spec.template.spec;
    expect(pod.containers[0].name).toBe("node");
    expectMounted(pod, pod.containers[0]);
  });

  test("the command trains with the variables", async () => {
    const [folder, port] = [projectFolder("kubeflow"), await freePort()];
    const network = { PET_MASTER_ADDR: "127.0.0.1", PET_MASTER_PORT: `${port}` };
    const printed = await runTwo(folder, [...trainer.command, ...trainer.args], (rank) => ({
      ...network,
      PET_NNODES: `${trainer.numNodes}`,
      PET_NPROC_PER_NODE: `${trainer.numProcPerNode}`,
      PET_NODE_RANK: `${rank}`,
    }));
    expectLauncher("Kubeflow", printed);
    expect(losses(folder)).toEqual(expected);
  });
});

/** The volume of a pod is where its command works. */
function expectMounted(pod: Record<string, unknown>, container: Record<string, unknown>) {
  expect(pod["volumes"]).toEqual([{ name: "work", persistentVolumeClaim: { claimName: "work" } }]);
  expect(container["volumeMounts"]).toEqual([{ name: "work", mountPath: container["workingDir"] }]);
}

describe("SkyPilot", () => {
  const task = parseYaml(read("skypilot.yaml"));

  test("one command on each of two machines", () => {
    expect(Object.keys(task).sort()).toEqual(["envs", "name", "num_nodes", "resources", "run", "workdir"]);
    expect(task).toMatchObject({ num_nodes: 2, workdir: ".", envs: { XDG_CACHE_HOME: "/opt/cache" } });
    expect(read("Dockerfile")).toMatch(/^ENV XDG_CACHE_HOME=\/opt\/cache$/m);
  });

  test("the command trains with the variables", async () => {
    const folder = projectFolder("skypilot");
    const nodes = { SKYPILOT_NUM_NODES: "2", SKYPILOT_NODE_IPS: "127.0.0.1\n127.0.0.1" };
    const port = { MASTER_PORT: `${await freePort()}` }; // other tests use the default one
    const printed = await runTwo(folder, ["bash", "-c", task.run], (rank) => ({
      ...nodes,
      ...port,
      SKYPILOT_NODE_RANK: `${rank}`,
    }));
    expectLauncher("SkyPilot", printed);
    expect(losses(folder)).toEqual(expected);
  });
});

describe("launchers that are installed here", () => {
  const torchrun = installed("torchrun", peers());

  test("torchrun", async ({ skip }) => {
    if (torchrun === undefined)
      return skip("there is no torchrun on the PATH, nor in the cache (npm run bench)");
    const folder = projectFolder("torchrun");
    const options = ["--no-python", "--standalone", "--nproc-per-node", "2"];
    const printed = await run(folder, [torchrun, ...options, "npx", "scalora", "train", "recipe.yaml"]);
    expectLauncher("torchrun", printed);
    expect(losses(folder)).toEqual(expected);
  });

  test("mpirun", async ({ skip }) => {
    if (installed("mpirun") === undefined) return skip("there is no mpirun on the PATH");
    const folder = projectFolder("mpirun");
    const allowed = { OMPI_ALLOW_RUN_AS_ROOT: "1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM: "1" };
    const port = { MASTER_PORT: `${await freePort()}` };
    const options = ["--oversubscribe", "-x", "MASTER_PORT", "-n", "2"];
    // By its name: by its path it would put its own folder before the others of the PATH.
    const printed = await run(folder, ["mpirun", ...options, "npx", "scalora", "train", "recipe.yaml"], {
      ...allowed,
      ...port,
    });
    expectLauncher("Open MPI", printed);
    expect(losses(folder)).toEqual(expected);
  });
});

/** The folders of the Python environments that the benchmarks have made. */
function peers(): string[] {
  const folder = join(cacheFolder(), "peer");
  return existsSync(folder) ? readdirSync(folder).map((name) => join(folder, name, "bin")) : [];
}

function installed(name: string, folders: readonly string[] = []): string | undefined {
  const onPath = (process.env["PATH"] ?? "").split(delimiter);
  return [...onPath, ...folders].map((folder) => join(folder, name)).find((path) => existsSync(path));
}
