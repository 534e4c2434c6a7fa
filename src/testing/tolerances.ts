/** How far a result may differ from a reference, and why so much. */
export interface Tolerance {
  /** `max`: max|Δ| / max|reference|; `frobenius`: ‖Δ‖ / ‖reference‖. */
  measure: "max" | "frobenius";
  limit: number;
  reason: string;
}

/** Every tolerance of the tests, by what is compared. Each is smaller than the error that a bug would cause. */
export const tolerances = {
  logits: {
    measure: "max",
    limit: 2e-5,
    reason: "fp32 sums in another order, through some layers; a wrong RoPE or mask shows at 1e-2 and more",
  },
  gradients: {
    measure: "frobenius",
    limit: 2e-5,
    reason: "as the logits, through the layers twice",
  },
  loss: {
    measure: "max",
    limit: 1e-5,
    reason: "a sum of fp32 cross entropies",
  },
  ropeTable: {
    measure: "max",
    limit: 1.2e-7,
    reason:
      "one unit in the last place of fp32: libtorch's powers may round differently on other instruction sets",
  },
  bfloat16Logits: {
    measure: "frobenius",
    limit: 3e-2,
    reason: "bf16 keeps 8 bits (4e-3); the sum of some layers' roundings, against fp32",
  },
  q8Product: {
    measure: "frobenius",
    limit: 1e-2,
    reason:
      "inputs in 8 bits, rounded to 1/127 of the largest of 32 (5e-3 of normal numbers); a wrong scale or order of codes shows at 1",
  },
  q8Logits: {
    measure: "frobenius",
    limit: 3e-2,
    reason: "weights and inputs in 8 bits, through two layers; a wrong order of rows shows at 1",
  },
  adaptedLogits: {
    measure: "max",
    limit: 1e-5,
    reason: "as the logits, through two layers; a wrong scale or factor layout shows at 1e-1",
  },
  adaptedGradients: {
    measure: "frobenius",
    limit: 1e-5,
    reason: "as the adapted logits, back through two layers",
  },
  mergedWeight: {
    measure: "max",
    limit: 1e-5,
    reason: "one fp32 product or transform of some dozen terms, times a scale",
  },
  trained: {
    measure: "frobenius",
    limit: 1e-4,
    reason: "fp32 differences of the gradients, divided by their own roots in AdamW, over 30 steps",
  },
  cachedLogits: {
    measure: "max",
    limit: 1e-5,
    reason: "the same fp32 products, split differently",
  },
} as const satisfies Readonly<Record<string, Tolerance>>;
