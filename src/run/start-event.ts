import { z } from "zod";
import { count, json } from "./fields.ts";

const taskTypeSchema = z.enum(["causal-lm", "classification", "regression"]);

/** What is learnt: the next token, the class of a sequence, or a number. */
export type TaskType = z.output<typeof taskTypeSchema>;

const modelSchema = z.object({
  path: z.string().describe("Folder or file that the model was loaded from"),
  family: z.string().describe("Architecture, as `scalora ls models` names it"),
  layers: count().describe("Transformer blocks"),
  hiddenSize: count().describe("Width of the hidden states"),
  vocabSize: count().describe("Rows of the embedding"),
  hash: z
    .string()
    .optional()
    .describe("Hash of the weights as they were loaded (`hashModel`); absent in older runs"),
});

const dataSchema = z
  .object({
    files: z
      .array(
        z.object({
          path: z.string(),
          sha256: z.string(),
          format: z.string(),
          rows: count(),
        }),
      )
      .optional()
      .describe("Training files: path, SHA-256 of the bytes (hexadecimal), format, rows"),
    hashes: z
      .object({ train: z.string(), eval: z.string() })
      .optional()
      .describe("Hashes of the tokenised rows that are trained on and of those held out"),
    dropped: z
      .array(z.object({ source: z.string(), reason: z.string() }))
      .optional()
      .describe("Rows that were left out: where each comes from, and why"),
    rows: count().optional().describe("Rows trained on"),
    heldOut: count().optional().describe("Rows held out for evaluation"),
    tokens: count().optional().describe("Tokens of the rows trained on"),
    labelTokens: count()
      .optional()
      .describe("Labels of the rows trained on: tokens, or rows of a classification"),
    truncated: count().optional().describe("Rows cut to `data.maxLength`"),
    notes: z.array(z.string()).optional().describe("What a person should know of the files"),
    labels: z
      .union([z.string(), z.array(z.string())])
      .optional()
      .describe("Names of the classes; of a language model, which tokens are trained on, in words"),
  })
  .catchall(json());

const environmentSchema = z
  .object({
    scalora: z.string().optional().describe("Version of scalora"),
    libtorch: z.string().optional().describe("Version of libtorch"),
    node: z.string().optional().describe("Version of Node"),
    device: z.string().optional().describe("Where the tensors are: `cpu`, `cuda:0`"),
    dtype: z.string().optional().describe("Precision of the model's weights"),
    quantization: z
      .string()
      .optional()
      .describe("How the base weights are quantised; absent where they are not"),
    base: z
      .string()
      .optional()
      .describe("How the base takes merges: `exact` or `split`; absent where none is merged"),
    vectorInstructions: z.string().optional().describe("The CPU's vector instructions that libtorch uses"),
    estimatedMemory: z.number().optional().describe("Memory the run was expected to take, in bytes"),
    checkpointBytes: z.number().optional().describe("Size of one checkpoint, in bytes"),
    seed: z.number().optional().describe("`train.seed`"),
    threads: count().optional().describe("Threads of libtorch; a resume uses as many"),
    gemmBackend: z
      .string()
      .optional()
      .describe("Kernels of float32 products: `aten` or `onednn`; a resume uses the same"),
  })
  .catchall(json());

/** What is known of a run when its first step is about to begin. */
export const startEvent = z
  .object({
    type: z.literal("start"),
    step: count().describe("Steps already done: 0, or the checkpoint's when the run goes on"),
    task: taskTypeSchema
      .optional()
      .describe("What is learnt: the next token, a class, or a number; absent in older runs: `causal-lm`"),
    totalSteps: count().describe("Steps of the whole run"),
    model: modelSchema.describe("The base model"),
    method: z.string().describe("Name of the training method"),
    parameters: z
      .object({ trainable: count(), all: count() })
      .describe("Numbers that are trained, and all numbers of the model and the adapter"),
    data: dataSchema.describe(
      "The training data; a program that calls `train` itself records what it knows, and other keys",
    ),
    environment: environmentSchema.describe(
      "Versions, device and precision; a program that calls `train` itself records what it knows, and other keys",
    ),
  })
  .describe("Before the first step of each process that trains the run.");
