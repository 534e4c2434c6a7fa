// What work of others on the machine costs a training step, by how threads wait for each other and how many there are:
//   npm run tool -- bench/waiting.ts --model FOLDER [--threads 1,2] [--busy 0,1,2,4] [--rounds 3] [--steps 12] [--rows 32] [--policies "passive;1,000 spins"]
// Beside so many busy processes `scalora train` runs with each setting in turn. Start it on a machine with nothing else to do:
// the fair share is computed from the rows without busy processes.
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { readEvents } from "../src/run/read-events.ts";
import { rangeOf } from "./peer/statistics.ts";

/** How threads wait, as libgomp's environment says it; 300,000 turns of a loop are its own default. */
const policies: Readonly<Record<string, NodeJS.ProcessEnv>> = {
  "300,000 spins": { GOMP_SPINCOUNT: "300000" },
  active: { OMP_WAIT_POLICY: "active" },
  "10,000 spins": { GOMP_SPINCOUNT: "10000" },
  "1,000 spins": { GOMP_SPINCOUNT: "1000" },
  passive: { OMP_WAIT_POLICY: "passive" },
};

interface Setting {
  readonly busy: number;
  readonly threads: number;
  readonly policy: string;
}

const { values: options } = parseArgs({
  options: {
    model: { type: "string" },
    threads: { type: "string", default: "1,2" },
    busy: { type: "string", default: "0,1,2,4" },
    rounds: { type: "string", default: "3" },
    steps: { type: "string", default: "12" },
    rows: { type: "string", default: "32" },
    policies: { type: "string", default: Object.keys(policies).join(";") },
  },
});
const { model } = options;
for (const policy of options.policies.split(";"))
  if (policies[policy] === undefined) throw new Error(`--policies takes ${Object.keys(policies).join(";")}`);
if (model === undefined) throw new Error("name the folder of a causal language model with --model");
const numbers = (list: string) => list.split(",").map(Number);
const root = fileURLToPath(new URL("..", import.meta.url));
const scratch = mkdtempSync(join(tmpdir(), "scalora-waiting-"));
const print = (...cells: readonly string[]) => process.stdout.write(`| ${cells.join(" | ")} |\n`);

/** Computes until it is killed, or whoever started it is. */
const compute = `const parent = process.ppid;
while (process.ppid === parent) for (let turn = 0; turn < 1e7; turn++);`;

/** Steps of a run that are not counted: buffers are new, and kernels are chosen. */
const warmUp = 2;

try {
  print("busy", "threads", "waiting", "tokens a second, median (least to most)", "of the fair share");
  print(...Array.from({ length: 5 }, () => "---"));
  measureAll(model);
} finally {
  rmSync(scratch, { recursive: true });
}

function measureAll(folder: string): void {
  const idle = new Map<string, number>();
  for (const busy of numbers(options.busy)) {
    const settings = numbers(options.threads).flatMap((threads) =>
      options.policies
        .split(";")
        // One thread waits for nobody.
        .slice(threads === 1 ? -1 : 0)
        .map((policy): Setting => ({ busy, threads, policy })),
    );
    const rates = measureInTurns(settings, folder);
    for (const { threads, policy } of settings) {
      const { least, median, most } = rangeOf(rates.get(nameOf({ busy, threads, policy })) ?? []);
      if (busy === 0) idle.set(`${threads} ${policy}`, median);
      const share = Math.min(1, availableParallelism() / (threads + busy));
      // What spins on an idle machine is no measure of what it would do.
      const fair =
        share *
        Math.max(...[...idle].filter(([name]) => name.startsWith(`${threads} `)).map(([, rate]) => rate));
      const range = `${median.toFixed(0)} (${least.toFixed(0)} to ${most.toFixed(0)})`;
      print(
        `${busy}`,
        `${threads}`,
        policy,
        range,
        idle.size === 0 ? "–" : `${((100 * median) / fair).toFixed(0)} %`,
      );
    }
  }
}

function nameOf({ busy, threads, policy }: Setting): string {
  return `${busy}-${threads}-${policy.replaceAll(/\W/g, "")}`;
}

/** The rates of each setting; the order turns round from one round to the next, so that what comes and goes hits all alike. */
function measureInTurns(settings: readonly Setting[], folder: string): Map<string, number[]> {
  const rates = new Map<string, number[]>();
  for (let round = 0; round < Number(options.rounds); round++)
    for (const setting of round % 2 === 0 ? settings : settings.toReversed()) {
      const name = nameOf(setting);
      rates.set(name, [...(rates.get(name) ?? []), measure(setting, folder, `${name}-${round}`)]);
    }
  return rates;
}

/** Tokens a second of one run. */
function measure({ busy, threads, policy }: Setting, folder: string, name: string): number {
  const others = Array.from({ length: busy }, () => spawn(process.execPath, ["-e", compute]));
  try {
    train({ ...policies[policy], OMP_NUM_THREADS: `${threads}` }, folder, name);
  } finally {
    for (const other of others satisfies ChildProcess[]) other.kill("SIGKILL");
  }
  const steps = readEvents(join(scratch, name))
    .filter((event) => event.type === "step")
    .slice(warmUp);
  const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
  return sum(steps.map(({ tokens }) => tokens)) / sum(steps.map(({ seconds }) => seconds));
}

function train(env: NodeJS.ProcessEnv, folder: string, name: string): void {
  const recipe = join(scratch, "recipe.json");
  const sections = {
    model: { path: folder, device: "cpu", gemmBackend: "aten" },
    adapter: { method: "lora", rank: 8 },
    data: { train: join(root, "examples/data/train.jsonl"), eval: "none" },
    train: { steps: Number(options.steps), batchSize: Number(options.rows), lr: 1e-4 },
    run: { name, folder: scratch, samples: 0 },
  };
  writeFileSync(recipe, JSON.stringify(sections));
  const args = [join(root, "bin/scalora.mjs"), "train", recipe];
  // Without libgomp's variables of the caller.
  const { OMP_WAIT_POLICY: _, GOMP_SPINCOUNT: __, ...rest } = process.env;
  execFileSync(process.execPath, args, { env: { ...rest, ...env }, stdio: ["ignore", "ignore", "pipe"] });
}
