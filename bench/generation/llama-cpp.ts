// Greedy generation of ours from a Q8_0 file (`scalora export --format gguf --dtype q8_0`) beside llama.cpp's from the same file,
// by node-llama-cpp: the same prompts, the same number of new tokens, one alone and eight at once (its sequences share a
// context); one process a side, which take turns within a round. Counted is the time after the prompts.
//   npm run tool -- bench/generation/llama-cpp.ts --package DIR/node_modules/node-llama-cpp --model FILE.gguf
//     [--rounds 3] [--tokens 64] [--threads 1] [--core N]
// One thread: CPU seconds; more: wall seconds, on a machine that does nothing else. It needs node-llama-cpp (3.21) with the
// binary of its platform, which no package of ours depends on: `npm install node-llama-cpp` in a folder of its own.
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { basename, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { z } from "zod";
import { loadTokenizer } from "../../src/model-files/load-tokenizer.ts";
import { runsTypeScript } from "../../src/testing/child-process.ts";
import { elementAt } from "../../src/util/elements.ts";
import { median, type Round, ratioText, startSide, takeTurns } from "../sides.ts";

const batches = [1, 8];
const here = fileURLToPath(new URL(".", import.meta.url));
const { values: options } = parseArgs({
  options: {
    package: { type: "string", default: "" },
    model: { type: "string", default: "" },
    rounds: { type: "string", default: "3" },
    tokens: { type: "string", default: "64" },
    threads: { type: "string", default: "1" },
    core: { type: "string" },
  },
});
if (!existsSync(join(options.package, "package.json"))) {
  console.error("--package: the folder of node-llama-cpp is needed (npm install node-llama-cpp, elsewhere)");
  process.exit(2);
}
const sideResult = z.object({
  seconds: z.number(),
  promptSeconds: z.number(),
  peakMiB: z.number(),
  tokens: z.array(z.array(z.int())),
});
type SideResult = z.infer<typeof sideResult>;

const env = { ...process.env, OMP_NUM_THREADS: options.threads };
const scratch = mkdtempSync(join(tmpdir(), "scalora-llama-cpp-"));
try {
  const model = resolve(options.model);
  const promptsPath = await writePrompts(model);
  const rows: string[] = [];
  for (const batch of batches) rows.push(row(batch, await measure(model, promptsPath, batch)));
  const { version } = JSON.parse(readFileSync(join(options.package, "package.json"), "utf8"));
  const threads = `${options.threads} thread(s), ${options.threads === "1" ? "CPU" : "wall"} time`;
  console.log(`${basename(model)}, ${options.tokens} new tokens, ${threads}, ${cpus()[0]?.model}`);
  console.log(`| batch | node-llama-cpp ${version} tokens/s | ours | ratio, median (each round) | peak MiB | ours | tokens alike |
|---|---|---|---|---|---|---|
${rows.join("\n")}`);
} finally {
  rmSync(scratch, { recursive: true, force: true });
}

/** The questions as the model's tokenizer cuts them. */
async function writePrompts(model: string) {
  const { questions }: { questions: string[] } = JSON.parse(readFileSync(join(here, "prompts.json"), "utf8"));
  const tokenizer = await loadTokenizer(model);
  const prompts: number[][] = [];
  for (const question of questions) prompts.push([...(await tokenizer.encode(question)).ids]);
  const path = join(scratch, "prompts.json");
  writeFileSync(path, JSON.stringify({ folder: model, prompts }));
  return path;
}

/** Every round's result of each side, in the time after the prompts. */
async function measure(model: string, prompts: string, batch: number) {
  const start = (program: string, ...args: string[]) =>
    startSide(sideResult, process.execPath, [...runsTypeScript, join(here, program), ...args], {
      env,
      core: options.core,
    });
  const sides = [
    start("llama-cpp-side.ts", resolve(options.package), model, prompts, options.tokens),
    start("ours.ts", model, prompts, options.tokens, "float32", "q8_0"),
  ] as const;
  console.error(`batch ${batch}`);
  const rounds = await takeTurns(sides, Number(options.rounds), String(batch));
  return rounds.map(([theirs, ours]): Round<SideResult> => [afterPrompt(theirs), afterPrompt(ours)]);
}

function afterPrompt(result: SideResult): SideResult {
  return { ...result, seconds: result.seconds - result.promptSeconds };
}

function row(batch: number, rounds: readonly Round<SideResult>[]) {
  const sides = [rounds.map(([theirs]) => theirs), rounds.map(([, ours]) => ours)];
  const speed = ({ seconds }: SideResult) => (batch * (Number(options.tokens) - 1)) / seconds;
  const cells = [
    batch,
    ...sides.map((results) => median(results.map(speed)).toFixed(1)),
    ratioText(rounds),
    ...sides.map((results) => median(results.map(({ peakMiB }) => peakMiB)).toFixed(0)),
    alike(elementAt(rounds, 0)),
  ];
  return `| ${cells.join(" | ")} |`;
}

/** Tokens before the first that differs, of all. */
function alike([theirs, ours]: Round<SideResult>) {
  const counts = ours.tokens.map((tokens, i) => {
    const other = elementAt(theirs.tokens, i);
    const first = tokens.findIndex((token, k) => token !== other[k]);
    return first === -1 ? tokens.length : first;
  });
  const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
  return `${sum(counts)} of ${sum(ours.tokens.map(({ length }) => length))}`;
}
