// Greedy generation of ours from a Q8_0 file of our own export beside llama.cpp's from the same file, by node-llama-cpp: the same
// prompts, the same number of new tokens, one alone or eight at once (its sequences share a context); one process a side, which
// take turns. Counted is the time after the prompts: CPU seconds with one thread, else seconds on the clock.
import { readFileSync, writeFileSync } from "node:fs";
import { loadavg } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { exportGguf } from "../../src/export/export-merged.ts";
import { loadTokenizer } from "../../src/model-files/load-tokenizer.ts";
import { loadModel } from "../../src/models/index.ts";
import { runsTypeScript } from "../../src/testing/child-process.ts";
import { elementAt } from "../../src/util/elements.ts";
import type { GenerationRow } from "../peer/plan.ts";
import type { MeasuredGeneration } from "../peer/results.ts";
import { median, type Round, startSide, takeTurns } from "../sides.ts";
import { version } from "./node-llama-cpp.ts";

const newTokens = 64;
const here = fileURLToPath(new URL(".", import.meta.url));
const sideResult = z.object({
  seconds: z.number(),
  promptSeconds: z.number(),
  peakMiB: z.number(),
  tokens: z.array(z.array(z.int())),
});
type SideResult = z.infer<typeof sideResult>;

/** What both sides generate from. */
interface GenerationFiles {
  readonly gguf: string;
  readonly prompts: string;
}

/**
 * Writes a model as a Q8_0 file, and the questions as its tokenizer cuts them.
 * @param model a folder or a GGUF file
 */
export async function prepareGeneration(model: string, out: string): Promise<GenerationFiles> {
  const [gguf, path] = [join(out, "model.gguf"), join(out, "prompts.json")];
  using loaded = await loadModel(model, { dtype: "float32", device: "cpu" });
  exportGguf({ model: loaded, adapters: undefined, baseFolder: model }, gguf, { dtype: "q8_0" });
  const { questions }: { questions: string[] } = JSON.parse(readFileSync(join(here, "prompts.json"), "utf8"));
  const tokenizer = await loadTokenizer(model);
  const prompts: number[][] = [];
  for (const question of questions) prompts.push([...(await tokenizer.encode(question)).ids]);
  writeFileSync(path, JSON.stringify({ folder: model, prompts }));
  return { gguf, prompts: path };
}

/** Measures a row. @param nodeLlamaCpp the package's folder */
export async function measureGeneration(
  { name, model, threads, sequences }: GenerationRow,
  files: GenerationFiles,
  { nodeLlamaCpp, rounds: count }: { nodeLlamaCpp: string; rounds: number },
): Promise<MeasuredGeneration> {
  const env = { ...process.env, OMP_NUM_THREADS: `${threads}`, OMP_WAIT_POLICY: "passive" };
  const start = (program: string, ...args: string[]) =>
    startSide(sideResult, process.execPath, [...runsTypeScript, join(here, program), ...args], {
      env,
      core: undefined,
    });
  const before = elementAt(loadavg(), 0);
  const tokens = String(newTokens);
  const sides = [
    start("llama-cpp-side.ts", nodeLlamaCpp, files.gguf, files.prompts, tokens),
    start("ours.ts", files.gguf, files.prompts, tokens, "float32", "q8_0"),
  ] as const;
  const rounds = await takeTurns(sides, count, String(sequences));
  const peak = (side: 0 | 1) => median(rounds.map((round) => round[side].peakMiB));
  return {
    name,
    title: model.title,
    threads,
    sequences,
    newTokens,
    version,
    date: new Date().toISOString(),
    seconds: rounds.map(([theirs, ours]) => ({ theirs: afterPrompt(theirs), ours: afterPrompt(ours) })),
    peakMiB: { theirs: peak(0), ours: peak(1) },
    alike: alike(elementAt(rounds, 0)),
    load: { average: [before, elementAt(loadavg(), 0)] },
  };
}

const afterPrompt = ({ seconds, promptSeconds }: SideResult) => seconds - promptSeconds;

/** Tokens before the first that differs. */
function alike([theirs, ours]: Round<SideResult>): number {
  const counts = ours.tokens.map((tokens, i) => {
    const other = elementAt(theirs.tokens, i);
    const first = tokens.findIndex((token, k) => token !== other[k]);
    return first === -1 ? tokens.length : first;
  });
  return counts.reduce((total, value) => total + value, 0);
}
