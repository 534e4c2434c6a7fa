// Greedy generation of ours (`generateBatch`, the engine of `scalora eval`) beside transformers' `generate`: fp32, the same
// folder of weights, the same prompts, the same number of new tokens; one process a side, which take turns within a
// round. The outputs are compared too.
//   npm run tool -- bench/generation/run.ts --python PYTHON --model FOLDER|M [--rounds 3] [--tokens 128] [--threads 1] [--core N]
// M is a Llama of random weights (prepare.py). PYTHON has torch 2.11.0 and transformers 5.17.0. One thread: CPU
// seconds; more: wall seconds, on a machine that does nothing else.
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { basename, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { z } from "zod";
import { runsTypeScript } from "../../src/testing/child-process.ts";
import { elementAt } from "../../src/util/elements.ts";
import { median, type Round, ratioText, startSide, takeTurns } from "../sides.ts";
import { promptsFile } from "./prompts-file.ts";

const batches = [1, 8];
const here = fileURLToPath(new URL(".", import.meta.url));
const { values: options } = parseArgs({
  options: {
    python: { type: "string", default: "" },
    model: { type: "string", default: "M" },
    rounds: { type: "string", default: "3" },
    tokens: { type: "string", default: "128" },
    threads: { type: "string", default: "1" },
    core: { type: "string" },
  },
});
if (!existsSync(options.python)) {
  console.error("--python: a Python with torch 2.11.0 and transformers 5.17.0 is needed");
  process.exit(2);
}
const sideResult = z.object({
  seconds: z.number(),
  peakMiB: z.number(),
  tokens: z.array(z.array(z.int())),
});
type SideResult = z.infer<typeof sideResult>;

const env = { ...process.env, OMP_NUM_THREADS: options.threads };
const scratch = mkdtempSync(join(tmpdir(), "scalora-generation-"));
try {
  const model = options.model === "M" ? "M" : resolve(options.model);
  const count = String(Math.max(...batches));
  execFileSync(options.python, [join(here, "prepare.py"), scratch, model, count], {
    env,
    stdio: "pipe",
  });
  const threads = `${options.threads} thread(s), ${options.threads === "1" ? "CPU" : "wall"} time`;
  const rows: string[] = [];
  for (const batch of batches) rows.push(row(batch, await measure(batch)));
  console.log(`${basename(model)}, ${options.tokens} new tokens, ${threads}, ${cpus()[0]?.model}`);
  console.log(`| batch | transformers tokens/s | ours | ratio, median (each round) | peak MiB | ours | same tokens |
|---|---|---|---|---|---|---|
${rows.join("\n")}`);
} finally {
  rmSync(scratch, { recursive: true, force: true });
}

/** Every round's result of each side. */
function measure(batch: number) {
  const path = join(scratch, "prompts.json");
  const { folder } = promptsFile.parse(JSON.parse(readFileSync(path, "utf8")));
  const start = (command: string, ...program: string[]) =>
    startSide(sideResult, command, [...program, folder, path, options.tokens], { env, core: options.core });
  const sides = [
    start(options.python, join(here, "theirs.py")),
    start(process.execPath, ...runsTypeScript, join(here, "ours.ts")),
  ] as const;
  console.error(`batch ${batch}`);
  return takeTurns(sides, Number(options.rounds), String(batch));
}

function row(batch: number, rounds: readonly Round<SideResult>[]) {
  const sides = [rounds.map(([theirs]) => theirs), rounds.map(([, ours]) => ours)];
  const speed = ({ seconds }: SideResult) => (batch * Number(options.tokens)) / seconds;
  const cells = [
    batch,
    ...sides.map((results) => median(results.map(speed)).toFixed(1)),
    ratioText(rounds),
    ...sides.map((results) => median(results.map(({ peakMiB }) => peakMiB)).toFixed(0)),
    sameOutputs(elementAt(rounds, 0)),
  ];
  return `| ${cells.join(" | ")} |`;
}

/** How many outputs are the same to the last token. */
function sameOutputs([theirs, ours]: Round<SideResult>) {
  const same = ours.tokens.filter((tokens, i) => tokens.join() === theirs.tokens[i]?.join());
  return `${same.length} of ${ours.tokens.length}`;
}
