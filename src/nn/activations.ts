import {
  fusedActAndMul,
  gelu,
  mul,
  mulScalar,
  relu,
  sigmoid,
  silu,
  square,
  type Tensor,
  tanh,
} from "../torch/index.ts";
import { canUseFusedKernel } from "./can-use-fused-kernel.ts";

/** A function of each element. */
export type Activation = (x: Tensor) => Tensor;

const swish: Activation = (x) => silu(x);
const exactGelu: Activation = (x) => gelu(x);
const tanhGelu: Activation = (x) => gelu(x, { approximate: "tanh" });
const quickGelu: Activation = (x) => mul(x, sigmoid(mulScalar(x, 1.702)));

/** By the names that Hugging Face configs use (`ACT2FN` of transformers 5.17). */
export const activations: ReadonlyMap<string, Activation> = new Map<string, Activation>([
  ["silu", swish],
  ["swish", swish],
  ["gelu", exactGelu],
  ["gelu_python", exactGelu],
  ["gelu_new", tanhGelu],
  ["gelu_fast", tanhGelu],
  ["gelu_pytorch_tanh", tanhGelu],
  ["gelu_python_tanh", tanhGelu],
  ["quick_gelu", quickGelu],
  ["relu", (x) => relu(x)],
  ["relu2", (x) => square(relu(x))],
  ["sigmoid", (x) => sigmoid(x)],
  ["tanh", (x) => tanh(x)],
]);

/** Activations x·σ(a·x + b·x³), with their a and b: those that `fusedActAndMul` computes. */
const gatedBySigmoid = new Map<Activation, readonly [linear: number, cubic: number]>([
  [swish, [1, 0]],
  [quickGelu, [1.702, 0]],
  // ½x(1 + tanh u) = x·σ(2u)
  [tanhGelu, [2 * Math.sqrt(2 / Math.PI), 2 * Math.sqrt(2 / Math.PI) * 0.044715]],
]);

/** `activation(gate) ∘ up`, as in SwiGLU and GeGLU, for a gate and an input of one shape. */
export function actAndMul(activation: Activation, gate: Tensor, up: Tensor): Tensor {
  const factors = gatedBySigmoid.get(activation);
  if (factors !== undefined && canUseFusedKernel(gate, up)) return fusedActAndMul(gate, up, ...factors);
  return mul(activation(gate), up);
}
