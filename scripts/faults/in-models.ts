// Faults in models: layers, attention, losses, caches.
import type { Fault } from "./fault.ts";

const parity = "src/models/llama/parity.test.ts";
const decoders = "src/models/decoder/parity.test.ts";
const attention = {
  file: "src/nn/attention.test.ts",
  name: "attention is causal and stays within each sequence (float64)",
};
const methods = "src/adapters/adapters.test.ts";

export const faultsInModels: Fault[] = [
  {
    name: "a bias dropped",
    file: "src/nn/frozen-weight.ts",
    from: "fastLinear(x, weight, { bias })",
    to: "fastLinear(x, weight)",
    test: { file: parity, name: "biases: logits, loss and all gradients" },
  },
  {
    name: "the bias of an adapted layer dropped",
    file: "src/nn/frozen-weight.ts",
    from: "loraLinear(x, weight, A, B, scale, { bias,",
    to: "loraLinear(x, weight, A, B, scale, {",
    test: { file: methods, name: "lora: starts as the base, adds s·A·Bᵀ" },
  },
  {
    name: "rope off by one: frequencies",
    file: "src/nn/rope-frequencies.ts",
    from: "(_, i) => (2 * i) / dim",
    to: "(_, i) => (2 * (i + 1)) / dim",
    test: { file: parity, name: "gqa: logits, loss and all gradients" },
  },
  {
    name: "rope off by one: positions",
    file: "src/nn/causal-lm.ts",
    from: "BigInt(past + i)",
    to: "BigInt(past + i + 1)",
    test: { file: "src/nn/causal-lm.test.ts", name: "positions count from 0 in each sequence" },
  },
  {
    name: "a mask leaking between sequences",
    file: "src/nn/attention.ts",
    from: "  const { queries, keys, values } = heads;\n  if (hasFusedAttention()",
    to: "  const { queries, keys, values } = heads;\n  offsets = [0, offsets[offsets.length - 1]];\n  if (hasFusedAttention()",
    test: { file: parity, name: "a batch is the sum of its sequences" },
  },
  {
    name: "a mask leaking between equally long sequences",
    file: "src/nn/attention.ts",
    from: "attendBatch(heads, group.count, group.length, options);",
    to: "attendSequence(heads, options);",
    test: attention,
  },
  {
    name: "attention not causal",
    file: "src/nn/attention.ts",
    from: "attnMask: mask, isCausal, scale",
    to: "attnMask: mask, isCausal: false, scale",
    test: attention,
  },
  {
    name: "a window off by one",
    file: "src/nn/attention.ts",
    from: "keyCount - rows - window + 1",
    to: "keyCount - rows - window",
    test: { ...attention, name: "windows and soft caps are what their definitions say (float64)" },
  },
  {
    name: "a window off by one behind a cache",
    file: "src/nn/attention.ts",
    from: "(options.slidingWindow ?? total) + added - 1",
    to: "(options.slidingWindow ?? total) + added - 2",
    test: { ...attention, name: "the last 1 of 8 tokens after a cache" },
  },
  {
    name: "attention's soft cap missing",
    file: "src/models/decoder/attention.ts",
    from: "softCap: config.attentionLogitSoftcap",
    to: "softCap: undefined",
    test: { file: decoders, name: "gemma2, scores-capped: logits, loss and all gradients" },
  },
  {
    name: "the loss without the logits' soft cap",
    file: "src/nn/causal-loss.ts",
    from: "      softCap: head.softCap,\n",
    to: "",
    test: { file: "src/nn/causal-loss.test.ts", name: "the gradients of a soft-capped loss" },
  },
  {
    name: "Gemma's norms counting from 0",
    file: "src/nn/rms-norm.ts",
    from: "fromOne: this.addUnitOffset",
    to: "fromOne: false",
    test: { file: decoders, name: "gemma3_text, saved: logits, loss and all gradients" },
  },
  {
    name: "the composed form of Gemma's norms counting from 0",
    file: "src/nn/rms-norm.ts",
    from: "addScalar(upcast(this.weight), 1)",
    to: "upcast(this.weight)",
    test: { file: "src/nn/decoder-parts.test.ts", name: "RMSNorm, its weight an offset from 1: true" },
  },
  {
    name: "every layer with the rope of the first",
    file: "src/models/decoder/model.ts",
    from: "elementAt(rotations, elementAt(this.rotaryByLayer, i))",
    to: "elementAt(rotations, 0)",
    test: { file: decoders, name: "gemma3_text, saved: logits, loss and all gradients" },
  },
  {
    name: "last token of the cache dropped",
    file: "src/nn/kv-cache.ts",
    from: "this.usedLength += count;",
    to: "this.usedLength += count - 1;",
    test: { file: parity, name: "gqa: a cache fed in pieces" },
  },
];
