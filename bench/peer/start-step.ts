// Starts the sides of a training step, and compares what they compute with A in float32.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { runsTypeScript } from "../../src/testing/child-process.ts";
import { elementAt } from "../../src/util/elements.ts";
import { type Side, startSide } from "../sides.ts";
import type { Technique } from "../techniques/techniques.ts";
import { batchesFile, countTokens } from "./batches.ts";
import { type Checked, compare } from "./compare.ts";
import type { Setting } from "./plan.ts";
import type { PreparedModel } from "./prepare.ts";
import type { Difference, SideName } from "./results.ts";
import { type SideAnswer, sideAnswer } from "./side-files.ts";

/** What a row needs. */
export interface Bench {
  readonly python: string;
  readonly rounds: number;
  /** A folder for the files of this row. */
  readonly scratch: string;
}

/** What is trained, and in which precision and number of threads. */
export interface Step extends Pick<Setting, "dtype" | "threads"> {
  readonly prepared: PreparedModel;
}

const here = (file: string) => fileURLToPath(new URL(file, import.meta.url));

/** What a user or a tuner sets in the environment. Ours: what the command line sets. */
const environments: Readonly<Record<SideName, NodeJS.ProcessEnv>> = {
  A: {},
  ours: { OMP_WAIT_POLICY: "passive" },
  F: {
    OMP_WAIT_POLICY: "passive",
    MALLOC_MMAP_THRESHOLD_: "8589934592",
    MALLOC_TRIM_THRESHOLD_: "8589934592",
  },
};

/** Starts a side. @param without the technique that ours does without */
export function startStep(
  side: SideName,
  { prepared, dtype, threads }: Step,
  { python, scratch }: Bench,
  without?: Technique,
): Side<SideAnswer> {
  const job = join(scratch, `${side}-job.json`);
  writeFileSync(job, JSON.stringify({ ...prepared, dtype }));
  const program = without === undefined ? "ours.ts" : "../techniques/ours-without.ts";
  const [command, ...args] =
    side === "ours"
      ? [process.execPath, ...runsTypeScript, here(program), job, ...(without ? [without.name] : [])]
      : [python, here("theirs.py"), side, job];
  const env = {
    ...process.env,
    ...environments[side],
    ...without?.environment,
    OMP_NUM_THREADS: `${threads}`,
  };
  return startSide(sideAnswer, command, args, { core: undefined, env });
}

/**
 * The loss and gradients of A in float32, which all sides are compared with.
 * @param bench.scratch keeps the gradients
 */
export async function referenceOf(prepared: PreparedModel, bench: Bench): Promise<Checked> {
  const side = startStep("A", { prepared, dtype: "float32", threads: 1 }, bench);
  try {
    return await check(side, join(bench.scratch, "reference"));
  } finally {
    side.end();
  }
}

/** How far a side's first loss and its gradients are from the reference. @param gradients the folder to write them into */
export async function differenceOf(
  side: Side<SideAnswer>,
  name: string,
  reference: Checked,
  gradients: string,
): Promise<Difference> {
  const found = compare(reference, await check(side, gradients));
  const { loss, gradient, tensor } = found;
  console.error(
    `  ${name}: loss ${loss.toExponential(1)}, worst gradient ${gradient.toExponential(1)} (${tensor})`,
  );
  return found;
}

async function check(side: Side<SideAnswer>, gradients: string): Promise<Checked> {
  const { losses } = await side.ask(`check ${gradients}`);
  return { loss: elementAt(losses, 0), gradients };
}

/** What the results say of a row before it is measured. */
export function describeRow({ name, model, dtype, threads, busy }: Setting, { batches }: PreparedModel) {
  return {
    name,
    title: model.title,
    dtype,
    threads,
    busy,
    date: new Date().toISOString(),
    ...countTokens(batchesFile.parse(JSON.parse(readFileSync(batches, "utf8")))),
  };
}
