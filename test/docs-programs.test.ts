import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type ProgramBlock, programBlocks } from "../scripts/repository/program-blocks.ts";
import { parseRecipe } from "../src/config/index.ts";
import { runTraining } from "../src/recipes/run-training.ts";
import { runsTypeScript } from "../src/testing/child-process.ts";
import { writeTinyBert } from "../src/testing/tiny-bert.ts";
import { writeTinyLlama } from "../src/testing/tiny-llama.ts";
import { temporaryFolder } from "../src/testing/tiny-run.ts";

/** Programs that cannot run here, by a text in them, and why. */
const notRun: Readonly<Record<string, string>> = {
  'from "./chat.mjs"':
    "chat.mjs needs node-llama-cpp, which is no dependency (its binary is 85 MB): test/deployed-chat.test.ts runs it where that is",
};

const repository = fileURLToPath(new URL("..", import.meta.url));
const scratch = temporaryFolder();
const at = (...parts: string[]) => join(scratch.path, ...parts);
const programs = programBlocks();
const reasonNotToRun = ({ code }: ProgramBlock) => Object.keys(notRun).find((text) => code.includes(text));

/** What a program printed, and how it ended. */
interface Outcome {
  readonly program: string;
  readonly output: string;
  readonly error?: string;
}

/** A reader's folder: the names that the pages use stand for tiny models, data and runs. A path wins over a name. */
async function makeReadersFolder(): Promise<void> {
  symlinkSync(join(repository, "assets"), at("assets"));
  writeTinyLlama(at("smollm2-135m-instruct"));
  writeTinyBert(at("google-bert", "bert-base-uncased"));
  const exercises = readFileSync(join(repository, "examples/data/train.jsonl"), "utf8");
  mkdirSync(at("runs", "quickstart", "data"), { recursive: true });
  writeFileSync(at("runs", "quickstart", "data", "train.jsonl"), exercises);
  const rows = Array.from({ length: 12 }, (_, i) => ({ prompt: `${i}?`, completion: ` ${i}!` }));
  writeFileSync(at("rows.jsonl"), rows.map((row) => JSON.stringify(row)).join("\n"));
  const recipe = {
    model: { path: at("smollm2-135m-instruct") },
    adapter: { method: "scalora", rank: 2 },
    data: { train: at("rows.jsonl"), eval: { holdOut: 4 } },
    train: { steps: 2, batchSize: 4, warmup: 0, lr: 0.01 },
    run: { name: "first-try", folder: at("runs") },
  };
  writeFileSync(at("recipe.yaml"), JSON.stringify(recipe));
  await runTraining(parseRecipe(recipe));
}

/** Runs every program, one after another in one process, which is much faster than a process for each. */
const runner = `
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { format } from "node:util";
const outcomes = [];
for (const program of JSON.parse(readFileSync("programs.json", "utf8"))) {
  const outcome = { program, output: "" };
  outcomes.push(outcome);
  const write = (text) => { outcome.output += String(text); return true; };
  const [stdout, log] = [process.stdout.write, console.log];
  process.stdout.write = write;
  console.log = (...values) => write(format(...values) + "\\n");
  try { await import("./" + program); }
  catch (error) { outcome.error = String(error?.stack ?? error); }
  [process.stdout.write, console.log] = [stdout, log];
  rmSync("out", { recursive: true, force: true });
  writeFileSync("outcomes.json", JSON.stringify(outcomes));
}
`;

const outcomes = new Map<string, Outcome>();

const nameOf = ({ page, line, language }: ProgramBlock) =>
  `${page.replaceAll("/", "-")}.${line}.${language === "ts" ? "mts" : "mjs"}`;

beforeAll(async () => {
  await makeReadersFolder();
  const runnable = programs.filter((program) => reasonNotToRun(program) === undefined);
  for (const program of runnable)
    writeFileSync(
      at(nameOf(program)),
      "\n".repeat(program.line) +
        program.code.replaceAll('"scalora"', JSON.stringify(join(repository, "src/index.ts"))),
    );
  writeFileSync(at("programs.json"), JSON.stringify(runnable.map(nameOf)));
  writeFileSync(at("runner.mts"), runner);
  const { status, stderr } = spawnSync(
    process.execPath,
    ["--disable-warning=ExperimentalWarning", ...runsTypeScript, "runner.mts"],
    { cwd: scratch.path, encoding: "utf8" },
  );
  const all: Outcome[] = JSON.parse(readFileSync(at("outcomes.json"), "utf8"));
  for (const outcome of all) outcomes.set(outcome.program, outcome);
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
});
afterAll(() => {
  rmSync(at("assets"));
  scratch.remove();
});

test.each(programs.map((program) => ({ name: `${program.page}:${program.line}`, program })))(
  "the program $name runs",
  ({ program }) => {
    if (reasonNotToRun(program) !== undefined) return;
    const { error, output } = outcomes.get(nameOf(program)) ?? {};
    expect({ error, hasRun: output !== undefined }).toEqual({ error: undefined, hasRun: true });
  },
);

test("what is said not to run is a program, and has a reason", () => {
  expect(programs.length).toBeGreaterThan(7);
  for (const [text, reason] of Object.entries(notRun)) {
    expect(
      programs.some(({ code }) => code.includes(text)),
      text,
    ).toBe(true);
    expect(reason.length).toBeGreaterThan(20);
  }
});

test("the README's program learns", () => {
  const output = [...outcomes.values()].find(({ program }) => program.startsWith("README.md"))?.output ?? "";
  const [, before, after] = /^held-out loss (\S+) → (\S+)$/m.exec(output) ?? [];
  expect(Number(after)).toBeLessThan(Number(before));
});
