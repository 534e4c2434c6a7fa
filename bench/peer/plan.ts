// The rows of `npm run bench`: what is trained, and under which conditions.
import { type Technique, techniques } from "../techniques/techniques.ts";
import { chatLengths, sentenceLengths } from "./lengths.ts";

/** A model that both sides train. */
export interface BenchModel {
  readonly name: string;
  readonly title: string;
  readonly task: "chat" | "classification";
  /** The config of a Llama of random weights, or the names by which `scalora get` and the hub's cache know the model. */
  readonly source:
    | { readonly random: Readonly<Record<string, number>> }
    | { readonly names: readonly string[] };
  /** A batch's rows, how many batches there are, and the tokens that a row is cut to. */
  readonly rows: number;
  readonly batches: number;
  readonly longest: number;
}

/** What is trained in which way. */
export interface Setting {
  readonly name: string;
  readonly model: BenchModel;
  readonly dtype: "float32" | "bfloat16";
  readonly threads: number;
  /** How many threads of another process compute all the time. */
  readonly busy: number;
}

/** A training step of ours, of A and of F. */
export interface StepRow extends Setting {
  readonly kind: "step";
}

/** A training step of ours with and without a technique. */
export interface TechniqueRow extends Setting {
  readonly kind: "technique";
  readonly technique: Technique;
}

/** Greedy generation of ours and llama.cpp's, from weights in 8 bits. */
export interface GenerationRow {
  readonly kind: "generation";
  readonly name: string;
  readonly model: BenchModel;
  readonly threads: number;
  /** Continued at once. */
  readonly sequences: number;
}

export type PlanRow = StepRow | TechniqueRow | GenerationRow;

/** The length of a row, and how many of its first tokens are the prompt (without a prompt, the row has a class). */
export interface RowLengths {
  readonly tokens: number;
  readonly prompt?: number;
}

const small = { hidden_size: 256, num_hidden_layers: 6, intermediate_size: 688 };
const medium = { hidden_size: 512, num_hidden_layers: 8, intermediate_size: 1376 };
const heads = { num_attention_heads: 8, num_key_value_heads: 4, vocab_size: 32000 };

export const models: readonly BenchModel[] = [
  {
    name: "S",
    title: "S, a random Llama (256 × 6 layers)",
    task: "chat",
    source: { random: { ...small, ...heads } },
    rows: 8,
    batches: 4,
    longest: 512,
  },
  {
    name: "M",
    title: "M, a random Llama (512 × 8 layers)",
    task: "chat",
    source: { random: { ...medium, ...heads } },
    rows: 8,
    batches: 2,
    longest: 512,
  },
  {
    name: "smollm2",
    title: "SmolLM2-135M",
    task: "chat",
    source: { names: ["smollm2-135m-instruct", "HuggingFaceTB/SmolLM2-135M-Instruct"] },
    rows: 4,
    batches: 2,
    longest: 256,
  },
  {
    name: "gemma3",
    title: "Gemma 3 270M",
    task: "chat",
    source: { names: ["gemma-3-270m", "google/gemma-3-270m"] },
    // transformers holds the logits of 262,144 tokens for every position, several times.
    rows: 2,
    batches: 2,
    longest: 256,
  },
  {
    name: "minilm",
    title: "MiniLM-L6, classification",
    task: "classification",
    source: { names: ["sentence-transformers/all-MiniLM-L6-v2"] },
    rows: 32,
    batches: 8,
    longest: 128,
  },
];

const dtypes = ["float32", "bfloat16"] as const;

const stepRows = models.flatMap((model) =>
  dtypes.flatMap((dtype) =>
    [1, 2].flatMap((threads) => [0, 1].map((busy) => stepRow(model, dtype, threads, busy))),
  ),
);

function stepRow(model: BenchModel, dtype: Setting["dtype"], threads: number, busy: number): StepRow {
  const name = `${model.name}-${dtype}-${threads}${busy === 0 ? "" : "-busy"}`;
  return { kind: "step", name, model, dtype, threads, busy };
}

const named = (...names: readonly string[]) => models.filter(({ name }) => names.includes(name));

const techniqueRows = named("S", "smollm2").flatMap((model) =>
  dtypes.flatMap((dtype) =>
    techniques
      .filter((technique) => (technique.dtype ?? dtype) === dtype)
      .map((technique): TechniqueRow => {
        const { threads = 1 } = technique;
        const name = `techniques-${model.name}-${dtype}-${technique.name}`;
        return { kind: "technique", name, model, dtype, threads, busy: threads - 1, technique };
      }),
  ),
);

const generationRows = named("smollm2").flatMap((model) =>
  [1, 2].flatMap((threads) =>
    [1, 8].map((sequences): GenerationRow => {
      const name = `generation-${model.name}-${threads}-${sequences}`;
      return { kind: "generation", name, model, threads, sequences };
    }),
  ),
);

/** All rows: what is measured first is what most people meet. */
export const plan: readonly PlanRow[] = [...stepRows, ...techniqueRows, ...generationRows];

/**
 * The rows that words name, each a row's name or the beginning of several; all rows without words.
 * @throws Error for a word that no name begins with
 */
export function chooseRows(words: readonly string[], rows: readonly PlanRow[] = plan): PlanRow[] {
  if (words.length === 0) return [...rows];
  const chosen = words.flatMap((word) => {
    const exact = rows.filter(({ name }) => name === word);
    const found = exact.length > 0 ? exact : rows.filter(({ name }) => name.startsWith(word));
    if (found.length > 0) return found;
    throw new Error(
      `no row begins with ${word}; the rows are:\n  ${rows.map(({ name }) => name).join("\n  ")}`,
    );
  });
  return rows.filter((row) => chosen.includes(row));
}

/** The lengths of the rows of each batch. */
export function batchLengths({ task, rows, batches, longest }: BenchModel): RowLengths[][] {
  const all: RowLengths[] =
    task === "chat"
      ? // A cut row keeps tokens of the answer.
        chatLengths.map(([prompt, tokens]) => ({
          prompt: Math.min(prompt, longest / 2),
          tokens: Math.min(tokens, longest),
        }))
      : sentenceLengths.map((tokens) => ({ tokens: Math.min(tokens, longest) }));
  return Array.from({ length: batches }, (_, i) => all.slice(rows * i, rows * (i + 1)));
}
