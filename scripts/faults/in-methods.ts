// Faults in methods: their mathematics, their layers, their folders.
import type { Fault } from "./fault.ts";

const event = "src/adapters/scalora/event.ts";
const eventTest = "src/adapters/scalora/event.test.ts";
const compensated = "src/adapters/non-zero-init/non-zero-init-bank.ts";
const golden = {
  file: "src/adapters/scalora/golden.test.ts",
  name: "01_column_all_nonneg.json, policy default",
};
const methods = "src/adapters/adapters.test.ts";
const matrix = "src/adapters/contract-matrix.test.ts";

export const faultsInMethods: Fault[] = [
  {
    name: "uncrossed moments",
    file: event,
    from: "[moments.A, beta],\n    [moments.B, alpha],",
    to: "[moments.A, alpha],\n    [moments.B, beta],",
    test: { file: eventTest, name: "transferred moments are those of an adapter" },
  },
  {
    name: "second moments scaled like first ones",
    file: event,
    from: "mul_(expAvgSq, square(factor))",
    to: "mul_(expAvgSq, factor)",
    test: { file: eventTest, name: "transferred moments are those of an adapter" },
  },
  {
    name: "uncrossed gradients",
    file: event,
    from: "mul_(bank.gradA, beta);\n  mul_(bank.gradB, alpha);",
    to: "mul_(bank.gradA, alpha);\n  mul_(bank.gradB, beta);",
    test: golden,
  },
  {
    name: "s missing in the merge",
    file: event,
    from: "scale * (1 - roundAlpha * roundBeta)",
    to: "1 - roundAlpha * roundBeta",
    test: golden,
  },
  {
    name: "wrong merge sign",
    file: event,
    from: "scale * (1 - roundAlpha * roundBeta)",
    to: "scale * (roundAlpha * roundBeta - 1)",
    test: golden,
  },
  {
    name: "ridge 0",
    file: "src/adapters/scalora/solve/policies.ts",
    from: "const ridge = 1e-3;",
    to: "const ridge = 0;",
    test: golden,
  },
  {
    name: "preserve factor missing",
    file: event,
    from: "isOwnNorm(scale) ? keepNorm(solved, grams, keptNormFraction(scale, pace)) : solved",
    to: "solved",
    test: { file: eventTest, name: "preserve keeps the norm of each layer's factors" },
  },
  {
    name: "a horizon that forgets nothing",
    file: "src/adapters/scalora/column-norm.ts",
    from: "Math.exp(-elapsed / scale.horizon)",
    to: "1",
    test: { file: eventTest, name: "horizon lets the norm of each layer's factors decay" },
  },
  {
    name: "gradients of another adapter accepted",
    file: event,
    from: "if (mismatch <= tolerance) return;",
    to: "if (mismatch <= 1000 * tolerance) return;",
    test: { file: eventTest, name: "gradients that are not those of the adapter" },
  },
  {
    name: "an event one step late",
    file: "src/adapters/scalora/attach-scalora.ts",
    from: "(step - first) % this.stepsBetween === 0",
    to: "(step - first) % this.stepsBetween === 1 % this.stepsBetween",
    test: { file: methods, name: "events: the first after warm-up" },
  },
  {
    name: "split rounding to nearest even",
    file: "src/adapters/core/base-store.ts",
    from: "rightShiftScalar(addScalar(bits, 0x8000), 16)",
    to: "rightShiftScalar(add(addScalar(bits, 0x7fff), bitwiseAndScalar(rightShiftScalar(bits, 16), 1)), 16)",
    test: { file: "src/adapters/core/base-store.test.ts", name: "a split weight rejoins bit for bit" },
  },
  {
    name: "LoRA scale inverted",
    file: "src/adapters/lora/attach-lora.ts",
    from: "alpha / (rslora ? Math.sqrt(rank) : rank)",
    to: "(rslora ? Math.sqrt(rank) : rank) / alpha",
    test: { file: methods, name: "lora: starts as the base, adds s·A·Bᵀ" },
  },
  {
    name: "LoRA scale of a PEFT folder inverted",
    file: "src/adapters/peft/lora-format.ts",
    from: 'scale: found.alpha() / (config["use_rslora"] === true ? Math.sqrt(rank) : rank)',
    to: 'scale: (config["use_rslora"] === true ? Math.sqrt(rank) : rank) / found.alpha()',
    test: { file: "test/parity/peft.test.ts", name: "PEFT's plain adapter: the logits are PEFT's" },
  },
  {
    name: "DoRA's row lengths on the CPU whatever the model's device",
    file: "src/adapters/dora/dora-bank.ts",
    from: "device: weight.device",
    to: 'device: "cpu"',
    test: { file: "test/second-device.test.ts", name: "dora trains" },
  },
  {
    name: "DoRA's row lengths without the factors' part across W",
    file: "src/adapters/dora/dora-bank.ts",
    from: "mul(add(own, cross, { alpha: 2 }), left)",
    to: "mul(own, left)",
    test: { file: matrix, name: "'dora', 'float32', rank 1: the merged weights compute" },
  },
  {
    name: "HiRA's change not multiplied by W",
    file: "src/adapters/hira/attach-hira.ts",
    from: "mul(toDType(base.denseWeight(), factor.dtype), factor)",
    to: "factor",
    test: { file: matrix, name: "'hira', 'float32', rank 1: the merged weights compute" },
  },
  {
    name: "MoRA's pairs turned the other way",
    file: "src/adapters/mora/square-bank.ts",
    from: "cat([neg(narrow(parts, 2, half, half)), narrow(parts, 2, 0, half)], { dim: 2 })",
    to: "cat([narrow(parts, 2, half, half), neg(narrow(parts, 2, 0, half))], { dim: 2 })",
    test: { file: "src/adapters/mora/mora.test.ts", name: "'rotation', [" },
  },
  {
    name: "ReLoRA's scale missing in the merge",
    file: "src/adapters/relora/attach-relora.ts",
    from: "merge(mulScalar(bank.A, bank.shape.scale), bank.B)",
    to: "merge(bank.A, bank.B)",
    test: { file: "src/adapters/relora/relora.test.ts", name: "a run with two restarts is the paper's" },
  },
  {
    name: "Flora's momentum left in the old projection",
    file: "src/adapters/flora/attach-flora.ts",
    from: "if (moments) moveMoments(moments, elementAt(before, index), bank);",
    to: "",
    test: { file: "src/adapters/flora/flora.test.ts", name: "with momentum, every weight is that" },
  },
  {
    name: "a start that nothing makes up for",
    file: compensated,
    from: "for (const slot of [select(this.A, 0, index), start.A])",
    to: "for (const slot of [select(this.A, 0, index)])",
    test: { file: matrix, name: "'pissa', 'float32', rank 1: where it starts" },
  },
  {
    name: "factors and start rounded apart",
    file: compensated,
    from: "A: cat([sub(own.A, start.A), start.A], { dim: 1 }),\n      B: cat([own.B, sub(own.B, start.B)], { dim: 1 }),",
    to: "A: cat([own.A, sub(zerosLike(start.A), start.A)], { dim: 1 }),\n      B: cat([own.B, start.B], { dim: 1 }),",
    test: {
      file: "src/adapters/non-zero-init/non-zero-init-bank.test.ts",
      name: "in bfloat16 a change of 1e-4 is learnt",
    },
  },
];
