// What makes our step fast, and what each technique is replaced by to see what it gives.

/** One module in the place of another where a third imports it; paths from the package's folder. */
export interface Replacement {
  readonly importer: string;
  readonly module: string;
  readonly by: string;
}

export interface Technique {
  readonly name: string;
  /** The technique, and what a step does without it. */
  readonly title: string;
  readonly instead: string;
  readonly replacements: readonly Replacement[];
  readonly environment?: Readonly<Record<string, string>>;
  /** Threads of the rows that show it; one by default. Several compute beside a busy thread. */
  readonly threads?: number;
  /** The only precision in which it makes a difference. */
  readonly dtype?: "float32";
}

const plain = (file: string) => `bench/techniques/plain/${file}`;
const torch = "src/torch/index.ts";
const side = "bench/peer/ours.ts";

const composed = (...importers: readonly string[]): Replacement[] =>
  importers.map((importer) => ({
    importer: `src/nn/${importer}`,
    module: "src/nn/can-use-fused-kernel.ts",
    by: plain("never-fused.ts"),
  }));

const single: readonly Technique[] = [
  {
    name: "padding",
    title: "no padding",
    instead: "rows padded to the longest of their batch",
    replacements: [{ importer: side, module: "src/data/collate.ts", by: plain("padded-rows.ts") }],
  },
  {
    name: "labels",
    title: "logits of label rows only",
    instead: "logits of all rows, then their log-softmax in float32",
    replacements: [
      { importer: "src/train/objective.ts", module: "src/nn/causal-loss.ts", by: plain("all-logits.ts") },
    ],
  },
  {
    name: "loss",
    title: "output layer, loss and its gradient in one pass by pieces",
    instead: "logits, log-softmax and sum of the label rows",
    replacements: [{ importer: "src/nn/causal-loss.ts", module: torch, by: plain("composed-loss.ts") }],
  },
  {
    name: "lora",
    title: "a layer with its LoRA as one operator",
    instead: "one operator a product, as in PEFT",
    replacements: [{ importer: "src/nn/linear.ts", module: torch, by: plain("composed-lora.ts") }],
  },
  {
    name: "attention",
    title: "scalora::causal_attention",
    instead: "ATen's attention, sequence by sequence",
    replacements: composed("attention.ts"),
  },
  {
    name: "fused",
    title: "RMSNorm, rotation and gate as one operator each",
    instead: "several operators each",
    replacements: composed("rms-norm.ts", "rotary-embedding.ts", "activations.ts"),
  },
  {
    name: "gemm",
    title: "the chosen GEMM backend",
    instead: "the other one",
    replacements: [{ importer: side, module: torch, by: plain("other-gemm.ts") }],
    dtype: "float32",
  },
  {
    name: "memory",
    title: "freed memory kept",
    instead: "malloc as it is",
    replacements: [{ importer: side, module: torch, by: plain("memory-returned.ts") }],
  },
];

/** What needs no other technique to be left out; the GEMM backend stays. */
const all: Technique = {
  name: "all",
  title: "all of the above but the GEMM backend",
  instead: "none of them",
  replacements: single.filter(({ name }) => name !== "gemm").flatMap(({ replacements }) => replacements),
};

const waiting: Technique = {
  name: "waiting",
  title: "threads that sleep while they wait (two, beside a busy one)",
  instead: "threads that spin",
  replacements: [],
  environment: { OMP_WAIT_POLICY: "active" },
  threads: 2,
};

export const techniques: readonly Technique[] = [...single, all, waiting];
