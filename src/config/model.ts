import { z } from "zod";
import { pathText } from "./fields.js";

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
  path: pathText("the path of a Hugging Face model folder (with config.json)").meta({
    description: "Hugging Face model folder",
  }),
  dtype: z.enum(["auto", "float32", "bfloat16"]).default("auto").meta({
    description: "Precision of the computation; auto is float32",
  }),
  device,
});

export type ModelConfig = z.output<typeof modelSchema>;
