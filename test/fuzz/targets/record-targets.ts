import { readFileSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { loadRecipe, recipeToYaml } from "../../../src/config/recipe.ts";
import { loadExamples, readRows } from "../../../src/data/index.ts";
import { loadTokenizer } from "../../../src/model-files/load-tokenizer.ts";
import { parseControl } from "../../../src/run/control-command.ts";
import { listRuns } from "../../../src/run/list-runs.ts";
import { readEvents } from "../../../src/run/read-events.ts";
import { readStatus } from "../../../src/run/status.ts";
import { byteTokenizer } from "../../../src/testing/tiny-llama.ts";
import type { Tokenizer } from "../../../src/tokenizer/index.ts";
import { type Mutator, mutateBytes, oneOf } from "../mutate/bytes.ts";
import { mutateJson } from "../mutate/json.ts";
import { mutateParquet } from "../mutate/parquet.ts";
import { mutateLines, mutateText } from "../mutate/text.ts";
import { bytesOf, golden, type Target } from "../target.ts";

let tokenizer: Tokenizer | undefined;

/** A data file, whose rows become examples. */
function dataTarget(name: string, file: string, seeds: Uint8Array[], mutate: Mutator): Target {
  return {
    name,
    file,
    seeds,
    mutate,
    prepare: (folder) => writeFileSync(join(folder, "tokenizer.json"), JSON.stringify(byteTokenizer)),
    use: async (folder) => {
      tokenizer ??= await loadTokenizer(folder);
      const limits = { maxLength: 64, tooLong: "truncate" } as const;
      await loadExamples({ train: join(folder, file), ...limits }, tokenizer, limits);
    },
  };
}

const rows = {
  completions: [
    { prompt: "2+2=", completion: "4" },
    { prompt: "naïve 😀", completion: "x\ny" },
  ],
  alpaca: [{ instruction: "Add", input: "2, 2", output: "4" }],
  messages: [
    {
      messages: [
        { role: "user", content: "Hi" },
        { role: "assistant", content: "Hello" },
      ],
    },
  ],
  texts: [{ text: "Once upon a time" }, { text: "" }],
};

const asLines = (values: readonly object[]) =>
  bytesOf(values.map((value) => `${JSON.stringify(value)}\n`).join(""));

const rowValues = ['{"prompt":"a","completion":"b"}', '[{"role":"user","content":"x"}]', '"user"', '"text"'];

const jsonl = dataTarget(
  "jsonl",
  "rows.jsonl",
  Object.values(rows).map(asLines),
  oneOf(mutateLines(mutateJson(rowValues)), mutateLines(mutateJson(rowValues)), mutateBytes),
);

const json = dataTarget("json-rows", "rows.json", Object.values(rows).map(bytesOf), mutateJson(rowValues));

const csvWords = ['"', '""', ",", ";", "\t", "\n", "\r\n", "\r", '","', "prompt", "completion", "text"];

const csv = dataTarget(
  "csv",
  "rows.csv",
  [
    bytesOf('prompt,completion\n2+2=,4\n"a, ""b""\nc",d\n'),
    bytesOf("text\r\nOnce upon a time\r\n"),
    bytesOf("instruction,input,output\nAdd,1,2\n"),
  ],
  oneOf(mutateText(csvWords), mutateText(csvWords), mutateBytes),
);

const parquet: Target = {
  name: "parquet",
  file: "rows.parquet",
  seeds: [golden("tables", "mrpc.parquet"), golden("tables", "stsb.parquet")],
  isSlow: true,
  mutate: mutateParquet,
  use: async (folder) => {
    for await (const _row of readRows(join(folder, "rows.parquet")));
  },
};

const recipeWords = [
  "&a",
  "*a",
  "&a [*a]",
  "<<: *a",
  "!!binary",
  "!!js/function",
  "---",
  "...",
  "? ",
  "- ",
  ": ",
  "{",
  "}",
  "|",
  ">",
  "\t",
  "1e9",
  ".inf",
  ".nan",
  "~",
  "0x10",
  "2001-01-01",
  "scalora",
  "lora",
  "batchTokens",
  "holdOut",
];

const recipesFolder = fileURLToPath(new URL("../../../recipes/", import.meta.url));
const recipeNames = ["smollm2-chat", "paper/glue/cola", "paper/commonsense/llama2-7b", "stories-shakespeare"];
/** The recipes of the package, with a model folder that exists. */
const recipeTexts = recipeNames.map((name) =>
  readFileSync(join(recipesFolder, `${name}.yaml`), "utf8").replace(/(model:.*path: )[^,}\n]+/s, "$1."),
);
const recipeValues = {
  model: { path: ".", dtype: "float32" },
  adapter: { method: "scalora", rank: 8, targetModules: ["q_proj", "v_proj"], scale: { columnNorm: 0.5 } },
  data: { train: [{ path: "a.jsonl", weight: 2 }, { path: "b.csv" }], eval: { holdOut: 8 }, maxLength: 512 },
  train: { steps: 10, lr: 1e-3, batchTokens: 2048, schedule: "cosine", seed: 3, evalEvery: 5 },
  run: { name: "x", folder: "runs", samples: ["Hi"] },
};

const recipe: Target = {
  name: "recipe",
  file: "recipe.yaml",
  seeds: [...recipeTexts.map(bytesOf), bytesOf(recipeValues), bytesOf(recipeValues)],
  mutate: oneOf(
    mutateText(recipeWords),
    mutateJson(['"lora"', '"full"', '"auto"', '{"holdOut":0.1}']),
    mutateBytes,
  ),
  use: (folder) => {
    const options = { cwd: folder, needsData: false };
    recipeToYaml(loadRecipe(join(folder, "recipe.yaml"), options));
  },
};

/** The examples of the documentation: one event of each type. */
const documented = readFileSync(new URL("../../../docs/run-folder.md", import.meta.url), "utf8");
const exampleEvents = [...documented.matchAll(/^\{"time":.*\}$/gm)].map(([line]) => line).join("\n");

const runsFolder = "runs/one";
const asRun = (folder: string) => writeFileSync(join(folder, "runs/one/config.yaml"), "");

const eventValues = ['"step"', '"resume"', '"start"', '"end"', '"format"', '"eval"'];

const events: Target = {
  name: "events",
  file: `${runsFolder}/events.jsonl`,
  seeds: [bytesOf(exampleEvents)],
  mutate: oneOf(mutateLines(mutateJson(eventValues)), mutateLines(mutateJson(eventValues)), mutateBytes),
  prepare: asRun,
  use: (folder) => readEvents(join(folder, runsFolder)),
};

const exampleStatus = {
  version: 1,
  state: "running",
  method: "lora",
  model: "m",
  step: 3,
  totalSteps: 10,
  loss: 1.5,
  evalLoss: null,
  bestEvalLoss: null,
  bestStep: null,
  lr: 1e-3,
  tokensPerSecond: 10,
  memory: 1e9,
  remaining: 3,
  message: null,
  process: { pid: 1, host: hostname(), startTime: "1" },
  startedAt: "2026-01-01T12:00:00.100Z",
  updatedAt: "2026-01-01T12:00:00.100Z",
};

const status: Target = {
  name: "status",
  file: `${runsFolder}/status.json`,
  seeds: [bytesOf(exampleStatus)],
  mutate: mutateJson(['"finished"', '"running"', "2"]),
  prepare: asRun,
  use: (folder) => {
    listRuns(join(folder, "runs"));
    readStatus(join(folder, runsFolder));
  },
};

const control: Target = {
  name: "control",
  file: "control.json",
  seeds: [bytesOf({ version: 1, command: "pause" })],
  mutate: mutateJson(['"stop"', '"checkpoint"', "2"]),
  use: (folder) => parseControl(readFileSync(join(folder, "control.json"), "utf8")),
};

/** Data, recipes, and the records of runs. */
export const recordTargets: readonly Target[] = [jsonl, json, csv, parquet, recipe, events, status, control];
