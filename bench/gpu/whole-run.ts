// Whole runs of the command line on one device, with the embedded tiny model: train, resume from a checkpoint in the middle, export,
// generate, evaluate. `whole-run.ts --device cuda:0` fails where one of them does.
import { copyFileSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { main } from "../../src/cli/main.ts";

const { values } = parseArgs({
  options: { device: { type: "string", default: "cuda:0" }, tiny: { type: "boolean", default: false } },
});
const folder = mkdtempSync(join(tmpdir(), "scalora-gpu-"));
const text = join(folder, "text.txt");
copyFileSync("docs/training.md", text);

async function scalora(...args: string[]) {
  const status = await main(args);
  if (status !== 0) throw new Error(`scalora ${args.join(" ")} ended with ${status}`);
}

async function wholeRun(method: string, dtype: string) {
  const run = join(folder, `${method}-${dtype}`);
  const recipe = `${run}.yaml`;
  const section = {
    run: { name: `${method}-${dtype}`, folder },
    model: { path: "assets/tiny", device: values.device, dtype },
    adapter: method === "full" ? { method } : { method, rank: 4 },
    data: { train: text, maxLength: 64 },
    train: {
      steps: 6,
      batchSize: 2,
      lr: 1e-3,
      saveEvery: 3,
      evalEvery: 3,
      recompute: dtype === "bfloat16" ? "all" : "none",
    },
  };
  writeFileSync(recipe, JSON.stringify(section)); // JSON is YAML
  await scalora("train", recipe);
  const checkpoints = join(run, "checkpoints");
  const newest = readdirSync(checkpoints).toSorted().at(-1) ?? "";
  rmSync(join(checkpoints, newest), { recursive: true });
  await scalora("train", "--resume", run);
  await scalora("generate", run, "The", "--max-tokens", "8", "--device", values.device);
  await scalora("export", run, "--out", `${run}-merged`, "--device", values.device);
}

try {
  for (const method of ["lora", "scalora-i", "full"])
    for (const dtype of ["float32", "bfloat16"]) await wholeRun(method, dtype);
  await wholeRun("qlora", "bfloat16");
  console.log(JSON.stringify({ note: "7 runs" }));
} finally {
  rmSync(folder, { recursive: true, force: true });
}
