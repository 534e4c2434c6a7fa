// Causes each fault of a job of 2 or 3 ranks many times, and counts what came of it: all ranks ended within 10 seconds, the others
// named the rank, the checkpoints are whole, and the resumed run came to the same end as one without a fault.
//   npm run tool -- bench/faults.ts [--times 20] [--only 'SIGKILL|disk']
// Cuts of the network need root and network namespaces, a full disk needs root: without these their rows say so.

import { spawnSync } from "node:child_process";
import { mkdirSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { temporaryFolder } from "../src/testing/tiny-run.ts";
import { capitalRows, writeTinyProject } from "../src/testing/tiny-trained-run.ts";
import type { Outcome } from "../test/faults/outcome.ts";
import { type Fault, faults } from "./faults/faults.ts";
import { Network, whyNoNetwork } from "./faults/network.ts";
import { type Bench, type TrialResult, tryFault, wholeRun } from "./faults/trial.ts";

const { values } = parseArgs({
  options: { times: { type: "string", default: "20" }, only: { type: "string", default: "" } },
});
const times = Number(values.times);
const chosen = faults.filter(({ name }) => new RegExp(values.only).test(name));

const scratch = temporaryFolder();
const disk = join(scratch.path, "disk");
const steps = 24;

function writeJob(): void {
  writeTinyProject(scratch.path);
  writeFileSync(join(scratch.path, "other.jsonl"), capitalRows(48, 1));
  const recipe = {
    plugins: [fileURLToPath(new URL("../src/testing/faulty-method.ts", import.meta.url))],
    model: { path: "model", device: "cpu" },
    adapter: { method: "faulty" },
    data: { train: "train.jsonl", eval: { holdOut: 8 } },
    train: { steps, batchSize: 4, lr: 1e-2, saveEvery: 6, evalEvery: 12 },
    run: { samples: 0 },
  };
  writeFileSync(join(scratch.path, "recipe.yaml"), JSON.stringify(recipe));
}

/** A disk of 16 MB, which can be filled to the last byte. */
function mountDisk(): Bench["disk"] {
  mkdirSync(disk);
  const { status } = spawnSync("mount", ["-t", "tmpfs", "-o", "size=16m", "none", disk]);
  if (status !== 0) return undefined;
  const filler = join(disk, "filler");
  return {
    path: disk,
    fill: () => {
      const { bavail, bsize } = statfsSync(disk);
      try {
        writeFileSync(filler, new Uint8Array(bavail * bsize));
      } catch {
        // The run has written meanwhile: it is full.
      }
    },
    clear: () => rmSync(filler, { force: true }),
  };
}

/** Why a fault cannot be caused here. */
function obstacle({ needs }: Fault): string | undefined {
  if (needs === "network") return noNetwork;
  return needs === "disk" && bench.disk === undefined ? "mounting takes root" : undefined;
}

async function row(fault: Fault): Promise<void> {
  const why = obstacle(fault);
  if (why !== undefined) {
    print([fault.name, `not here: ${why}`, "", "", ""]);
    return;
  }
  const results: TrialResult[] = [];
  for (let trial = 0; trial < times; trial++) {
    const size = fault.needs === "network" ? 2 : 2 + (trial % 2);
    const rank = fault.rank ?? trial % size;
    const step = 3 + ((trial * 7) % (steps - 8));
    const name = `trial-${chosen.indexOf(fault)}-${trial}`;
    const result = await tryFault(bench, fault, {
      size,
      rank,
      step,
      name,
      whole: await reference(size, fault),
    });
    results.push(result);
    if (result.output !== "")
      process.stderr.write(
        `${fault.name}, trial ${trial}: ${JSON.stringify({ ...result, output: "" })}\n${result.output}\n`,
      );
  }
  const seconds = results.map((result) => result.seconds).sort((a, b) => a - b);
  const at = (share: number) => seconds[Math.floor(share * (seconds.length - 1))]?.toFixed(1);
  const held = (key: "inTime" | "named" | "whole" | "sameEnd") => {
    const those = results.map((result) => result[key]).filter((value) => value !== undefined);
    return those.length === 0 ? "–" : `${those.filter(Boolean).length} of ${those.length}`;
  };
  const goesOn = fault.leadsTo === "go on";
  print([
    fault.name,
    goesOn ? "goes on" : `${held("inTime")} (${at(0)} / ${at(0.5)} / ${at(1)} s)`,
    ...[held("named"), held("whole"), held("sameEnd")],
  ]);
}

const references = new Map<string, Promise<Outcome>>();
function reference(size: number, { settings = [] }: Fault): Promise<Outcome> {
  const key = `${size} ${settings.join(" ")}`;
  const known = references.get(key) ?? wholeRun(bench, { size, settings, name: `whole-${references.size}` });
  references.set(key, known);
  return known;
}

const print = (cells: readonly string[]) => process.stdout.write(`| ${cells.join(" | ")} |\n`);

const needsNetwork = chosen.some(({ needs }) => needs === "network");
const noNetwork = needsNetwork ? whyNoNetwork() : undefined;
writeJob();
using network = needsNetwork && noNetwork === undefined ? new Network() : undefined;
const bench: Bench = { folder: scratch.path, network, disk: mountDisk() };
try {
  print(["fault", "all ended in 10 s (least / median / most)", "named", "checkpoints whole", "same end"]);
  print(["---", "---", "---", "---", "---"]);
  for (const fault of chosen) await row(fault);
} finally {
  if (bench.disk) spawnSync("umount", ["--lazy", disk]);
  scratch.remove();
}
