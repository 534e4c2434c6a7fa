import type { Command } from "commander";

/** Examples of each command, as the words after `npx scalora`. */
const examples: Readonly<Record<string, readonly string[]>> = {
  quickstart: ["quickstart", "quickstart --tiny --out runs/tiny"],
  init: ["init --data train.jsonl", "init --model models/SmolLM2-135M --data train.csv --out mine.yaml"],
  train: [
    "train recipe.yaml",
    "train recipe.yaml --set adapter.method=lora --set train.lr=2e-4 --set run.name=lora",
    "train --resume runs/lora",
  ],
  check: [
    "check recipe.yaml",
    "check recipe.yaml --set train.batchTokens=8192 --json",
    "check recipe.yaml --ranks 16 --latency 20 --bandwidth 25",
  ],
  data: ["data recipe.yaml", "data recipe.yaml --rows 10 --set data.maxLength=512"],
  compare: [
    "compare recipe.yaml --methods lora,scalora-i,full",
    "compare recipe.yaml --methods lora+rank=8,dora --seeds 0 --lrs 1e-4,3e-4 --jobs 2",
  ],
  board: ["board", "board experiments --port 8080", "board --host 0.0.0.0"],
  diff: ["diff runs/first runs/second", "diff runs/first runs/second --json"],
  analyze: ["analyze runs/mine", "analyze runs/mine --layers q_proj --out q_proj.html"],
  eval: [
    "eval runs/mine",
    "eval models/SmolLM2-135M --data test.jsonl --max-length 512",
    "eval runs/mine --tasks boolq,piqa --data benchmarks --limit 100 --predictions results.jsonl",
  ],
  generate: [
    'generate runs/mine "Once upon a time"',
    'generate smollm2-135m-instruct "What is a cat?" --chat --temperature 0.7 --seed 1',
  ],
  chat: ["chat runs/mine", 'chat smollm2-135m-instruct --system "Answer in one sentence."'],
  export: [
    "export runs/mine --out mine-merged",
    "export runs/mine --as svd --rank 16 --out mine-adapter",
    "export runs/mine --format gguf --dtype q8_0 --out mine.gguf",
  ],
  get: ["get", "get smollm2-135m-instruct", "get HuggingFaceTB/SmolLM2-360M"],
  convert: ["convert model.gguf models/converted", "convert model.gguf models/converted --json"],
  launch: ["launch --nproc 4 node my-program.mjs", "launch --nproc 2 -- python train.py --epochs 3"],
  ls: ["ls methods", "ls runs --json", "ls runs experiments"],
  doctor: ["doctor", "doctor --json"],
  setup: ["setup", "setup --verbose"],
  completion: [
    "completion bash > ~/.scalora-completion.bash",
    "completion fish > ~/.config/fish/completions/scalora.fish",
  ],
};

/** Ends the help of each command with its examples. */
export function addExamples(program: Command): void {
  for (const command of program.commands) {
    const lines = examples[command.name()]?.map((example) => `  npx scalora ${example}`);
    if (lines !== undefined) command.addHelpText("after", ["\nExamples:", ...lines].join("\n"));
  }
}
