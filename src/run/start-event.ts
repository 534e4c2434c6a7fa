import { z } from "zod";
import { count, json } from "./schema-fields.ts";

const taskTypeSchema = z.enum(["causal-lm", "classification", "regression"]);

/** What a model learns to predict: the next token, the class of a sequence, or a number. */
export type TaskType = z.output<typeof taskTypeSchema>;

const modelSchema = z.object({
  path: z.string().describe("Folder or file that the model was loaded from"),
  family: z.string().describe("Architecture, as `scalora ls models` names it"),
  layers: count().describe("Transformer blocks"),
  hiddenSize: count().describe("Width of the hidden states"),
  vocabSize: count().describe("Rows of the embedding"),
  hash: z.string().optional().describe("Hash of the loaded weights (`hashModel`); absent in older runs"),
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
      .describe("Hashes of the tokenised training rows and held-out rows"),
    dropped: z
      .array(z.object({ source: z.string(), reason: z.string() }))
      .optional()
      .describe("Dropped rows: file and line of each, and the reason"),
    rejected: count().optional().describe("Rejected answers of preference data, which are left out"),
    rows: count().optional().describe("Training rows"),
    heldOut: count().optional().describe("Rows held out for evaluation"),
    tokens: count().optional().describe("Tokens of the training rows"),
    labelTokens: count()
      .optional()
      .describe("Labels of the training rows: tokens, or rows for a classification"),
    truncated: count().optional().describe("Rows truncated to `data.maxLength`"),
    systemPrompt: z
      .object({ text: z.string(), chats: count(), allChats: count() })
      .optional()
      .describe(
        "The system message with which more than half of the training chats begin: its text, how many do, how many chats there are",
      ),
    notes: z.array(z.string()).optional().describe("Remarks on the files"),
    labels: z
      .union([z.string(), z.array(z.string())])
      .optional()
      .describe("Names of the classes; for a language model, a description of the tokens that are labels"),
  })
  .catchall(json().optional());

const environmentSchema = z
  .object({
    scalora: z.string().optional().describe("Version of scalora"),
    libtorch: z.string().optional().describe("Version of libtorch"),
    node: z.string().optional().describe("Version of Node"),
    device: z.string().optional().describe("Device of the tensors: `cpu`, `cuda:0`"),
    dtype: z.string().optional().describe("Data type of the model's weights"),
    quantization: z.string().optional().describe("Quantisation of the base weights; absent without one"),
    base: z
      .string()
      .optional()
      .describe(
        "How the base weights take merges: `exact` in float32, `split` in bfloat16 and 16 more bits, `factored` in a low-rank term beside them; absent for methods without merges",
      ),
    vectorInstructions: z.string().optional().describe("Vector instructions of the CPU that libtorch uses"),
    estimatedMemory: z.number().optional().describe("Estimated memory of the run, in bytes"),
    recompute: z
      .boolean()
      .optional()
      .describe("Whether the backward pass runs the model's blocks again (`train.recompute`); absent: no"),
    checkpointBytes: z.number().optional().describe("Size of one checkpoint, in bytes"),
    seed: z.number().optional().describe("`train.seed`"),
    worldSize: count().optional().describe("Processes that train together; absent: one"),
    threads: count().optional().describe("Threads of libtorch; a resume uses the same number"),
    gemmBackend: z
      .string()
      .optional()
      .describe("Kernels of float32 products: `aten` or `onednn`; a resume uses the same"),
  })
  .catchall(json().optional());

/** What is known about a run before its first step. */
export const startEvent = z
  .object({
    type: z.literal("start"),
    step: count().describe("Steps already done: 0, or the checkpoint's step on a resume"),
    task: taskTypeSchema
      .optional()
      .describe(
        "What the model predicts: the next token, a class, or a number; absent in older runs: `causal-lm`",
      ),
    totalSteps: count().describe("Steps of the whole run"),
    model: modelSchema.describe("The base model"),
    method: z.string().describe("Name of the training method"),
    parameters: z
      .object({ trainable: count(), all: count() })
      .describe("Number of trainable parameters, and of all parameters of model and adapters"),
    data: dataSchema.describe(
      "The training data; a program that calls `train` may leave keys out and add its own",
    ),
    environment: environmentSchema.describe(
      "Versions, device and precision; a program that calls `train` may leave keys out and add its own",
    ),
  })
  .describe("Before the first step of each process that trains the run.");
