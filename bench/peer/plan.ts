// The rows of `npm run bench`: what is trained, and under which conditions.
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

/** A line of the table: a model under some conditions. */
export interface PlanRow {
  readonly name: string;
  readonly model: BenchModel;
  readonly dtype: "float32" | "bfloat16";
  readonly threads: number;
  /** How many threads of another process compute all the time. */
  readonly busy: number;
}

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
    ...{ rows: 8, batches: 4, longest: 512 },
  },
  {
    name: "M",
    title: "M, a random Llama (512 × 8 layers)",
    task: "chat",
    source: { random: { ...medium, ...heads } },
    ...{ rows: 8, batches: 2, longest: 512 },
  },
  {
    name: "smollm2",
    title: "SmolLM2-135M",
    task: "chat",
    source: { names: ["smollm2-135m-instruct", "HuggingFaceTB/SmolLM2-135M-Instruct"] },
    ...{ rows: 4, batches: 2, longest: 256 },
  },
  {
    name: "gemma3",
    title: "Gemma 3 270M",
    task: "chat",
    source: { names: ["gemma-3-270m", "google/gemma-3-270m"] },
    // transformers holds the logits of 262,144 tokens for every position, several times.
    ...{ rows: 2, batches: 2, longest: 256 },
  },
  {
    name: "minilm",
    title: "MiniLM-L6, classification",
    task: "classification",
    source: { names: ["sentence-transformers/all-MiniLM-L6-v2"] },
    ...{ rows: 32, batches: 8, longest: 128 },
  },
];

const dtypes = ["float32", "bfloat16"] as const;

/** All rows, those of one model together: what is measured first is what most people meet. */
export const plan: readonly PlanRow[] = models.flatMap((model) =>
  dtypes.flatMap((dtype) =>
    [1, 2].flatMap((threads) =>
      [0, 1].map((busy) => ({ name: rowName(model, dtype, threads, busy), model, dtype, threads, busy })),
    ),
  ),
);

function rowName({ name }: BenchModel, dtype: string, threads: number, busy: number): string {
  return `${name}-${dtype}-${threads}${busy === 0 ? "" : "-busy"}`;
}

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
