import { z } from "zod";
import { fraction, integerAtLeast, pathString } from "../schema/field-types.ts";

const device = z
  .string()
  .regex(/^(auto|cpu|mps|cuda(:\d+)?)$/)
  .default("auto")
  .meta({
    expects: "auto, cpu, mps, cuda or cuda:N",
    description: "Where tensors live; auto takes a GPU when there is one",
  });

/** Section `model`: which model, and in which precision and place it computes. */
export const modelSchema = z.strictObject({
  path: pathString("the path of a Hugging Face model folder (with config.json) or a GGUF file").meta({
    description: "Hugging Face model folder, or GGUF file",
  }),
  dtype: z.enum(["auto", "float32", "bfloat16"]).default("auto").meta({
    description: "Precision of the computation; auto is float32",
  }),
  device,
  quantization: z.enum(["none", "nf4"]).optional().meta({
    description: "How the base's weights within blocks are kept; nf4 in 4 bits, quantised as they are loaded",
    unset: "nf4 with adapter.method: qlora, else none",
  }),
  gemmBackend: z.enum(["aten", "onednn"]).optional().meta({
    description: "Kernels of float32 matrix products on the CPU; the choice changes the last bits of results",
    unset: "the faster one, measured once for each machine",
  }),
  labels: z
    .union([integerAtLeast(1), z.array(z.string().min(1)).min(2)])
    .optional()
    .meta({
      expects: "a number of classes (1 for a regression), or a list of two names or more",
      description:
        "Classes of an encoder (BERT, RoBERTa, DeBERTa), in the order of their numbers; 1 is a regression",
      unset:
        "what the task of the data has, else what the model's config.json says (2 classes where it says nothing)",
    }),
  headDropout: fraction().optional().meta({
    description: "Dropout before the classifier of an encoder",
    unset: "what the model's config.json says",
  }),
});

export type ModelConfig = z.output<typeof modelSchema>;

/** The section as it is written: what is left out gets its default. */
export type ModelInput = z.input<typeof modelSchema>;
